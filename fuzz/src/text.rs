//! The texts of gRPC in header fields, from a peer and from an application: timeout, path, encodings, code, status,
//! metadata.
//!
//! What is read is what was written; what is written is read back as it was meant; what is refused changes nothing; and no
//! name that belongs to the protocol passes in either direction.
//!
//! Input: an octet that says which text, then the text, or pieces of it each behind its length: see [`run`].

use std::time::Duration;

use http::HeaderMap;
use unwired_core::Instant;
use unwired_core::grpc::client::{self, NewCall};
use unwired_core::grpc::{
    Cardinality, Code, Config, Encoding, EncodingSet, Metadata, MethodPath, Status, server, timeout,
};
use unwired_core::http2::{Field, Fields};

use super::input::Input;
use super::stream::Stream;

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    match input.octet() {
        Some(0) => read_timeout(input.0),
        Some(1) => write_timeout(input.0),
        Some(2) => path(input.0),
        Some(3) => encodings(input.0),
        Some(4) => code(input.0),
        Some(5) => status_of_a_peer(&mut input),
        Some(6) => status_of_ours(&mut input),
        Some(7) => metadata_of_ours(&mut input),
        Some(8) => request_of_a_peer(&mut input),
        _ => {}
    }
}

fn read_timeout(text: &[u8]) {
    let legal = matches!(text, [digits @ .., b'H' | b'M' | b'S' | b'm' | b'u' | b'n']
        if (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit));
    let read = timeout::parse(text);
    assert_eq!(read.is_ok(), legal, "another timeout than the protocol's");
    if let Ok(timeout) = read {
        let written = timeout::format(timeout);
        let again = timeout::parse(written.as_bytes()).expect("our own timeout");
        assert_eq!(again, timeout.max(Duration::from_nanos(1)), "no text of eight digits stays as it is");
    }
}

fn write_timeout(octets: &[u8]) {
    let Some((octets, _)) = octets.split_first_chunk::<12>() else { return };
    let [secs @ .., a, b, c, d] = *octets;
    let nanos = u32::from_be_bytes([a, b, c, d]) % 1_000_000_000;
    let wanted = Duration::new(u64::from_be_bytes(secs), nanos);
    let written = timeout::format(wanted);
    let read = timeout::parse(written.as_bytes()).expect("our own timeout");
    let longest = Duration::from_secs(99_999_999 * 3600);
    assert!(!read.is_zero() && read >= wanted.min(longest), "a deadline before its time");
    assert!(
        read <= wanted.saturating_add(wanted / 10_000 + Duration::from_nanos(1)),
        "a deadline long after its time"
    );
}

fn path(text: &[u8]) {
    let Some(MethodPath { service, method }) = MethodPath::parse(text) else { return };
    assert_eq!(format!("/{service}/{method}").as_bytes(), text, "a path that is not what was sent");
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic() && !b"/?#%".contains(&octet))
    };
    assert!(plain(service) && plain(method), "a path of more than two names");
}

fn encodings(text: &[u8]) {
    let set = EncodingSet::parse(text);
    assert_eq!(EncodingSet::parse(set.as_str().as_bytes()), set, "a set is not what it says");
    for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
        let named =
            text.split(|&octet| octet == b',').any(|name| name.trim_ascii() == encoding.name().as_bytes());
        assert_eq!(set.contains(encoding), named || encoding == Encoding::Identity, "{encoding}");
        assert_eq!(Encoding::from_name(text) == Some(encoding), text == encoding.name().as_bytes());
    }
}

fn code(text: &[u8]) {
    let code = Code::from_bytes(text);
    let number = core::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    let expected = number.filter(|number: &i32| number.to_string().as_bytes() == text).map(Code::from_i32);
    assert_eq!(code, expected.unwrap_or(Code::Unknown), "another code than the number's");
}

/// Fields: name, value, and so on.
fn status_of_a_peer(input: &mut Input<'_>) {
    let fields = fields(input);
    let first = |name: &[u8]| fields.get(name).map(<[u8]>::to_vec);
    let (code, message) = (first(b"grpc-status"), first(b"grpc-message"));
    let status = read_status(fields);
    let Some(code) = code else {
        assert_eq!(status.code(), Code::Unknown, "a status from nowhere");
        return;
    };
    assert_eq!(status.code(), Code::from_bytes(&code));
    if let Some(message) = message.filter(|message| is_plain(message) && !message.is_empty()) {
        assert_eq!(status.message().as_bytes(), message, "plain text has changed");
    }
    check_metadata(status.metadata());
    assert_same_status(&read_status(write_status(&status)), &status);
}

/// A code, a message of any UTF-8, details, then metadata.
fn status_of_ours(input: &mut Input<'_>) {
    let (Some(number), Some(message), Some(details)) = (input.octet(), input.piece(), input.piece()) else {
        return;
    };
    let code = Code::from_i32(i32::from(number) % 17);
    let message = String::from_utf8_lossy(message).into_owned();
    let mut status = Status::with_details(code, message, details.to_vec());
    *status.metadata_mut() = metadata(input);
    let fields = write_status(&status);
    for Field { name, value, .. } in &fields {
        assert!(
            name.is_ascii() && value.iter().all(|octet| matches!(octet, b' '..=b'~')),
            "not a plain field"
        );
    }
    assert_same_status(&read_status(fields), &status);
}

fn metadata_of_ours(input: &mut Input<'_>) {
    let metadata = metadata(input);
    check_metadata(&metadata);
    let mut fields = Fields::new();
    call(&metadata).put(Instant::ZERO, EncodingSet::supported(), &mut fields);
    for Field { name, value, .. } in &fields {
        assert!(
            value.iter().all(|octet| matches!(octet, b' '..=b'~')),
            "{} is not plain",
            name.escape_ascii()
        );
    }
    let mut head = server::RequestHead::read(fields, EncodingSet::supported()).expect("our own request");
    let mut came = head.take_metadata();
    assert!(came.len() >= metadata.len(), "an entry is lost");
    for (name, _) in metadata.iter() {
        let (texts, bins) = (
            |of: &Metadata| of.get_all(name).map(str::to_owned).collect::<Vec<_>>(),
            |of: &Metadata| of.get_all_bin(name).collect::<Vec<_>>(),
        );
        assert_eq!((texts(&came), bins(&came)), (texts(&metadata), bins(&metadata)), "{name} has changed");
        assert!(came.contains(name) && came.contains(&name.to_ascii_uppercase()));
    }
    let (size, entries) = (came.size(), came.len());
    let shared = came.clone();
    came.clear();
    assert_eq!(
        (came.is_empty(), shared.size(), shared.len()),
        (true, size, entries),
        "clones share more than memory"
    );
}

/// Fields: name, value, and so on.
fn request_of_a_peer(input: &mut Input<'_>) {
    let mut fields: Fields = [(":method", "POST"), (":path", "/a/b")].into_iter().collect();
    let more = self::fields(input);
    fields.extend(more.iter().map(|field| (field.name, field.value)));
    let path = fields.get(b":path").map(<[u8]>::to_vec);
    match server::RequestHead::read(fields, EncodingSet::supported()) {
        Ok(mut head) => {
            let MethodPath { service, method } = head.path();
            assert_eq!(path, Some(format!("/{service}/{method}").into_bytes()), "another path");
            assert!(!head.content_subtype().contains([';', ' ']), "parameters in the message format");
            let _ = (head.authority(), head.has_te());
            check_metadata(&head.take_metadata());
        }
        Err(rejection) => {
            assert!(!rejection.status.is_ok(), "a rejection that is none");
            assert!(matches!(rejection.http_status, 200 | 405 | 415), "{}", rejection.http_status);
            let mut stream = Stream::default();
            server::Call::reject(&mut stream, &rejection);
            let head = stream.head.expect("a rejection can be sent");
            assert_eq!(head.get(b":status"), Some(rejection.http_status.to_string().as_bytes()));
            assert_eq!(head.get(b"grpc-status"), Some(rejection.status.code().as_str().as_bytes()));
        }
    }
}

/// What no metadata may break, wherever it comes from.
fn check_metadata(metadata: &Metadata) {
    for (name, value) in metadata.iter() {
        let readable = ["grpc-trace-bin", "grpc-tags-bin", "grpc-previous-rpc-attempts"].contains(&name);
        assert!(
            !name.starts_with(':') && (readable || !name.starts_with("grpc-")),
            "{name} is not the application's"
        );
        assert!(!["te", "content-type", "connection"].contains(&name), "{name} is not the application's");
        // HTTP/2 lets no capitals through; another carrier might.
        if name.to_ascii_lowercase().ends_with("-bin") {
            assert_eq!(metadata.get(name), None, "octets as text");
            let pieces = value.split(|&octet| octet == b',').count();
            assert!(metadata.get_all_bin(name).count() >= pieces, "octets are lost");
        } else {
            assert_eq!(metadata.get_bin(name), None, "text as octets");
        }
    }
    assert!(metadata.len() * 32 <= metadata.size());
    let headers = HeaderMap::from(metadata);
    assert!(headers.len() <= metadata.len());
    if let Ok(back) = Metadata::try_from(&headers) {
        assert!(back.len() >= headers.len(), "an entry is lost in a header map");
    }
}

/// Metadata as an application makes it: how, name, value, and so on.
fn metadata(input: &mut Input<'_>) -> Metadata {
    let mut metadata = Metadata::new();
    while let (Some(how), Some(name), Some(value)) = (input.octet(), input.piece(), input.piece()) {
        let name = String::from_utf8_lossy(name);
        let text = String::from_utf8_lossy(value);
        let before = metadata.clone();
        let done = match how % 6 {
            0 => metadata.insert(&name, &*text),
            1 => metadata.append(&name, &*text),
            2 => metadata.insert_secret(&name, &*text),
            3 => metadata.insert_bin(&name, value),
            4 => metadata.append_bin(&name, value),
            _ => {
                assert_eq!(metadata.remove(&name), before.contains(&name), "removed or not");
                assert!(!metadata.contains(&name));
                continue;
            }
        };
        if done.is_err() {
            assert_eq!(metadata, before, "what was refused has changed something");
            continue;
        }
        let text = text.trim_matches([' ', '\t']);
        let kept = match how % 6 {
            0 | 2 => metadata.get(&name) == Some(text) && metadata.get_all(&name).count() == 1,
            1 => metadata.get_all(&name).last() == Some(text),
            3 => {
                metadata.get_bin(&name).as_deref() == Some(value) && metadata.get_all_bin(&name).count() == 1
            }
            _ => metadata.get_all_bin(&name).last().flatten().as_deref() == Some(value),
        };
        assert!(kept, "{name} is not what was put there");
    }
    metadata
}

fn fields(input: &mut Input<'_>) -> Fields {
    let mut fields = Fields::new();
    while let (Some(name), Some(value)) = (input.piece(), input.piece()) {
        fields.push(name, value);
    }
    fields
}

fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|octet| matches!(octet, b' '..=b'~') && *octet != b'%')
}

fn call(metadata: &Metadata) -> NewCall<'_> {
    NewCall { response: Cardinality::Many, ..NewCall::new("a", "/a/b", metadata) }
}

/// What a client makes of trailers.
fn read_status(fields: Fields) -> Status {
    let metadata = Metadata::new();
    let mut call = client::Call::new(&call(&metadata), &Config::client());
    call.on_trailers(&mut Stream::default(), fields);
    call.status().expect("trailers are the end").clone()
}

/// What a server makes of a status.
fn write_status(status: &Status) -> Fields {
    let fields = [(":method", "POST"), (":path", "/a/b"), ("content-type", "application/grpc")];
    let config = Config::server();
    let head = server::RequestHead::read(fields.into_iter().collect(), config.accept).expect("a call");
    let mut answer = Stream::default();
    server::Call::new(Instant::ZERO, head, &config, None).finish(&mut answer, status);
    let fields = answer.head.expect("a status is always sent");
    let status = |field: &Field<'_>| ![&b":status"[..], b"content-type"].contains(&field.name);
    fields.iter().filter(status).map(|field| (field.name, field.value)).collect()
}

fn assert_same_status(came: &Status, sent: &Status) {
    assert_eq!(came.code(), sent.code());
    assert_eq!(came.message(), sent.message());
    assert_eq!(came.details(), sent.details());
    let lines = |status: &Status| -> Vec<(String, Vec<u8>)> {
        let kept = |name: &&str| !["user-agent", "grpc-previous-rpc-attempts"].contains(name);
        let metadata = status.metadata().iter().filter(|(name, _)| kept(name));
        metadata.map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
    };
    assert_eq!(lines(came), lines(sent));
}
