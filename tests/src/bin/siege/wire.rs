//! Octets of HTTP/2 as an attacker makes them: whatever is asked for, legal or not.

use unwired_core::http2::Reason;
use unwired_core::http2::frame::flag;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The method that every server under siege serves.
pub(crate) const PATH: &str = "/helloworld.Greeter/SayHello";

/// A window before anybody has said otherwise (RFC 9113 §6.9.2).
pub(crate) const INITIAL_WINDOW: usize = 65_535;
/// The largest window there is (RFC 9113 §6.9.1).
pub(crate) const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// The longest payload of a frame that every peer takes (RFC 9113 §4.2).
pub(crate) const FRAME_SIZE: usize = 16 << 10;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const ENABLE_PUSH: u16 = 2;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(crate) const MAX_FRAME_SIZE: u16 = 5;
pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 6;

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

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    [&head(payload.len(), kind, flags, stream)[..], payload].concat()
}

/// A head alone, whatever follows.
pub(crate) fn head(length: usize, kind: u8, flags: u8, stream: u32) -> Vec<u8> {
    let mut octets = (length as u32).to_be_bytes()[1..].to_vec();
    octets.extend([kind, flags]);
    octets.extend(stream.to_be_bytes());
    octets
}

const fn end_stream(end: bool) -> u8 {
    if end { flag::END_STREAM } else { 0 }
}

pub(crate) fn headers(stream: u32, block: &[u8], end: bool) -> Vec<u8> {
    frame(HEADERS, flag::END_HEADERS | end_stream(end), stream, block)
}

pub(crate) fn data(stream: u32, payload: &[u8], end: bool) -> Vec<u8> {
    frame(DATA, end_stream(end), stream, payload)
}

pub(crate) fn rst(stream: u32, reason: Reason) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &reason.0.to_be_bytes())
}

pub(crate) fn settings(parameters: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = parameters
        .iter()
        .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()[..]].concat())
        .collect();
    frame(SETTINGS, 0, 0, &payload)
}

pub(crate) fn settings_ack() -> Vec<u8> {
    frame(SETTINGS, flag::ACK, 0, &[])
}

pub(crate) fn ping(payload: [u8; 8]) -> Vec<u8> {
    frame(PING, 0, 0, &payload)
}

pub(crate) fn goaway(debug: &[u8]) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[&[0; 4], &Reason::NO_ERROR.0.to_be_bytes()[..], debug].concat())
}

pub(crate) fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

pub(crate) fn priority(stream: u32, depends_on: u32) -> Vec<u8> {
    frame(PRIORITY, 0, stream, &[&depends_on.to_be_bytes()[..], &[16]].concat())
}

/// A field block of literals that touch no table.
pub(crate) fn block<'a>(lines: impl IntoIterator<Item = Line<'a>>) -> Vec<u8> {
    lines.into_iter().flat_map(|(name, value)| literal(0, name, value)).collect()
}

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

fn literal(kind: u8, name: &str, value: &str) -> Vec<u8> {
    let mut octets = vec![kind];
    for text in [name, value] {
        integer(text.len(), 7, 0, &mut octets);
        octets.extend(text.as_bytes());
    }
    octets
}

/// A change of the table's size, at the beginning of a block (RFC 7541 §6.3).
pub(crate) fn table_size(size: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    integer(size, 5, 0x20, &mut octets);
    octets
}

/// RFC 7541 §5.1.
fn integer(n: usize, prefix: u32, kind: u8, out: &mut Vec<u8>) {
    let most = (1 << prefix) - 1;
    let Some(mut rest) = n.checked_sub(most) else { return out.push(kind | n as u8) };
    out.push(kind | most as u8);
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
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
