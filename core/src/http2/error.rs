use core::error::Error;
use core::fmt;

use bytes::Bytes;

use super::{Fields, Reason};

/// A command that does not fit the state it met. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UseError {
    /// The stream is not there, has been released, or is over in this direction.
    StreamClosed,
    /// The head of the message has not been given yet, or a second one was.
    OutOfOrder,
    /// RFC 9113 §8: the peer would have to refuse these fields as malformed.
    Malformed(&'static str),
    /// RFC 9113 §10.5.1: more fields than the peer's SETTINGS_MAX_HEADER_LIST_SIZE allows.
    FieldsTooLarge,
    /// Only the other role can do that: a server opens no streams, a client answers none.
    WrongRole,
}

impl fmt::Display for UseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StreamClosed => f.write_str("the stream is over"),
            Self::OutOfOrder => f.write_str("head, data and trailers of a message go in this order, once"),
            Self::Malformed(why) => write!(f, "malformed fields: {why}"),
            Self::FieldsTooLarge => f.write_str("more header fields than the peer accepts"),
            Self::WrongRole => f.write_str("only the other role can do that"),
        }
    }
}

impl Error for UseError {}

/// Why [`open`](super::Connection::open) gave no stream.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The peer allows no more streams now. The fields come back; one
    /// [`StreamsAvailable`](super::Event::StreamsAvailable) follows.
    Busy(Fields),
    /// The connection takes no new streams: one side is going away, or the stream numbers are nearly used up.
    /// The fields come back for another connection.
    GoingAway(Fields),
    /// The fields cannot be sent, or a server tried to open a stream.
    Use(UseError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(_) => f.write_str("the peer allows no more concurrent streams now"),
            Self::GoingAway(_) => f.write_str("the connection takes no new streams"),
            Self::Use(error) => error.fmt(f),
        }
    }
}

impl Error for OpenError {}

/// Why [`send_data`](super::Connection::send_data) took nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The buffer is full. The body comes back; one [`Writable`](super::Event::Writable) follows.
    Full(Bytes),
    /// The stream cannot be written to.
    Use(UseError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the send buffer is full"),
            Self::Use(error) => error.fmt(f),
        }
    }
}

impl Error for SendError {}

/// What a frame did wrong, and how far it reaches (RFC 9113 §5.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Ends one stream: RST_STREAM.
    Stream(super::StreamId, Reason, &'static str),
    /// Ends all of them: GOAWAY.
    Connection(Reason, &'static str),
}

impl Fault {
    pub(crate) const fn protocol(why: &'static str) -> Self {
        Self::Connection(Reason::PROTOCOL_ERROR, why)
    }

    pub(crate) const fn frame_size(why: &'static str) -> Self {
        Self::Connection(Reason::FRAME_SIZE_ERROR, why)
    }

    pub(crate) const fn flow_control(why: &'static str) -> Self {
        Self::Connection(Reason::FLOW_CONTROL_ERROR, why)
    }
}
