use core::future::poll_fn;
use core::mem::take;
use core::pin::pin;
use core::task::{Context, Poll, Waker, ready};
use std::sync::{Arc, OnceLock};

use unwired_core::grpc::{Batch, CallId, Encoding, Metadata, Received, SendMessageError};

use super::RUNTIME_ENDED;
use super::hedging::{hedge, is_answered};
use super::kept::Kept;
use super::service_config::HedgingPolicy;
use super::setup::KeptSetup;
use crate::Status;
use crate::call::{CallHandle, Calls, ended};
use crate::driver::keep;
use crate::sync::{Mutex, MutexGuard, lock};

/// A call with a stream of requests that is sent several times at once (gRFC A6). Each attempt sends what the application has
/// sent so far and goes on with what follows; the call is bound to the first that is answered, or that has sent all there is
/// once that is more than is kept.
///
/// A task makes the attempts, and ends once the one that is left has sent what was kept.
pub(super) struct Hedged {
    setup: KeptSetup,
    /// The attempt that the call is bound to.
    bound: OnceLock<Arc<CallHandle>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stage: Stage,
    sent: Kept,
    /// More comes than is kept.
    is_over: bool,
    /// No message follows.
    is_closed: bool,
    /// Those who wait for the call.
    waiting: Vec<Waker>,
    /// What makes the attempts.
    task: Option<Waker>,
}

#[derive(Default)]
enum Stage {
    #[default]
    Open,
    /// Bound to an attempt that has not yet sent all that was kept.
    Catching,
    /// Bound, and the application sends by itself.
    Bound,
    /// There is no attempt any more.
    Ended(Status),
}

/// How much of a call one attempt has sent.
#[derive(Default)]
struct Fed {
    batches: usize,
    is_closed: bool,
}

impl Hedged {
    pub(super) fn start(setup: KeptSetup, policy: &HedgingPolicy) -> Arc<Self> {
        let call = Arc::new(Self { setup, bound: OnceLock::new(), state: Mutex::default() });
        let making = Making { call: Arc::clone(&call) };
        call.setup.channel().runtime.spawn(making.run(policy.clone()));
        call
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// One attempt, once it is answered or the call outgrows what is kept; and how much it has sent.
    async fn attempt(&self, previous: u32) -> Result<(Arc<CallHandle>, Fed), Status> {
        let setup = self.setup.get();
        let mut was_refused = false;
        loop {
            let call = setup.start(previous, None).await?;
            let mut fed = Fed::default();
            let is_over = poll_fn(|cx| {
                let has_all = self.poll_feed(&call, &mut fed, cx).is_ready();
                if call.calls.poll_metadata(call.id, cx.waker()).is_ready() {
                    return Poll::Ready(false);
                }
                if has_all && self.lock().is_over { Poll::Ready(true) } else { Poll::Pending }
            })
            .await;
            if is_over || is_answered(&setup, &call, &mut was_refused).await? {
                return Ok((call, fed));
            }
        }
    }

    /// Sends what `attempt` has not sent yet. Ready once it has sent all there is, or has ended.
    fn poll_feed(&self, attempt: &CallHandle, fed: &mut Fed, cx: &mut Context<'_>) -> Poll<()> {
        let (calls, call) = (&attempt.calls, attempt.id);
        loop {
            let mut state = self.lock();
            let Some(batch) = state.sent.get(fed.batches) else {
                keep(&mut state.task, cx.waker());
                let closes = state.is_closed && !fed.is_closed;
                drop(state);
                if closes {
                    fed.is_closed = true;
                    calls.half_close(call);
                }
                return Poll::Ready(());
            };
            drop(state);
            match calls.poll_send(call, batch, cx.waker()) {
                Ok(()) => fed.batches += 1,
                Err(SendMessageError::Full(_)) => return Poll::Pending,
                Err(SendMessageError::TooLong(_) | SendMessageError::Ended) => return Poll::Ready(()),
            }
        }
    }

    /// Binds the call to an attempt, which goes on with what it has not sent.
    fn bind(&self, attempt: &Arc<CallHandle>) -> bool {
        let mut state = self.lock();
        if !matches!(state.stage, Stage::Open) {
            return false;
        }
        state.stage = Stage::Catching;
        let _ = self.bound.set(Arc::clone(attempt));
        let waiting = take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        true
    }

    /// Lets the application send by itself, unless it has sent more in the meantime.
    fn has_caught_up(&self, attempt: &CallHandle, fed: &Fed) -> bool {
        let has_ended = attempt.calls.poll_ended(attempt.id, Waker::noop()).is_ready();
        let mut state = self.lock();
        let has_more = fed.batches < state.sent.len() || (state.is_closed && !fed.is_closed);
        if has_more && !has_ended {
            return false;
        }
        state.stage = Stage::Bound;
        let (waiting, sent) = (take(&mut state.waiting), take(&mut state.sent));
        drop(state);
        drop(sent);
        waiting.into_iter().for_each(Waker::wake);
        true
    }

    /// Ends the call, if it is bound to no attempt.
    fn end(&self, status: Status) {
        let mut state = self.lock();
        match state.stage {
            Stage::Open => state.stage = Stage::Ended(status),
            // What is not sent yet is not sent any more.
            Stage::Catching => state.stage = Stage::Bound,
            Stage::Bound | Stage::Ended(_) => {}
        }
        let (sent, task, waiting) = (take(&mut state.sent), state.task.take(), take(&mut state.waiting));
        drop(state);
        drop(sent);
        task.into_iter().chain(waiting).for_each(Waker::wake);
    }

    /// The attempt that the call is bound to, once there is one; or its end.
    fn poll_bound(&self, waker: &Waker) -> Poll<Result<&CallHandle, Status>> {
        if let Some(attempt) = self.bound.get() {
            return Poll::Ready(Ok(attempt));
        }
        let mut state = self.lock();
        match &state.stage {
            Stage::Ended(status) => Poll::Ready(Err(status.clone())),
            _ => match self.bound.get() {
                Some(attempt) => Poll::Ready(Ok(attempt)),
                None => {
                    state.wait(waker);
                    Poll::Pending
                }
            },
        }
    }
}

impl State {
    fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|there| there.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }
}

/// Makes the attempts of a call. Dropped before there is an answer, because the runtime has ended, it ends the call.
struct Making {
    call: Arc<Hedged>,
}

impl Making {
    async fn run(self, policy: HedgingPolicy) {
        let call = &self.call;
        let setup = call.setup.get();
        let bound = {
            let mut hedge = pin!(hedge(&setup, &policy, |previous| call.attempt(previous)));
            poll_fn(|cx| {
                let mut state = call.lock();
                if let Stage::Ended(status) = &state.stage {
                    return Poll::Ready(Err(status.clone()));
                }
                keep(&mut state.task, cx.waker());
                drop(state);
                hedge.as_mut().poll(cx)
            })
            .await
        };
        match bound {
            Ok((attempt, mut fed)) => {
                if call.bind(&attempt) {
                    // It does not hold the call: with the application's handle it is cancelled, and ends here.
                    poll_fn(|cx| {
                        while call.poll_feed(&attempt, &mut fed, cx).is_ready() {
                            if call.has_caught_up(&attempt, &fed) {
                                return Poll::Ready(());
                            }
                        }
                        Poll::Pending
                    })
                    .await;
                }
            }
            Err(status) => call.end(status),
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.call.end(Status::unavailable(RUNTIME_ENDED));
    }
}

impl Calls for Hedged {
    fn poll_messages(&self, _: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        match ready!(self.poll_bound(waker)) {
            Ok(attempt) => attempt.calls.poll_messages(attempt.id, waker),
            Err(status) => Poll::Ready(Received::Failed(status)),
        }
    }

    fn recv_encoding(&self, _: CallId) -> Encoding {
        self.bound.get().map(|attempt| attempt.calls.recv_encoding(attempt.id)).unwrap_or_default()
    }

    fn poll_send(&self, _: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>> {
        let mut state = self.lock();
        let task = match state.stage {
            Stage::Ended(_) => return Err(SendMessageError::Ended),
            Stage::Bound => {
                drop(state);
                return match self.bound.get() {
                    Some(attempt) => attempt.calls.poll_send(attempt.id, batch, waker),
                    None => Err(SendMessageError::Ended),
                };
            }
            Stage::Open if state.sent.fits(&batch) => {
                state.sent.keep(batch);
                state.task.take()
            }
            Stage::Open | Stage::Catching => {
                state.is_over = true;
                state.wait(waker);
                let task = state.task.take();
                drop(state);
                task.into_iter().for_each(Waker::wake);
                return Err(SendMessageError::Full(batch));
            }
        };
        drop(state);
        task.into_iter().for_each(Waker::wake);
        Ok(())
    }

    fn max_send_message(&self, _: CallId) -> usize {
        self.setup.max_send_message()
    }

    fn end_of(&self, _: CallId) -> Status {
        match self.poll_bound(Waker::noop()) {
            Poll::Ready(Ok(attempt)) => attempt.calls.end_of(attempt.id),
            Poll::Ready(Err(status)) => status,
            Poll::Pending => ended(),
        }
    }

    fn poll_ended(&self, _: CallId, waker: &Waker) -> Poll<()> {
        match ready!(self.poll_bound(waker)) {
            Ok(attempt) => attempt.calls.poll_ended(attempt.id, waker),
            Err(_) => Poll::Ready(()),
        }
    }

    fn poll_metadata(&self, _: CallId, waker: &Waker) -> Poll<Metadata> {
        match ready!(self.poll_bound(waker)) {
            Ok(attempt) => attempt.calls.poll_metadata(attempt.id, waker),
            Err(_) => Poll::Ready(Metadata::new()),
        }
    }

    fn poll_status(&self, _: CallId, waker: &Waker) -> Poll<Status> {
        match ready!(self.poll_bound(waker)) {
            Ok(attempt) => attempt.calls.poll_status(attempt.id, waker),
            Err(status) => Poll::Ready(status),
        }
    }

    fn is_unprocessed(&self, _: CallId) -> bool {
        self.bound.get().is_some_and(|attempt| attempt.calls.is_unprocessed(attempt.id))
    }

    fn has_answered(&self, _: CallId) -> bool {
        self.bound.get().is_some_and(|attempt| attempt.calls.has_answered(attempt.id))
    }

    fn half_close(&self, _: CallId) {
        let mut state = self.lock();
        state.is_closed = true;
        let (is_bound, task) = (matches!(state.stage, Stage::Bound), state.task.take());
        drop(state);
        task.into_iter().for_each(Waker::wake);
        if is_bound && let Some(attempt) = self.bound.get() {
            attempt.calls.half_close(attempt.id);
        }
    }

    fn fail(&self, _: CallId, status: Status) {
        self.end(status.clone());
        if let Some(attempt) = self.bound.get() {
            attempt.calls.fail(attempt.id, status);
        }
    }

    fn release(&self, call: CallId) {
        // The attempt is released with the last that holds this: a task that sends may.
        self.cancel(call);
    }
}
