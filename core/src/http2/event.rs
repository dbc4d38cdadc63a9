use core::fmt;

use bytes::Bytes;

use super::{Reason, StreamKey};

/// What happened on a connection, in order. Pull what belongs to it by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer's SETTINGS came; the first time this completes the handshake.
    Settings,
    /// A request at a server, the final response at a client: pull it with
    /// [`take_fields`](super::Connection::take_fields).
    Headers {
        /// The stream. At a server this is the first one hears of it.
        stream: StreamKey,
        /// No DATA and no trailers follow.
        end_stream: bool,
    },
    /// An interim response (RFC 9110 §15.2) at a client.
    Informational {
        /// The stream.
        stream: StreamKey,
        /// 100 to 199 without 101.
        status: u16,
    },
    /// DATA came: look into [`recv_data`](super::Connection::recv_data). One event may stand for several frames.
    Data {
        /// The stream.
        stream: StreamKey,
        /// Nothing follows.
        end_stream: bool,
    },
    /// Trailers came and nothing follows: pull them with [`take_fields`](super::Connection::take_fields).
    Trailers {
        /// The stream.
        stream: StreamKey,
    },
    /// There is room again after [`send_data`](super::Connection::send_data) said `Full`.
    Writable {
        /// The stream.
        stream: StreamKey,
    },
    /// Last event of a stream: both directions are over, and all we had to send is encoded.
    Finished {
        /// The stream.
        stream: StreamKey,
    },
    /// Last event of a stream: it was cut off.
    Reset {
        /// The stream.
        stream: StreamKey,
        /// Why, and by whom.
        error: StreamError,
    },
    /// A stream can be opened again after [`open`](super::Connection::open) said `Busy`.
    StreamsAvailable,
    /// The peer takes no new streams (RFC 9113 §6.8). Those under way go on.
    GoAway {
        /// Why.
        reason: Reason,
        /// At most 256 octets of the peer's explanation.
        debug: Bytes,
    },
    /// Last event of the connection; every stream got its `Reset` before.
    Closed(ConnectionEnd),
}

/// Who ended a stream or a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Initiator {
    /// The application, by a command.
    User,
    /// This library: a rule was broken, a limit was crossed or a timer ran out.
    Library,
    /// The other side.
    Peer,
}

/// How much ended with a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Only this stream.
    Stream,
    /// All streams, with the connection.
    Connection,
}

/// Why a stream was cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamError {
    /// Error code as sent or received.
    pub reason: Reason,
    /// Who ended it.
    pub by: Initiator,
    /// What ended: the stream, or the connection under it.
    pub reach: Reach,
    /// The peer has not acted on the stream and never will (RFC 9113 §8.7): the request can be sent again elsewhere.
    pub unprocessed: bool,
    /// The rule or the event, for people.
    pub why: &'static str,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.why, self.reason)
    }
}

/// How a connection ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionEnd {
    /// Error code as sent or received; [`Reason::NO_ERROR`] for an orderly end.
    pub reason: Reason,
    /// Who ended it.
    pub by: Initiator,
    /// The rule or the event, for people.
    pub why: &'static str,
    /// At most 256 octets of debug data from the peer's GOAWAY.
    pub debug: Bytes,
}

impl fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.why, self.reason)?;
        if !self.debug.is_empty() {
            write!(f, ": {}", self.debug.escape_ascii())?;
        }
        Ok(())
    }
}
