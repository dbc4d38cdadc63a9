use std::fmt;

use unwired::{Metadata, Status};

use crate::wait::{Flush, Wait};

/// Messages from the peer, as they come: an iterator of `Result<T, Status>` that waits for each. A reader that does not ask
/// for the next one holds its sender up.
///
/// After an error, or after the last message, there is nothing more. Dropped at a client before that, it cancels the call.
pub struct Streaming<T> {
    inner: unwired::Streaming<T>,
    flush: Flush,
}

impl<T> Streaming<T> {
    pub(crate) const fn new(inner: unwired::Streaming<T>, wait: Wait) -> Self {
        Self { inner, flush: Flush(wait) }
    }

    /// The next message; `None` after the last.
    ///
    /// # Errors
    ///
    /// At a client the status of the call, if it is not OK; on both sides what the peer did wrong. Nothing more comes
    /// after it.
    pub fn message(&mut self) -> Result<Option<T>, Status> {
        self.flush.0.on(self.inner.message())
    }

    /// Whether the message that came last was compressed on its way; `false` before the first.
    pub const fn was_compressed(&self) -> bool {
        self.inner.was_compressed()
    }

    /// Initial metadata of the peer, once it is there; empty if the call ended without.
    pub fn metadata(&self) -> Metadata {
        self.flush.0.on(self.inner.metadata())
    }

    /// Trailing metadata, once the call has ended; empty at a server, and where there was none. Messages that were not
    /// read are dropped.
    ///
    /// # Errors
    ///
    /// The status of the call, if it is not OK; its trailing metadata is in it.
    pub fn trailers(&mut self) -> Result<Metadata, Status> {
        self.flush.0.on(self.inner.trailers())
    }
}

impl<T> Iterator for Streaming<T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        self.message().transpose()
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
