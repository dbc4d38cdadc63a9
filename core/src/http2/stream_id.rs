use core::fmt;

/// The number of a stream on the wire (RFC 9113 §5.1.1): 31 bits, odd where a client opened it, 0 for the connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u32);

impl StreamId {
    /// The connection itself.
    pub const CONNECTION: Self = Self(0);
    /// The last number there is, 2^31-1. A GOAWAY that names it refuses nothing yet (RFC 9113 §6.8).
    pub const MAX: Self = Self(u32::MAX >> 1);
    /// The first stream of a client.
    pub(crate) const FIRST: Self = Self(1);

    /// Reads four octets and ignores the reserved bit (RFC 9113 §4.1).
    pub const fn from_wire(octets: [u8; 4]) -> Self {
        Self(u32::from_be_bytes(octets) & Self::MAX.0)
    }

    /// The number, 2^31-1 at the most; 0 stands for the connection.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether a client opens streams of this number.
    pub const fn is_client_initiated(self) -> bool {
        self.0 % 2 == 1
    }

    /// RFC 9113 §5.1.1: the numbers are not used to the last, so that a new connection can take over in time.
    pub(crate) const fn is_late(self) -> bool {
        const LATE: u32 = StreamId::MAX.0 / 4 * 3;
        self.0 > LATE
    }

    /// The number after this one on the same side, or `None` when they are used up.
    #[expect(clippy::arithmetic_side_effects, reason = "2^31+1 fits")]
    pub(crate) const fn next(self) -> Option<Self> {
        if self.0 + 2 > Self::MAX.0 { None } else { Some(Self(self.0 + 2)) }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
