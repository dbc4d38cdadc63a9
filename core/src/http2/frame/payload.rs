use super::head::{Kind, flag, put_head};
use crate::http2::{Reason, StreamId};

/// RFC 9113 §6.3: the stream that a PRIORITY payload depends on; the rest of it means nothing any more.
///
/// `None` unless the payload is 5 octets long.
pub fn priority(payload: &[u8]) -> Option<StreamId> {
    let [a, b, c, d, _weight] = *payload else { return None };
    Some(StreamId::from_wire([a, b, c, d]))
}

/// RFC 9113 §6.4: the error code of RST_STREAM. `None` unless the payload is 4 octets long.
pub fn reset(payload: &[u8]) -> Option<Reason> {
    Some(Reason(u32::from_be_bytes(payload.try_into().ok()?)))
}

/// RFC 9113 §6.7: the opaque data of PING. `None` unless the payload is 8 octets long.
pub fn ping(payload: &[u8]) -> Option<[u8; 8]> {
    payload.try_into().ok()
}

/// RFC 9113 §6.8: last stream, error code and debug data of GOAWAY. `None` if the payload is shorter than 8 octets.
pub fn goaway(payload: &[u8]) -> Option<(StreamId, Reason, &[u8])> {
    let (last, rest) = payload.split_first_chunk()?;
    let (reason, debug) = rest.split_first_chunk()?;
    Some((StreamId::from_wire(*last), Reason(u32::from_be_bytes(*reason)), debug))
}

/// RFC 9113 §6.9: the increment of WINDOW_UPDATE without its reserved bit. `None` unless the payload is 4 octets long.
pub fn window_update(payload: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(payload.try_into().ok()?) & (u32::MAX >> 1))
}

pub(crate) fn put_reset(out: &mut Vec<u8>, stream: StreamId, reason: Reason) {
    put_head(out, 4, Kind::ResetStream, 0, stream);
    out.extend_from_slice(&reason.0.to_be_bytes());
}

pub(crate) fn put_ping(out: &mut Vec<u8>, ack: bool, data: [u8; 8]) {
    put_head(out, 8, Kind::Ping, if ack { flag::ACK } else { 0 }, StreamId::CONNECTION);
    out.extend_from_slice(&data);
}

#[expect(clippy::arithmetic_side_effects, reason = "no slice is longer than `isize::MAX`")]
pub(crate) fn put_goaway(out: &mut Vec<u8>, last: StreamId, reason: Reason, debug: &[u8]) {
    put_head(out, 8 + debug.len(), Kind::GoAway, 0, StreamId::CONNECTION);
    out.extend_from_slice(&last.get().to_be_bytes());
    out.extend_from_slice(&reason.0.to_be_bytes());
    out.extend_from_slice(debug);
}

pub(crate) fn put_window_update(out: &mut Vec<u8>, stream: StreamId, increment: u32) {
    put_head(out, 4, Kind::WindowUpdate, 0, stream);
    out.extend_from_slice(&increment.to_be_bytes());
}
