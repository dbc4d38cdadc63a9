//! What a line of a request's head means to gRPC, found out once: a connection's HPACK decoder asks [`of`] when a line comes
//! as text, and keeps the answer with the line for as long as its table repeats it.

use super::{EncodingSet, content_type, metadata, path};
use crate::http2::Class;

/// Something that an application sees as metadata.
pub(crate) const METADATA: u8 = 1;
/// A name of gRPC's or HTTP's own that needs nothing done.
pub(crate) const RESERVED: u8 = 2;
/// `content-type` of a call.
pub(crate) const CONTENT_TYPE: u8 = 3;
/// `content-type` of something else.
pub(crate) const OTHER_CONTENT_TYPE: u8 = 4;
/// `grpc-timeout`, not read yet: it is another one in most calls.
pub(crate) const TIMEOUT: u8 = 5;
/// `grpc-encoding`, not read yet.
pub(crate) const ENCODING: u8 = 6;
/// `grpc-status`.
pub(crate) const STATUS: u8 = 7;
/// `grpc-accept-encoding` with nothing that we know but identity; the bits of a set are added.
pub(crate) const ACCEPT_ENCODING: u8 = 16;
/// With all that there is.
pub(crate) const ACCEPT_ALL_ENCODINGS: u8 = ACCEPT_ENCODING | EncodingSet::BITS;

/// The meaning of a line. Of a path it is where its method begins; 0 when that is too far or the path none of a call, as it
/// is when nobody has asked.
pub(crate) fn of(class: Class, name: &[u8], value: &[u8]) -> u8 {
    match (class, name) {
        (Class::Path, _) => path::slash(value).and_then(|slash| u8::try_from(slash).ok()).unwrap_or(0),
        (Class::Regular, b"content-type") if content_type::is_grpc(value) => CONTENT_TYPE,
        (Class::Regular, b"content-type") => OTHER_CONTENT_TYPE,
        (Class::Regular, b"grpc-timeout") => TIMEOUT,
        (Class::Regular, b"grpc-encoding") => ENCODING,
        (Class::Regular, b"grpc-status") => STATUS,
        (Class::Regular, b"grpc-accept-encoding") => ACCEPT_ENCODING | EncodingSet::parse(value).bits(),
        (Class::Regular, name) if metadata::is_seen(name) => METADATA,
        _ => RESERVED,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grpc::server::RequestHead;
    use crate::http2::Fields;
    use crate::http2::hpack::{Decoder, DecoderLimits, Encoder, Progress};

    proptest! {
        /// A head is the same whether its lines were asked about as they came, repeated by the table, or not asked about.
        #[test]
        fn it_matters_to_no_head_when_it_was_asked_about(
            picks in proptest::collection::vec(0..16_usize, 0..8), far in any::<bool>(),
        ) {
            let far_path = format!("/{}/method", "s".repeat(300));
            let lines = [
                (":path", if far { &far_path } else { "/service/method" }), (":path", "/"), ("te", "trailers"),
                ("content-type", "application/grpc"), ("content-type", "application/grpc+proto"),
                ("content-type", "text/html"), ("grpc-timeout", "5S"), ("grpc-timeout", "5s"),
                ("grpc-encoding", "gzip"), ("grpc-encoding", "lz4"), ("grpc-accept-encoding", "gzip, zstd"),
                ("grpc-accept-encoding", "identity"), ("x-own", "1"), ("user-agent", "2"), ("x-more", "3"),
                ("grpc-unknown", "4"),
            ];
            let always = [(":method", "POST"), (":scheme", "http"), (":path", "/a/b"), ("content-type", "application/grpc")];
            let section: Fields = always.into_iter().chain(picks.iter().map(|&at| lines[at])).collect();
            let accept = EncodingSet::supported();
            let read = |fields: Fields| {
                let mut head = RequestHead::read(fields, accept).map_err(|rejection| format!("{rejection:?}"))?;
                let path = (head.path().service.to_owned(), head.path().method.to_owned());
                let seen = (head.timeout, head.encodings, head.has_te());
                Ok::<_, String>((path, seen, head.take_metadata()))
            };
            let expected = read(section.clone());
            let mut decoder = Decoder::new(DecoderLimits::default());
            decoder.set_meaning(of);
            let mut encoder = Encoder::new(4096);
            for _ in 0..3 {
                let (mut block, mut decoded) = (Vec::new(), Fields::new());
                encoder.encode(&section, &mut block);
                prop_assert_eq!(decoder.decode(&block, true, &mut decoded), Ok(Progress::Complete));
                prop_assert_eq!(&read(decoded), &expected);
            }
        }
    }
}
