//! Frames as any peer may make them: whatever is asked for, legal or not.

use unwired_core::http2::Reason;
use unwired_core::http2::frame::flag;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const ENABLE_PUSH: u16 = 2;
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(crate) const MAX_FRAME_SIZE: u16 = 5;
pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 6;

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

pub(crate) fn data(stream: u32, payload: &[u8], end: bool) -> Vec<u8> {
    frame(DATA, end_stream(end), stream, payload)
}

pub(crate) fn padded(stream: u32, payload: &[u8], pad: u8, end: bool) -> Vec<u8> {
    let whole = [&[pad][..], payload, &vec![0; usize::from(pad)]].concat();
    frame(DATA, flag::PADDED | end_stream(end), stream, &whole)
}

pub(crate) fn headers(stream: u32, block: &[u8], end: bool) -> Vec<u8> {
    frame(HEADERS, flag::END_HEADERS | end_stream(end), stream, block)
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

pub(crate) fn goaway(last: u32, reason: Reason, debug: &[u8]) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[&last.to_be_bytes()[..], &reason.0.to_be_bytes(), debug].concat())
}

pub(crate) fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

pub(crate) fn priority(stream: u32, depends_on: u32) -> Vec<u8> {
    frame(PRIORITY, 0, stream, &[&depends_on.to_be_bytes()[..], &[16]].concat())
}

/// A field block of literals that touch no table.
pub(crate) fn block<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    lines.into_iter().flat_map(|(name, value)| literal(0, name, value)).collect()
}

/// A literal of the representation that `kind` begins (RFC 7541 §6.2), its name no index.
pub(crate) fn literal(kind: u8, name: &str, value: &str) -> Vec<u8> {
    let mut octets = vec![kind];
    for text in [name, value] {
        integer(text.len(), 7, 0, &mut octets);
        octets.extend(text.as_bytes());
    }
    octets
}

/// An integer behind the bits of `kind` (RFC 7541 §5.1).
pub(crate) fn integer(n: usize, prefix: u32, kind: u8, out: &mut Vec<u8>) {
    let most = (1 << prefix) - 1;
    let Some(mut rest) = n.checked_sub(most) else { return out.push(kind | n as u8) };
    out.push(kind | most as u8);
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}
