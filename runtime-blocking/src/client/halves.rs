use std::fmt;

use unwired::{Response, Status};

use crate::wait::{Flush, Wait};

/// The sending half of a call: messages are sent as they come up, from any thread. Dropping it says that no message
/// follows.
pub struct Outgoing<T> {
    inner: unwired::Outgoing<T>,
    flush: Flush,
}

impl<T> Outgoing<T> {
    pub(crate) const fn new(inner: unwired::Outgoing<T>, wait: Wait) -> Self {
        Self { inner, flush: Flush(wait) }
    }

    /// Sends `message`, once there is room for it.
    ///
    /// # Errors
    ///
    /// The status of the call when it has ended; that of the message when it cannot be encoded or is too long, and then
    /// the call goes on.
    pub fn send(&mut self, message: T) -> Result<(), Status> {
        self.flush.0.on(self.inner.send(message))
    }

    /// As [`send`](Self::send), without compression.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_uncompressed(&mut self, message: T) -> Result<(), Status> {
        self.flush.0.on(self.inner.send_uncompressed(message))
    }

    /// Says that no message follows.
    pub fn finish(self) {}

    pub(super) fn has_ended(&self) -> bool {
        self.inner.has_ended()
    }

    /// Ends the call with a status of this side.
    pub(super) fn fail(self, status: Status) {
        self.inner.fail(status);
    }
}

impl<T> fmt::Debug for Outgoing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// The one response to a call with many messages, still to come.
pub struct Answer<T> {
    inner: unwired::Answer<T>,
    flush: Flush,
}

impl<T> Answer<T> {
    pub(crate) const fn new(inner: unwired::Answer<T>, wait: Wait) -> Self {
        Self { inner, flush: Flush(wait) }
    }

    /// Waits for the response.
    ///
    /// # Errors
    ///
    /// The status of the call, if it is not OK.
    pub fn response(self) -> Result<Response<T>, Status> {
        self.flush.0.on(self.inner.response())
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
