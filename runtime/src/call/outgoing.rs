use core::fmt;
use core::task::{Poll, Waker};
use std::sync::Arc;

use unwired_core::grpc::{BatchBuilder, Encoding};

use super::Streaming;
use super::handle::CallHandle;
use super::sending::send;
use crate::{Response, Status};

/// The sending half of a call: messages are sent as they come up. Dropping it says that no message follows.
pub struct Outgoing<T> {
    call: Arc<CallHandle>,
    gather: fn(&T, Encoding, &mut BatchBuilder) -> Result<(), Status>,
    encoding: Encoding,
    batch: BatchBuilder,
}

impl<T> Outgoing<T> {
    pub(crate) fn new(
        call: Arc<CallHandle>,
        gather: fn(&T, Encoding, &mut BatchBuilder) -> Result<(), Status>,
        encoding: Encoding,
    ) -> Self {
        let batch = BatchBuilder::new(call.calls.max_send_message(call.id));
        Self { call, gather, encoding, batch }
    }

    /// Sends `message`, once there is room for it.
    ///
    /// Cancel-safe: a message is sent whole or not at all.
    ///
    /// # Errors
    ///
    /// The status of the call when it has ended; that of the message when it cannot be encoded or is too long, and then
    /// the call goes on.
    pub async fn send(&mut self, message: T) -> Result<(), Status> {
        self.send_in(self.encoding, message).await
    }

    /// As [`send`](Self::send), without compression.
    ///
    /// Cancel-safe: a message is sent whole or not at all.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_uncompressed(&mut self, message: T) -> Result<(), Status> {
        self.send_in(Encoding::Identity, message).await
    }

    async fn send_in(&mut self, encoding: Encoding, message: T) -> Result<(), Status> {
        (self.gather)(&message, encoding, &mut self.batch)?;
        send(&*self.call.calls, self.call.id, self.batch.take()).await
    }

    /// Says that no message follows.
    pub fn close(self) {}

    /// Ready once the call has ended.
    pub(crate) fn poll_ended(&self, waker: &Waker) -> Poll<()> {
        self.call.calls.poll_ended(self.call.id, waker)
    }

    /// Whether the call has ended, so that nothing can be sent any more.
    pub fn has_ended(&self) -> bool {
        self.poll_ended(Waker::noop()).is_ready()
    }

    /// Ends the call with a status of this side, which whoever waits for the response gets: for a message that could not be
    /// made.
    pub fn fail(self, status: Status) {
        self.call.calls.fail(self.call.id, status);
    }
}

impl<T> Drop for Outgoing<T> {
    fn drop(&mut self) {
        self.call.calls.half_close(self.call.id);
    }
}

impl<T> fmt::Debug for Outgoing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("call", &self.call).finish_non_exhaustive()
    }
}

/// The one response to a call with many messages, still to come.
pub struct Answer<T>(Streaming<T>);

impl<T> Answer<T> {
    pub(crate) const fn new(messages: Streaming<T>) -> Self {
        Self(messages)
    }

    /// Waits for the response.
    ///
    /// Not cancel-safe: dropping this future cancels the call.
    ///
    /// # Errors
    ///
    /// The status of the call, if it is not OK.
    pub async fn response(mut self) -> Result<Response<T>, Status> {
        let message = self.0.message().await?;
        let was_compressed = self.0.was_compressed();
        let trailers = self.0.trailers().await?;
        let metadata = self.0.metadata().await;
        let message = message.ok_or_else(|| {
            Status::unimplemented(
                "the server sent no message, where exactly one belongs: do both sides have the same .proto?",
            )
        })?;
        Ok(Response::from_parts(message, metadata, trailers, was_compressed))
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answer").field(&self.0).finish()
    }
}
