//! Octets of HTTP/2 as an attacker makes them: whatever is asked for, legal or not.

#[path = "../../../../core/tests/http2/frames.rs"]
#[allow(dead_code, reason = "the tests of the core say more than attacks need")]
mod frames;

pub(crate) use frames::*;

/// The method that every server under siege serves.
pub(crate) const PATH: &str = "/helloworld.Greeter/SayHello";

/// A window before anybody has said otherwise (RFC 9113 §6.9.2).
pub(crate) const INITIAL_WINDOW: usize = 65_535;
/// The largest window there is (RFC 9113 §6.9.1).
pub(crate) const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// The longest payload of a frame that every peer takes (RFC 9113 §4.2).
pub(crate) const FRAME_SIZE: usize = 16 << 10;

pub(crate) type Line<'a> = (&'a str, &'a str);

/// A request as every gRPC client sends it.
pub(crate) const REQUEST: [Line<'static>; 6] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", PATH),
    (":authority", "localhost"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
];

/// A literal that becomes the newest entry of the dynamic table, which is index 62 (RFC 7541 §6.2.1).
pub(crate) fn indexed_literal(name: &str, value: &str) -> Vec<u8> {
    literal(0x40, name, value)
}

/// The field at `index` of the tables, below 127 (RFC 7541 §6.1).
pub(crate) const fn indexed(index: u8) -> u8 {
    0x80 | index
}

/// The newest entry of the dynamic table.
pub(crate) const NEWEST: u8 = 62;

/// A change of the table's size, at the beginning of a block (RFC 7541 §6.3).
pub(crate) fn table_size(size: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    integer(size, 5, 0x20, &mut octets);
    octets
}

/// [`REQUEST`] with `more` behind it.
pub(crate) fn request_with<'a>(more: impl IntoIterator<Item = Line<'a>>) -> Vec<u8> {
    block(REQUEST.into_iter().chain(more))
}

/// [`REQUEST`] with another value for the field `name`; without the field where there is none.
pub(crate) fn request_but(name: &str, value: Option<&str>) -> Vec<u8> {
    block(REQUEST.into_iter().filter_map(|line| match value {
        _ if line.0 != name => Some(line),
        value => value.map(|value| (line.0, value)),
    }))
}

/// The head of a call.
pub(crate) fn call(stream: u32) -> Vec<u8> {
    headers(stream, &block(REQUEST), false)
}

/// A whole call that greets `name`, in frames that any peer takes.
pub(crate) fn greeting(stream: u32, name: &str) -> Vec<u8> {
    with_body(stream, &block(REQUEST), &message(&hello(name)))
}

/// A request of a head and a body.
pub(crate) fn with_body(stream: u32, block: &[u8], body: &[u8]) -> Vec<u8> {
    let mut octets = headers(stream, block, false);
    let pieces = body.len().div_ceil(FRAME_SIZE);
    for (n, piece) in body.chunks(FRAME_SIZE).enumerate() {
        octets.extend(data(stream, piece, n + 1 == pieces));
    }
    octets
}

/// A message with its gRPC prefix.
pub(crate) fn message(payload: &[u8]) -> Vec<u8> {
    [&prefix(0, payload.len() as u32)[..], payload].concat()
}

/// What precedes a message in gRPC: its flag, its length.
pub(crate) fn prefix(flag: u8, length: u32) -> Vec<u8> {
    [&[flag][..], &length.to_be_bytes()].concat()
}

/// A `HelloRequest` of `name`.
pub(crate) fn hello(name: &str) -> Vec<u8> {
    // Field 1, length-delimited.
    let mut octets = vec![0x0a];
    let mut rest = name.len();
    while rest >= 128 {
        octets.push(rest as u8 | 128);
        rest >>= 7;
    }
    octets.push(rest as u8);
    octets.extend(name.as_bytes());
    octets
}
