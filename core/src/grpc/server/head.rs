use core::time::Duration;
use std::sync::Arc;

use crate::grpc::shown::Shown;
use crate::grpc::{
    CallEncodings, Encoding, EncodingSet, Metadata, MethodPath, Status, content_type, meaning, metadata,
    path, timeout,
};
use crate::http2::{Class, Fields, Known};

/// The head of a request that is a call.
#[derive(Debug, Default)]
pub struct RequestHead {
    fields: Fields,
    /// Which line is the path, and where its method begins.
    path: (usize, usize),
    /// The lines that the application sees, the first one's bit lowest.
    own: u128,
    has_te: bool,
    /// Time that the client gives the call; `None` for as long as it takes.
    pub timeout: Option<Duration>,
    /// Encodings that the client uses and takes.
    pub encodings: CallEncodings,
}

/// A request that is no call, or not one that can be served.
#[derive(Debug)]
pub struct Rejection {
    /// HTTP status of the answer: 200 where gRPC's own status says what is wrong.
    pub http_status: u16,
    /// The status.
    pub status: Status,
    /// What is to be offered instead of an encoding that is not supported.
    pub accept: Option<EncodingSet>,
    /// Nobody who speaks gRPC says such a thing: it is counted as a glitch of the connection.
    pub is_glitch: bool,
}

impl Rejection {
    fn http(http_status: u16, status: Status) -> Self {
        Self { http_status, status, accept: None, is_glitch: false }
    }

    pub(crate) fn grpc(status: Status) -> Self {
        Self::http(200, status)
    }
}

fn read_timeout(value: &[u8]) -> Result<Duration, Rejection> {
    timeout::parse(value).map_err(|why| {
        let message = format!("the grpc-timeout {} cannot be used: {why}", Shown(value));
        Rejection { is_glitch: true, ..Rejection::grpc(Status::internal(message)) }
    })
}

#[cold]
fn not_a_post(method: &[u8]) -> Rejection {
    Rejection::http(405, Status::unimplemented(format!("a gRPC request is a POST, not a {}", Shown(method))))
}

#[cold]
fn no_grpc(content_type: Option<&[u8]>) -> Rejection {
    let there = content_type.map_or_else(|| "none".to_owned(), |there| Shown(there).to_string());
    Rejection::http(
        415,
        Status::unknown(format!(
            "a gRPC request has a content-type that begins with application/grpc, and this one has {there}"
        )),
    )
}

#[cold]
fn no_method(path: Option<&[u8]>) -> Rejection {
    let path = Shown(path.unwrap_or_default());
    Rejection::grpc(Status::unimplemented(format!(
        "the path of a call is /package.Service/Method, not {path}"
    )))
}

#[cold]
fn not_taken(encoding: &[u8], accept: EncodingSet) -> Rejection {
    let status = Status::unimplemented(format!(
        "messages compressed as {} are not taken here: send them as one of {}",
        Shown(encoding),
        accept.as_str()
    ));
    Rejection { accept: Some(accept), ..Rejection::grpc(status) }
}

impl RequestHead {
    /// Reads the head of a request. Encodings are accepted as far as `accept` goes.
    ///
    /// # Errors
    ///
    /// [`Rejection`] says how to answer instead.
    pub fn read(fields: Fields, accept: EncodingSet) -> Result<Self, Rejection> {
        let mut head = Self::default();
        let mut has_content_type = false;
        let mut unsupported = None;
        let mut path = None;
        let mut next = 1_u128;
        for (at, Known { class, meaning }) in fields.known().enumerate() {
            // The bit of the line; none where there are more lines than bits.
            let bit = next;
            next <<= 1;
            let meaning = match class {
                Class::Method if fields.value(at) != b"POST" => {
                    return Err(not_a_post(fields.value(at)));
                }
                Class::Path => {
                    let slash = Some(usize::from(meaning)).filter(|&slash| slash > 0);
                    path = slash.or_else(|| path::slash(fields.value(at))).map(|slash| (at, slash));
                    continue;
                }
                Class::Te => {
                    head.has_te = true;
                    continue;
                }
                // A section that came off no connection of ours: nobody has asked yet.
                Class::Regular if meaning == 0 => meaning::of(class, fields.name(at), fields.value(at)),
                Class::Regular => meaning,
                _ => continue,
            };
            match meaning {
                meaning::METADATA => head.own |= bit,
                meaning::CONTENT_TYPE => has_content_type = true,
                meaning::OTHER_CONTENT_TYPE => has_content_type = false,
                meaning::TIMEOUT => head.timeout = Some(read_timeout(fields.value(at))?),
                meaning::ENCODING => match Encoding::from_name(fields.value(at)) {
                    Some(encoding) if accept.contains(encoding) => head.encodings.recv = encoding,
                    _ => unsupported = Some(at),
                },
                meaning::ACCEPT_ENCODING..=meaning::ACCEPT_ALL_ENCODINGS => {
                    head.encodings.peer_accepts = EncodingSet::from_bits(meaning);
                }
                _ => {}
            }
        }
        if !has_content_type {
            return Err(no_grpc(fields.get(b"content-type")));
        }
        let Some(path) = path else {
            return Err(no_method(fields.get(b":path")));
        };
        if let Some(at) = unsupported {
            return Err(not_taken(fields.value(at), accept));
        }
        head.path = path;
        head.fields = fields;
        Ok(head)
    }

    /// Service and method. Empty after [`take_metadata`](Self::take_metadata).
    pub fn path(&self) -> MethodPath<'_> {
        let (at, slash) = self.path;
        MethodPath::split(self.fields.value(at), slash).unwrap_or(MethodPath { service: "", method: "" })
    }

    /// The octets of service and method, for whoever looks them up: they are as in [`path`](Self::path).
    pub fn names(&self) -> (&[u8], &[u8]) {
        let (at, slash) = self.path;
        path::names(self.fields.value(at), slash).unwrap_or_default()
    }

    /// `:authority`, or `host`.
    pub fn authority(&self) -> Option<&str> {
        let authority = self.fields.get(b":authority").or_else(|| self.fields.get(b"host"))?;
        core::str::from_utf8(authority).ok()
    }

    /// The message format after `application/grpc+`; `proto` where none is named.
    pub fn content_subtype(&self) -> &str {
        self.fields.get(b"content-type").map_or("proto", content_type::subtype)
    }

    /// Whether the client said `te: trailers`, as every gRPC client must.
    pub const fn has_te(&self) -> bool {
        self.has_te
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.fields.capacity()
    }

    /// The client's metadata. It takes the fields with it: read the rest first.
    pub fn take_metadata(&mut self) -> Metadata {
        self.take_metadata_into(None).0
    }

    /// The same in memory that was used before; and a section that is of no more use.
    pub(crate) fn take_metadata_into(&mut self, spare: Option<Arc<Fields>>) -> (Metadata, Option<Fields>) {
        let fields = core::mem::take(&mut self.fields);
        if fields.len() > metadata::MARKED {
            return Metadata::from_received(fields);
        }
        Metadata::from_judged(fields, core::mem::take(&mut self.own), spare)
    }
}
