//! The messages of a stream on their way into a call: as many at once as the stream has at once.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

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
    poll_fn(|cx| match batch.take() {
        Some(next) => poll_send(cx, calls, call, next, &mut batch),
        None => Poll::Ready(Ok(())),
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

/// The messages of a stream on their way into a call. What the stream has at once goes together; what it has is sent before it
/// is waited for.
pub(crate) struct Forwarding {
    /// What was gathered.
    batch: BatchBuilder,
    /// What the call had no room for. It is apart: most of the time there is none, and a stream may be idle for long.
    unsent: Option<Box<Unsent>>,
    /// Batches of this turn.
    batches: u32,
}

struct Unsent {
    batch: Batch,
    /// What there is to say once that is gone.
    end: Option<Result<(), Status>>,
}

impl Forwarding {
    pub(crate) fn new(calls: &dyn Calls, call: CallId) -> Self {
        let batch = BatchBuilder::new(calls.max_send_message(call));
        Self { batch, unsent: None, batches: 0 }
    }

    /// Goes on until all is sent, of messages that `gather` encodes. While the stream is pending and all is sent, `ended`
    /// says whether to stop.
    ///
    /// # Errors
    ///
    /// The status of the call when it has ended, and that of `gather`: what was gathered before is sent all the same.
    pub(crate) fn poll<S: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        calls: &dyn Calls,
        call: CallId,
        mut messages: Pin<&mut S>,
        mut gather: impl FnMut(S::Item, &mut BatchBuilder) -> Result<(), Status>,
        ended: impl Fn(&mut Context<'_>) -> Poll<()>,
    ) -> Poll<Result<(), Status>> {
        let mut next = self.unsent.take().map(|unsent| *unsent);
        loop {
            if let Some(Unsent { batch, end }) = next.take() {
                let mut back = None;
                let sent = poll_send(cx, calls, call, batch, &mut back);
                if let Some(batch) = back {
                    self.unsent = Some(Box::new(Unsent { batch, end }));
                    return Poll::Pending;
                }
                ready!(sent)?;
                if let Some(end) = end {
                    return Poll::Ready(end);
                }
                self.batches += 1;
                if self.batches == BATCHES_A_TURN {
                    // Others of the thread have their turn.
                    self.batches = 0;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            let end = loop {
                match messages.as_mut().poll_next(cx) {
                    Poll::Ready(Some(message)) => match gather(message, &mut self.batch) {
                        Ok(())
                            if self.batch.len() < BATCH_OCTETS && self.batch.messages() < BATCH_MESSAGES => {}
                        Ok(()) => break None,
                        Err(status) => break Some(Err(status)),
                    },
                    Poll::Ready(None) => break Some(Ok(())),
                    Poll::Pending if self.batch.is_empty() => {
                        ready!(ended(cx));
                        break Some(Ok(()));
                    }
                    Poll::Pending => break None,
                }
            };
            if !self.batch.is_empty() {
                next = Some(Unsent { batch: self.batch.take(), end });
            } else if let Some(end) = end {
                return Poll::Ready(end);
            }
        }
    }
}

/// Sends `batch`; what there is no room for is put into `unsent`.
fn poll_send(
    cx: &Context<'_>,
    calls: &dyn Calls,
    call: CallId,
    batch: Batch,
    unsent: &mut Option<Batch>,
) -> Poll<Result<(), Status>> {
    match calls.poll_send(call, batch, cx.waker()) {
        Ok(()) => Poll::Ready(Ok(())),
        Err(SendMessageError::Full(back)) => {
            *unsent = Some(back);
            Poll::Pending
        }
        Err(SendMessageError::TooLong(status)) => Poll::Ready(Err(status)),
        Err(SendMessageError::Ended) => Poll::Ready(Err(calls.end_of(call))),
    }
}
