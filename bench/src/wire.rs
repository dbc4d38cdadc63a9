//! HTTP/2 as bytes, for measurements of one side: what the other would send is there already.

pub(crate) mod answers;
pub(crate) mod requests;

/// What a client sends first.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// SETTINGS_INITIAL_WINDOW_SIZE of 2^31-1, then as much for the connection.
pub(crate) const UNBOUNDED: &[u8] =
    b"\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0";
/// The answer to SETTINGS.
pub(crate) const SETTINGS_ACK: &[u8] = b"\0\0\0\x04\x01\0\0\0\0";

/// Octets before a message: whether it is compressed, and its length.
pub(crate) const PREFIX: usize = 5;

/// Octets of a frame's head.
const HEAD: usize = 9;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

/// Of DATA and HEADERS.
pub(crate) const END_STREAM: u8 = 1;
/// Of SETTINGS and PING.
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A frame as it was received, or is to be sent again.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that `bytes` begin with and what follows it, once all of it is there.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[a, b, c, kind, flags, s, t, u, v], rest) = bytes.split_first_chunk::<HEAD>()?;
        let (payload, rest) = rest.split_at_checked(u32::from_be_bytes([0, a, b, c]) as usize)?;
        Some((Self { kind, flags, stream: u32::from_be_bytes([s, t, u, v]), payload }, rest))
    }

    /// Whether nothing more comes on its stream.
    pub(crate) const fn ends_stream(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    pub(crate) const fn is_ack(&self) -> bool {
        self.flags & ACK != 0
    }

    /// By how much a WINDOW_UPDATE opens its window.
    pub(crate) fn increment(&self) -> usize {
        self.payload.first_chunk().map_or(0, |&increment| u32::from_be_bytes(increment) as usize)
    }
}

/// Puts `stream` into the head of every frame of `frames`.
pub(crate) fn set_stream(mut frames: &mut [u8], stream: u32) {
    while let Some((head, rest)) = frames.split_first_chunk_mut::<HEAD>() {
        let [a, b, c, ..] = *head;
        head[HEAD - 4..].copy_from_slice(&stream.to_be_bytes());
        frames = rest.get_mut(u32::from_be_bytes([0, a, b, c]) as usize..).unwrap_or_default();
    }
}

/// A frame.
pub(crate) fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A message behind its prefix.
pub(crate) fn message(payload: &[u8]) -> Vec<u8> {
    [&[0][..], &(payload.len() as u32).to_be_bytes(), payload].concat()
}
