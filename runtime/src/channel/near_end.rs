use core::task::{Context, Poll, Waker, ready};
use std::sync::Arc;

use unwired_core::grpc::{Batch, CallId, Encoding, Message, Received, SendMessageError};

use super::RUNTIME_ENDED;
use crate::call::{Calls, ended, given_up, one_by_one};
use crate::driver::keep;
use crate::intercept::{Messages, Part, Payload, Pipe, Source};
use crate::sync::{Mutex, lock};
use crate::{Metadata, Status};

/// The application's end of a call that goes through interceptors, in place of a connection.
pub(super) struct NearEnd {
    /// What the application sends as it comes up; `None` where interceptors have it already.
    requests: Option<Arc<Pipe>>,
    /// `None` once the application has given the call up.
    responses: Mutex<Option<Messages>>,
}

impl NearEnd {
    pub(super) fn new(requests: Option<Arc<Pipe>>, responses: Messages) -> Self {
        Self { requests, responses: Mutex::new(Some(responses)) }
    }

    fn end_requests(&self, status: Status) {
        if let Some(requests) = &self.requests {
            requests.end(status);
        }
    }
}

impl Calls for NearEnd {
    fn poll_messages(&self, _: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        let mut responses = lock(&self.responses);
        let Some(messages) = &mut *responses else { return Poll::Ready(Received::Failed(given_up())) };
        messages.poll_part(&mut Context::from_waker(waker)).map(|part| match part {
            Part::Message(message) => Received::Message(Message::plain(message.bytes).into()),
            Part::End(status) if status.is_ok() => Received::End,
            Part::End(status) => Received::Failed(status),
        })
    }

    fn recv_encoding(&self, _: CallId) -> Encoding {
        Encoding::Identity
    }

    fn poll_send(&self, _: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>> {
        let Some(requests) = &self.requests else { return Err(SendMessageError::Ended) };
        let has_ended = lock(&self.responses).as_ref().is_none_or(|messages| messages.end().is_some());
        if has_ended || requests.is_abandoned() {
            return Err(SendMessageError::Ended);
        }
        one_by_one(batch, |message| {
            let payload = Payload { bytes: message.payload, may_compress: message.compressed };
            requests.poll_send(payload, waker).map_err(drop)
        })
    }

    /// What interceptors make of a message is judged where it is sent.
    fn max_send_message(&self, _: CallId) -> usize {
        usize::MAX
    }

    fn end_of(&self, _: CallId) -> Status {
        let responses = lock(&self.responses);
        let end = responses.as_ref().map_or_else(|| Some(given_up()), |messages| messages.end().cloned());
        end.unwrap_or_else(ended)
    }

    fn poll_ended(&self, _: CallId, waker: &Waker) -> Poll<()> {
        self.requests.as_ref().map_or(Poll::Pending, |requests| requests.poll_abandoned(waker))
    }

    fn poll_metadata(&self, _: CallId, waker: &Waker) -> Poll<Metadata> {
        lock(&self.responses).as_mut().map_or_else(
            || Poll::Ready(Metadata::new()),
            |messages| messages.poll_metadata(&mut Context::from_waker(waker)),
        )
    }

    /// It is asked for behind the last message.
    fn poll_status(&self, _: CallId, _: &Waker) -> Poll<Status> {
        let responses = lock(&self.responses);
        match &*responses {
            Some(messages) => messages.end().cloned().map_or(Poll::Pending, Poll::Ready),
            None => Poll::Ready(given_up()),
        }
    }

    fn half_close(&self, _: CallId) {
        self.end_requests(Status::OK);
    }

    fn cancel(&self, _: CallId) {
        // Out of the lock: their drop gives the call up, which may be anybody's code.
        let responses = lock(&self.responses).take();
        drop(responses);
        self.end_requests(given_up());
    }

    /// It reaches those who wait for the response by way of the call itself.
    fn fail(&self, _: CallId, status: Status) {
        self.end_requests(status);
    }

    fn release(&self, call: CallId) {
        self.cancel(call);
    }
}

/// A response that is still to come. Dropped without one, because the runtime has ended, it fails the call.
pub(super) struct Promise(Arc<Mutex<Promised>>);

/// The messages of that response.
pub(super) struct Later {
    promised: Arc<Mutex<Promised>>,
    messages: Option<Messages>,
}

#[derive(Default)]
struct Promised {
    answer: Option<Result<Messages, Status>>,
    /// Nobody waits for it.
    is_abandoned: bool,
    /// Who makes it.
    maker: Option<Waker>,
    /// Who waits for it.
    waiter: Option<Waker>,
}

impl Promise {
    pub(super) fn new() -> (Self, Later) {
        let promised = Arc::<Mutex<Promised>>::default();
        (Self(Arc::clone(&promised)), Later { promised, messages: None })
    }

    /// Ready once nobody waits for the response.
    pub(super) fn poll_abandoned(&self, waker: &Waker) -> Poll<()> {
        let mut promised = lock(&self.0);
        if promised.is_abandoned {
            return Poll::Ready(());
        }
        keep(&mut promised.maker, waker);
        Poll::Pending
    }

    /// The first answer holds.
    pub(super) fn keep(&self, answer: Result<Messages, Status>) {
        let mut promised = lock(&self.0);
        promised.answer.get_or_insert(answer);
        let waiter = promised.waiter.take();
        drop(promised);
        if let Some(waker) = waiter {
            waker.wake();
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.keep(Err(Status::unavailable(RUNTIME_ENDED)));
    }
}

impl Later {
    /// Ready once the response is there, if there will be one.
    pub(super) fn poll_kept(&self, waker: &Waker) -> Poll<Result<(), Status>> {
        let mut promised = lock(&self.promised);
        match &promised.answer {
            Some(Ok(_)) => Poll::Ready(Ok(())),
            Some(Err(status)) => Poll::Ready(Err(status.clone())),
            None => {
                keep(&mut promised.waiter, waker);
                Poll::Pending
            }
        }
    }

    fn poll_messages(&mut self, cx: &mut Context<'_>) -> Poll<&mut Messages> {
        if self.messages.is_none() {
            let mut promised = lock(&self.promised);
            let Some(answer) = promised.answer.take() else {
                keep(&mut promised.waiter, cx.waker());
                return Poll::Pending;
            };
            self.messages = Some(answer.unwrap_or_else(Messages::failed));
        }
        Poll::Ready(self.messages.get_or_insert_with(Messages::empty))
    }
}

impl Source for Later {
    fn poll_metadata(&mut self, cx: &mut Context<'_>) -> Poll<Metadata> {
        ready!(self.poll_messages(cx)).poll_metadata(cx)
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        ready!(self.poll_messages(cx)).poll_part(cx)
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        let mut promised = lock(&self.promised);
        promised.is_abandoned = true;
        let (answer, maker) = (promised.answer.take(), promised.maker.take());
        drop(promised);
        drop(answer);
        if let Some(waker) = maker {
            waker.wake();
        }
    }
}
