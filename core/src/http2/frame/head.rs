use crate::http2::StreamId;

/// RFC 9113 §4.1: every frame begins with this many octets.
pub const HEAD_LEN: usize = 9;

/// The type of a frame (RFC 9113 §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the RFC's names
pub enum Kind {
    Data,
    Headers,
    Priority,
    ResetStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// A type that RFC 9113 does not define: to be skipped (§5.5).
    Unknown(u8),
}

impl Kind {
    const fn from_u8(kind: u8) -> Self {
        match kind {
            0x0 => Self::Data,
            0x1 => Self::Headers,
            0x2 => Self::Priority,
            0x3 => Self::ResetStream,
            0x4 => Self::Settings,
            0x5 => Self::PushPromise,
            0x6 => Self::Ping,
            0x7 => Self::GoAway,
            0x8 => Self::WindowUpdate,
            0x9 => Self::Continuation,
            other => Self::Unknown(other),
        }
    }

    const fn as_u8(self) -> u8 {
        match self {
            Self::Data => 0x0,
            Self::Headers => 0x1,
            Self::Priority => 0x2,
            Self::ResetStream => 0x3,
            Self::Settings => 0x4,
            Self::PushPromise => 0x5,
            Self::Ping => 0x6,
            Self::GoAway => 0x7,
            Self::WindowUpdate => 0x8,
            Self::Continuation => 0x9,
            Self::Unknown(other) => other,
        }
    }
}

/// Flags of frames (RFC 9113 §6); the same bit means another thing in another type.
pub mod flag {
    /// DATA, HEADERS: the sender's half of the stream ends here.
    pub const END_STREAM: u8 = 0x1;
    /// SETTINGS, PING: an acknowledgement.
    pub const ACK: u8 = 0x1;
    /// HEADERS, PUSH_PROMISE, CONTINUATION: the field block ends here.
    pub const END_HEADERS: u8 = 0x4;
    /// DATA, HEADERS, PUSH_PROMISE: a pad length comes first and padding last.
    pub const PADDED: u8 = 0x8;
    /// HEADERS: five octets of deprecated priority come first.
    pub const PRIORITY: u8 = 0x20;
}

/// The nine octets that begin a frame (RFC 9113 §4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHead {
    /// Octets of payload that follow, below 2^24.
    pub length: u32,
    /// Type of the frame.
    pub kind: Kind,
    /// Flags; those that the type does not define are to be ignored.
    pub flags: u8,
    /// Stream, or 0 for the connection. The reserved bit is gone.
    pub stream: StreamId,
}

impl FrameHead {
    /// Reads a head. Every nine octets are one: what they ask for is judged later.
    pub const fn parse(octets: &[u8; HEAD_LEN]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *octets;
        Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind: Kind::from_u8(kind),
            flags,
            stream: StreamId::from_wire([s0, s1, s2, s3]),
        }
    }

    /// Whether a flag of [`flag`] is set.
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The head as it goes on the wire. A `length` of 2^24 or more does not fit and loses its upper bits.
    pub const fn octets(&self) -> [u8; HEAD_LEN] {
        let [_, l0, l1, l2] = self.length.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.get().to_be_bytes();
        [l0, l1, l2, self.kind.as_u8(), self.flags, s0, s1, s2, s3]
    }
}

/// Appends a frame head.
pub(crate) fn put_head(out: &mut Vec<u8>, length: usize, kind: Kind, flags: u8, stream: StreamId) {
    // Callers keep below the peer's SETTINGS_MAX_FRAME_SIZE, which is below 2^24.
    out.extend_from_slice(&FrameHead { length: length as u32, kind, flags, stream }.octets());
}
