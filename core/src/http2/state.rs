//! The states of a stream (RFC 9113 §5.1), one half for each direction.
//!
//! ```text
//!                 HEADERS            HEADERS + END_STREAM
//!          Head ───────────▶ Body ─────────────────────────▶ Ended
//!           │ ▲ 1xx           │ DATA + END_STREAM              ▲
//!           └─┘               └────────────────────────────────┘
//!           └───────────── HEADERS + END_STREAM ───────────────┘
//! ```
//!
//! With both halves the RFC's names follow: *open* is neither half ended, *half-closed (remote)* the receiving half,
//! *half-closed (local)* the sending half, *closed* both. *Idle* is a stream number above all that were used; the
//! *reserved* states need push, which we refuse.

use super::Reason;

/// What comes next in one direction of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Half {
    /// The head of the message; interim responses may come before it.
    Head,
    /// DATA or trailers.
    Body,
    /// Nothing: END_STREAM was there.
    Ended,
}

/// What a field section is, by where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    Head,
    Trailers,
}

/// A rule of RFC 9113 §5.1 or §8.1 that a frame breaks: always a stream error.
pub(crate) type Violation = (Reason, &'static str);

impl Half {
    /// HEADERS in this direction; `interim` for a 1xx response.
    pub(crate) fn headers(&mut self, interim: bool, end_stream: bool) -> Result<Section, Violation> {
        match (*self, interim, end_stream) {
            (Self::Head, true, false) => Ok(Section::Head),
            (Self::Head, true, true) => Err((Reason::PROTOCOL_ERROR, "an interim response ends no stream")),
            (Self::Head, false, false) => {
                *self = Self::Body;
                Ok(Section::Head)
            }
            (Self::Head, false, true) => {
                *self = Self::Ended;
                Ok(Section::Head)
            }
            (Self::Body, _, true) => {
                *self = Self::Ended;
                Ok(Section::Trailers)
            }
            // RFC 9113 §8.1: trailers end the stream.
            (Self::Body, _, false) => {
                Err((Reason::PROTOCOL_ERROR, "HEADERS amid a message without END_STREAM"))
            }
            (Self::Ended, ..) => Err((Reason::STREAM_CLOSED, "HEADERS after END_STREAM")),
        }
    }

    /// DATA in this direction.
    pub(crate) fn data(&mut self, end_stream: bool) -> Result<(), Violation> {
        match (*self, end_stream) {
            (Self::Head, _) => Err((Reason::PROTOCOL_ERROR, "DATA before HEADERS")),
            (Self::Body, false) => Ok(()),
            (Self::Body, true) => {
                *self = Self::Ended;
                Ok(())
            }
            (Self::Ended, _) => Err((Reason::STREAM_CLOSED, "DATA after END_STREAM")),
        }
    }
}

/// Both directions as they went over the wire, or how the stream came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// At least one direction goes on.
    Live {
        /// What the peer sends next.
        recv: Half,
        /// What we encode next.
        send: Half,
    },
    /// END_STREAM went both ways, or a RST_STREAM went one.
    Closed,
}

impl State {
    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Live { .. })
    }

    /// Whether END_STREAM went both ways.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Live { recv: Half::Ended, send: Half::Ended })
    }

    /// Whether the peer may still send.
    pub(crate) const fn is_receiving(self) -> bool {
        matches!(self, Self::Live { recv: Half::Head | Half::Body, .. })
    }

    /// Whether we may still send.
    pub(crate) const fn is_sending(self) -> bool {
        matches!(self, Self::Live { send: Half::Head | Half::Body, .. })
    }

    /// The peer's half, if the stream lives.
    pub(crate) const fn recv_mut(&mut self) -> Option<&mut Half> {
        match self {
            Self::Live { recv, .. } => Some(recv),
            Self::Closed => None,
        }
    }

    /// Our half, if the stream lives.
    pub(crate) const fn send_mut(&mut self) -> Option<&mut Half> {
        match self {
            Self::Live { send, .. } => Some(send),
            Self::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests;
