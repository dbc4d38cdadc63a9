use core::error::Error;
use core::fmt;

use super::{Message, Status};

/// Why a message was not taken.
#[derive(Clone, Debug)]
pub enum SendMessageError<M = Message> {
    /// There is no room now. The message comes back; one `Writable` follows.
    Full(M),
    /// The message is over the limit for what is sent; the status says so.
    TooLong(Status),
    /// The call has ended, or our side of it.
    Ended,
}

impl<M> fmt::Display for SendMessageError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the call has no room for another message now"),
            Self::TooLong(status) => status.fmt(f),
            Self::Ended => f.write_str("the call has ended"),
        }
    }
}

impl<M: fmt::Debug> Error for SendMessageError<M> {}
