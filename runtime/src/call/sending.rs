//! The messages of a stream on their way into a call: as many at once as the stream has at once.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;
use unwired_core::grpc::{Batch, BatchBuilder, CallId, Message, SendMessageError};

use super::Calls;
use crate::Status;

/// Octets that are gathered before they are sent.
const BATCH_OCTETS: usize = 16 << 10;
/// Messages that are gathered before they are sent: each may take the stream some time.
const BATCH_MESSAGES: usize = 256;
/// Batches of a stream that is always ready, before others of the thread get their turn.
const BATCHES_A_TURN: u32 = 4;

/// Waits until `batch` is taken.
///
/// Cancel-safe: it is taken whole or not at all.
pub(crate) async fn send(calls: &dyn Calls, call: CallId, batch: Batch) -> Result<(), Status> {
    let mut batch = Some(batch);
    poll_fn(|cx| {
        let Some(next) = batch.take() else { return Poll::Ready(Ok(())) };
        match calls.poll_send(call, next, cx.waker()) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(SendMessageError::Full(back)) => {
                batch = Some(back);
                Poll::Pending
            }
            Err(SendMessageError::TooLong(status)) => Poll::Ready(Err(status)),
            Err(SendMessageError::Ended) => Poll::Ready(Err(calls.end_of(call))),
        }
    })
    .await
}

/// Gives the messages of `batch` to `send` one by one, where they cannot be had together, until it says that there is no room:
/// the rest comes back then.
pub(crate) fn one_by_one(
    mut batch: Batch,
    mut send: impl FnMut(Message) -> Result<(), ()>,
) -> Result<(), SendMessageError<Batch>> {
    loop {
        let rest = batch.clone();
        let Some(message) = batch.next() else { return Ok(()) };
        if send(message).is_err() {
            return Err(SendMessageError::Full(rest));
        }
    }
}

/// What there is to do after a look at the stream.
enum Next<T> {
    Gather(T),
    Send,
    End,
}

/// Sends the messages of a stream, which `gather` encodes. What the stream has at once goes together; what it has is sent
/// before it is waited for. While the stream is pending and all is sent, `ended` says whether to stop.
///
/// # Errors
///
/// The status of the call when it has ended, and that of `gather`: what was gathered before is sent all the same.
pub(crate) async fn send_all<S: Stream>(
    calls: &dyn Calls,
    call: CallId,
    mut messages: Pin<&mut S>,
    mut gather: impl FnMut(S::Item, &mut BatchBuilder) -> Result<(), Status>,
    ended: impl Fn(&mut Context<'_>) -> Poll<()>,
) -> Result<(), Status> {
    let mut batch = BatchBuilder::new(calls.max_send_message(call));
    let mut batches = 0;
    loop {
        let next = poll_fn(|cx| match messages.as_mut().poll_next(cx) {
            Poll::Ready(Some(message)) => Poll::Ready(Next::Gather(message)),
            Poll::Ready(None) => Poll::Ready(Next::End),
            Poll::Pending if batch.is_empty() => ended(cx).map(|()| Next::End),
            Poll::Pending => Poll::Ready(Next::Send),
        })
        .await;
        let end = match next {
            Next::Gather(message) => match gather(message, &mut batch) {
                Ok(()) if batch.len() < BATCH_OCTETS && batch.messages() < BATCH_MESSAGES => continue,
                Ok(()) => None,
                Err(status) => Some(Err(status)),
            },
            Next::Send => None,
            Next::End => Some(Ok(())),
        };
        if !batch.is_empty() {
            send(calls, call, batch.take()).await?;
        }
        if let Some(end) = end {
            return end;
        }
        batches += 1;
        if batches == BATCHES_A_TURN {
            batches = 0;
            yield_now().await;
        }
    }
}

/// Lets others of the thread have their turn.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
