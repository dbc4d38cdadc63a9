use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::Stream;

use crate::Status;
use crate::transport::BoxFuture;

/// A stream whose messages are sent by `make`'s future, one at a time: for a handler that had rather write than be read.
///
/// The future runs where the stream is read, without a task of its own. [`MessageSink::send`] waits until its message was
/// taken, so that a slow reader holds the writer up. When the future returns an error, that is the stream's last item.
///
/// ```
/// # use unwired::{Response, Status, Stream};
/// async fn count() -> Result<Response<impl Stream<Item = Result<u32, Status>> + Send>, Status> {
///     Ok(Response::new(unwired::stream_with(async |mut sink| {
///         for n in 0..3 {
///             sink.send(n).await?;
///         }
///         Ok(())
///     })))
/// }
/// ```
pub fn stream_with<'a, T, F>(make: impl FnOnce(MessageSink<T>) -> F) -> StreamWith<'a, T>
where
    T: Send + 'a,
    F: Future<Output = Result<(), Status>> + Send + 'a,
{
    let slot = Arc::new(Mutex::new(None));
    let future = make(MessageSink(Arc::clone(&slot)));
    StreamWith { slot, future: Some(Box::pin(future)) }
}

type Slot<T> = Arc<Mutex<Option<T>>>;

/// Where the future of [`stream_with`] puts its messages.
pub struct MessageSink<T>(Slot<T>);

impl<T> MessageSink<T> {
    /// Sends `message`, and waits until it was taken.
    ///
    /// Cancel-safe: a message is sent whole or not at all.
    ///
    /// # Errors
    ///
    /// None of its own; a handler's future is dropped when its call ends.
    pub async fn send(&mut self, message: T) -> Result<(), Status> {
        let mut message = Some(message);
        core::future::poll_fn(|_| {
            let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match message.take() {
                // The slot is empty again: the message was taken.
                None if slot.is_none() => Poll::Ready(Ok(())),
                None => Poll::Pending,
                Some(next) => {
                    // `&mut self` and the wait above leave the slot empty between two messages.
                    *slot = Some(next);
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl<T> fmt::Debug for MessageSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageSink")
    }
}

/// The stream of [`stream_with`].
pub struct StreamWith<'a, T> {
    slot: Slot<T>,
    future: Option<BoxFuture<'a, Result<(), Status>>>,
}

impl<T> Stream for StreamWith<'_, T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(future) = &mut this.future else { return Poll::Ready(None) };
        let done = future.as_mut().poll(cx);
        let message = this.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if done.is_ready() {
            this.future = None;
        }
        match (message, done) {
            // A sender whose message was taken goes on with the next poll, which the reader owes the stream anyway.
            (Some(message), Poll::Pending) => Poll::Ready(Some(Ok(message))),
            (_, Poll::Ready(Err(status))) => Poll::Ready(Some(Err(status))),
            (Some(message), Poll::Ready(Ok(()))) => Poll::Ready(Some(Ok(message))),
            (None, Poll::Ready(Ok(()))) => Poll::Ready(None),
            (None, Poll::Pending) => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for StreamWith<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamWith")
    }
}
