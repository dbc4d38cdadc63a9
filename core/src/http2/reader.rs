//! Frames from bytes that come split anywhere. DATA passes through; besides it at most a frame's head, one small payload
//! or one field block's rest is kept.

use std::borrow::Cow;

use super::control::PREFACE;
use super::frame::{FrameHead, HEAD_LEN};
use super::{Fields, Role, StreamId, StreamKey};
use crate::Instant;

/// Where in the bytes we are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// In a client's preface, of which so many octets have come.
    Preface(usize),
    /// Before or in the head of a frame.
    Head,
    /// In the fixed part before a field block: pad length, priority, promised stream.
    Prefix(FrameHead, usize),
    /// In the fragment of a field block; `pad` octets follow it.
    Fragment { left: u32, pad: u32, last: bool },
    /// In the pad length of DATA.
    PadLength(FrameHead, Option<StreamKey>),
    /// In the octets of DATA; `pad` octets follow them.
    Data { stream: Option<StreamKey>, id: StreamId, left: u32, pad: u32, end_stream: bool },
    /// In a payload that is looked at as a whole.
    Payload(FrameHead),
    /// In octets that mean nothing to us.
    Skip(u32),
}

/// A field block from its HEADERS or PUSH_PROMISE to END_HEADERS.
///
/// While there is one, only CONTINUATION of the same stream gets past the reader (RFC 9113 §6.10).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) stream: StreamId,
    pub(crate) end_stream: bool,
    /// A promised stream, to be refused once the block is decoded.
    pub(crate) promised: Option<StreamId>,
    pub(crate) continuations: u32,
    pub(crate) empty_continuation: bool,
    /// No fragment of it has been decoded.
    pub(crate) fresh: bool,
}

#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) reading: Reading,
    /// Octets of something that is looked at as a whole and has not come to its end.
    gathered: Vec<u8>,
    pub(crate) block: Option<Block>,
    /// What the block under way has given so far.
    pub(crate) fields: Fields,
    /// How far the frame under way had come when its timer was set.
    pub(crate) watched: Progress,
}

/// How far the frames have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) frames: u64,
    pub(crate) data: u64,
    pub(crate) at: Instant,
}

impl Reader {
    pub(crate) const fn new(role: Role) -> Self {
        Self {
            reading: match role {
                Role::Client => Reading::Head,
                Role::Server => Reading::Preface(0),
            },
            gathered: Vec::new(),
            block: None,
            fields: Fields::new(),
            watched: Progress { frames: 0, data: 0, at: Instant::ZERO },
        }
    }

    /// Whether a frame was begun and has not ended.
    pub(crate) fn is_amid_frame(&self) -> bool {
        match self.reading {
            Reading::Preface(_) => false,
            Reading::Head => !self.gathered.is_empty(),
            _ => true,
        }
    }

    /// Whether all there is is less than a frame, and looks like an alert of TLS.
    pub(crate) fn is_tls_alert(&self) -> bool {
        matches!((self.reading, &self.gathered[..]), (Reading::Head, [TLS_ALERT, 3, ..]))
    }

    /// Takes the head of the next frame, once it is whole.
    pub(crate) fn head(&mut self, input: &mut &[u8]) -> Option<FrameHead> {
        if self.gathered.is_empty()
            && let Some((head, rest)) = input.split_first_chunk::<HEAD_LEN>()
        {
            *input = rest;
            return Some(FrameHead::parse(head));
        }
        let octets = self.whole(input, HEAD_LEN, |octets| octets.try_into().ok())??;
        Some(FrameHead::parse(&octets))
    }

    /// Gives the next `length` octets to `look`, once they are all there.
    pub(crate) fn whole<T>(
        &mut self,
        input: &mut &[u8],
        length: usize,
        look: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        let octets = self.payload(input, length)?;
        let seen = look(&octets);
        self.reuse(octets);
        Some(seen)
    }

    /// The next `length` octets, once they are all there: where they lie when they came together, gathered otherwise.
    pub(crate) fn payload<'a>(&mut self, input: &mut &'a [u8], length: usize) -> Option<Cow<'a, [u8]>> {
        if self.gathered.is_empty()
            && let Some((octets, rest)) = input.split_at_checked(length)
        {
            *input = rest;
            return Some(Cow::Borrowed(octets));
        }
        let missing = length.saturating_sub(self.gathered.len());
        let (octets, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
        self.gathered.extend_from_slice(octets);
        *input = rest;
        if self.gathered.len() < length {
            return None;
        }
        Some(Cow::Owned(core::mem::take(&mut self.gathered)))
    }

    /// Takes the memory of a gathered payload back.
    pub(crate) fn reuse(&mut self, payload: Cow<'_, [u8]>) {
        if let Cow::Owned(mut octets) = payload {
            octets.clear();
            self.gathered = octets;
        }
    }

    pub(crate) fn shrink(&mut self) {
        if self.gathered.is_empty() {
            self.gathered = Vec::new();
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.gathered.capacity()
    }
}

/// Takes what comes next of `left` octets.
#[expect(clippy::arithmetic_side_effects, reason = "no more than `left`")]
pub(crate) fn part<'a>(input: &mut &'a [u8], left: &mut u32) -> &'a [u8] {
    let n = input.len().min(*left as usize);
    let (octets, rest) = input.split_at_checked(n).unwrap_or_default();
    *input = rest;
    *left -= octets.len() as u32;
    octets
}

/// RFC 8446 §5.1: the first octet of what TLS sends where it is taken for something else; the next one is 3.
pub(crate) const TLS_ALERT: u8 = 21;
pub(crate) const TLS_HANDSHAKE: u8 = 22;
/// What people are told of such a peer.
pub(crate) const SPEAKS_TLS: &str =
    "the peer speaks TLS, and this side does not: either both have it or none";

/// How many more octets of `input` belong to the preface of which `matched` have come, or `None` when it is not one.
pub(crate) fn preface(input: &[u8], matched: usize) -> Option<usize> {
    let expected = PREFACE.get(matched..)?;
    let n = expected.len().min(input.len());
    (expected.get(..n) == input.get(..n)).then_some(n)
}

/// Whether `input` begins like a request of HTTP/1: a method of capitals, then a space or more capitals, and the version
/// at the end of the line, if all of it is there. `PRI` is a method that no HTTP/1 client has (RFC 9113 §11.6): a preface
/// gone wrong.
pub(crate) fn looks_like_http1(input: &[u8]) -> bool {
    let line = input.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let has_version = line.len() == input.len() || line.windows(8).any(|octets| octets == b" HTTP/1.");
    let capitals = line.iter().take_while(|octet| octet.is_ascii_uppercase()).count();
    let is_method = capitals >= 3 && matches!(line.get(capitals), None | Some(b' '));
    is_method && has_version && !line.starts_with(b"PRI")
}
