use core::future::poll_fn;
use core::mem::{replace, take};
use core::pin::pin;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::{Arc, OnceLock, Weak};

use unwired_core::grpc::{Batch, CallId, Encoding, Message, Metadata, Received, SendMessageError};

use super::RUNTIME_ENDED;
use super::kept::Kept;
use super::policy::{Retries, Verdict};
use super::service_config::Attempts;
use super::setup::{KeptSetup, Setup};
use crate::Status;
use crate::call::{CallHandle, Calls, ended, send};
use crate::sync::{Mutex, MutexGuard, lock};

/// A call that may be sent several times: because no server has acted on it, or because its method has a policy for retries
/// (gRFC A6). It is bound to an attempt once the server has answered that, or once more was sent than is kept.
///
/// Nothing runs for it: whoever waits for the call finds out that an attempt has failed, and a task lives while the next one
/// is made.
pub(super) struct Resending {
    me: Weak<Self>,
    setup: KeptSetup,
    /// The attempt that the call is bound to.
    bound: OnceLock<Arc<CallHandle>>,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    sent: Kept,
    /// No message follows.
    is_closed: bool,
    retries: Retries,
    waiting: Vec<Waker>,
}

/// Where a call is that is not bound to an attempt.
enum Stage {
    Live(Arc<CallHandle>),
    /// The next attempt is being made.
    Between,
    /// There will be none.
    Ended(Status),
    Bound,
}

/// What an attempt that has ended comes to.
enum Judged {
    /// Its end is that of the call.
    Kept,
    /// It is not the call's any more.
    Left,
}

/// What there is to wait for.
enum Current {
    Attempt(Arc<CallHandle>),
    None,
    Ended(Status),
}

impl Resending {
    pub(super) fn new(setup: &Setup<'_>, first: Arc<CallHandle>, message: Option<Message>) -> Arc<Self> {
        let is_closed = message.is_some();
        let mut sent = Kept::default();
        message.into_iter().map(Batch::from).for_each(|batch| sent.keep(batch));
        let state = State {
            is_closed,
            sent,
            stage: Stage::Live(first),
            retries: Retries::new(setup.channel.runtime.seed()),
            waiting: Vec::new(),
        };
        let this = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            setup: setup.keep(),
            bound: OnceLock::new(),
            state: Mutex::new(state),
        });
        let mut state = this.lock();
        if state.sent.is_over() {
            this.bind(&mut state);
        }
        drop(state);
        this
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Binds the call to its current attempt.
    fn bind(&self, state: &mut State) {
        if let Stage::Live(attempt) = replace(&mut state.stage, Stage::Bound) {
            let _ = self.bound.set(attempt);
            state.sent = Kept::default();
        }
    }

    /// Binds the call to `attempt`, if that is its current one.
    fn bind_to(&self, attempt: &Arc<CallHandle>) {
        let mut state = self.lock();
        if state.is_live(attempt) {
            self.bind(&mut state);
            if let Some(throttle) = self.setup.throttle() {
                throttle.on_success();
            }
        }
    }

    /// The attempt, or that `waker` waits for one.
    fn current(&self, waker: &Waker) -> Current {
        if let Some(attempt) = self.bound.get() {
            return Current::Attempt(Arc::clone(attempt));
        }
        let mut state = self.lock();
        match &state.stage {
            Stage::Live(attempt) => Current::Attempt(Arc::clone(attempt)),
            Stage::Ended(status) => Current::Ended(status.clone()),
            Stage::Between => {
                if !state.waiting.iter().any(|there| there.will_wake(waker)) {
                    state.waiting.push(waker.clone());
                }
                Current::None
            }
            Stage::Bound => self.bound.get().cloned().map_or(Current::None, Current::Attempt),
        }
    }

    /// An attempt has ended: is that the end of the call?
    fn judge(&self, attempt: &Arc<CallHandle>) -> Judged {
        if self.bound.get().is_some_and(|bound| Arc::ptr_eq(bound, attempt)) {
            return Judged::Kept;
        }
        let (calls, call) = (&attempt.calls, attempt.id);
        let Poll::Ready(status) = calls.poll_status(call, Waker::noop()) else { return Judged::Kept };
        let is_answered = status.is_ok() || calls.has_answered(call);
        let unprocessed = calls.is_unprocessed(call);
        let mut state = self.lock();
        if !state.is_live(attempt) {
            // Another who waits for the call has come to it first.
            return if matches!(state.stage, Stage::Bound) { Judged::Kept } else { Judged::Left };
        }
        let policy = match self.setup.attempts() {
            Some(Attempts::Retry(policy)) => Some(policy),
            Some(Attempts::One | Attempts::Hedge(_)) | None => None,
        };
        let throttle = self.setup.throttle();
        let verdict = if is_answered {
            Verdict::GiveUp
        } else {
            state.retries.on_failure(policy, throttle, &status, unprocessed)
        };
        match verdict {
            Verdict::GiveUp => {
                self.bind(&mut state);
                Judged::Kept
            }
            Verdict::Again(pause) => {
                let left = replace(&mut state.stage, Stage::Between);
                drop(state);
                drop(left);
                if let Some(call) = self.me.upgrade() {
                    let resend = Resend { call, is_done: false };
                    self.setup.channel().runtime.spawn(resend.run(pause, status));
                }
                Judged::Left
            }
        }
    }

    /// There will be no further attempt.
    fn end(&self, status: Status) {
        let mut state = self.lock();
        let left = match state.stage {
            Stage::Between | Stage::Live(_) => Some(replace(&mut state.stage, Stage::Ended(status))),
            Stage::Bound | Stage::Ended(_) => None,
        };
        let waiting = take(&mut state.waiting);
        drop(state);
        drop(left);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether the next attempt is still wanted.
    fn is_wanted(&self) -> bool {
        matches!(self.lock().stage, Stage::Between)
    }

    /// What `attempt` is to send next, of which it has sent `sent` batches; `None` once it has sent all, and is the call's
    /// current one from then on.
    fn next_of(&self, attempt: &Arc<CallHandle>, sent: usize) -> Option<Batch> {
        let mut state = self.lock();
        if !matches!(state.stage, Stage::Between) {
            return None;
        }
        if let Some(batch) = state.sent.get(sent) {
            return Some(batch);
        }
        state.stage = Stage::Live(Arc::clone(attempt));
        if state.sent.is_over() {
            self.bind(&mut state);
        }
        let (is_closed, waiting) = (state.is_closed, take(&mut state.waiting));
        drop(state);
        if is_closed {
            attempt.calls.half_close(attempt.id);
        }
        waiting.into_iter().for_each(Waker::wake);
        None
    }
}

impl State {
    fn is_live(&self, attempt: &Arc<CallHandle>) -> bool {
        matches!(&self.stage, Stage::Live(there) if Arc::ptr_eq(there, attempt))
    }
}

/// Makes the next attempt. Dropped before it has, because the runtime has ended, it ends the call.
struct Resend {
    call: Arc<Resending>,
    is_done: bool,
}

impl Resend {
    async fn run(mut self, pause: Duration, last: Status) {
        let call = Arc::clone(&self.call);
        let wanted = async {
            let mut resend = pin!(self.send_again(pause, last));
            poll_fn(|cx| {
                // Whoever gives the call up wakes this.
                if let Current::None = call.current(cx.waker()) {
                    return resend.as_mut().poll(cx);
                }
                Poll::Ready(Ok(()))
            })
            .await
        };
        let sent = wanted.await;
        self.is_done = true;
        if let Err(status) = sent {
            call.end(status);
        }
    }

    async fn send_again(&self, pause: Duration, last: Status) -> Result<(), Status> {
        let call = &self.call;
        let setup = call.setup.get();
        setup.pause(pause, last).await?;
        let previous = call.lock().retries.previous();
        let attempt = setup.start(previous, None).await?;
        let mut sent = 0;
        while let Some(batch) = call.next_of(&attempt, sent) {
            sent += 1;
            // That it has ended, whoever waits for the call will see.
            let _ = send(&*attempt.calls, attempt.id, batch).await;
        }
        Ok(())
    }
}

impl Drop for Resend {
    fn drop(&mut self) {
        if !self.is_done && self.call.is_wanted() {
            self.call.end(Status::unavailable(RUNTIME_ENDED));
        }
    }
}

impl Calls for Resending {
    fn poll_messages(&self, _: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        if let Some(attempt) = self.bound.get() {
            return attempt.calls.poll_messages(attempt.id, waker);
        }
        loop {
            let attempt = match self.current(waker) {
                Current::Attempt(attempt) => attempt,
                Current::None => return Poll::Pending,
                Current::Ended(status) => return Poll::Ready(Received::Failed(status)),
            };
            match attempt.calls.poll_messages(attempt.id, waker) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Received::Message(batch)) => {
                    self.bind_to(&attempt);
                    return Poll::Ready(Received::Message(batch));
                }
                Poll::Ready(received) => {
                    if let Judged::Kept = self.judge(&attempt) {
                        return Poll::Ready(received);
                    }
                }
            }
        }
    }

    fn recv_encoding(&self, _: CallId) -> Encoding {
        self.bound.get().map(|attempt| attempt.calls.recv_encoding(attempt.id)).unwrap_or_default()
    }

    fn poll_send(&self, _: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>> {
        if let Some(attempt) = self.bound.get() {
            return attempt.calls.poll_send(attempt.id, batch, waker);
        }
        let mut batch = batch;
        loop {
            let attempt = match self.current(waker) {
                Current::Attempt(attempt) => attempt,
                Current::Ended(_) => return Err(SendMessageError::Ended),
                Current::None => {
                    let mut state = self.lock();
                    if !matches!(state.stage, Stage::Between) {
                        continue;
                    }
                    if !state.sent.fits(&batch) {
                        return Err(SendMessageError::Full(batch));
                    }
                    state.sent.keep(batch);
                    return Ok(());
                }
            };
            let kept = batch.clone();
            match attempt.calls.poll_send(attempt.id, batch, waker) {
                Ok(()) => {
                    let mut state = self.lock();
                    let is_live = state.is_live(&attempt);
                    if is_live || matches!(state.stage, Stage::Between) {
                        state.sent.keep(kept);
                        if is_live && state.sent.is_over() {
                            self.bind(&mut state);
                        }
                        return Ok(());
                    }
                    if !matches!(state.stage, Stage::Live(_)) {
                        return Ok(());
                    }
                    // It went to an attempt that was given up in between.
                }
                Err(SendMessageError::Ended) => {
                    if let Judged::Kept = self.judge(&attempt) {
                        return Err(SendMessageError::Ended);
                    }
                }
                error => return error,
            }
            batch = kept;
        }
    }

    fn max_send_message(&self, _: CallId) -> usize {
        self.setup.max_send_message()
    }

    fn end_of(&self, _: CallId) -> Status {
        match self.current(Waker::noop()) {
            Current::Attempt(attempt) => attempt.calls.end_of(attempt.id),
            Current::Ended(status) => status,
            Current::None => ended(),
        }
    }

    fn poll_ended(&self, _: CallId, waker: &Waker) -> Poll<()> {
        loop {
            let attempt = match self.current(waker) {
                Current::Attempt(attempt) => attempt,
                Current::None => return Poll::Pending,
                Current::Ended(_) => return Poll::Ready(()),
            };
            if attempt.calls.poll_ended(attempt.id, waker).is_pending() {
                return Poll::Pending;
            }
            if let Judged::Kept = self.judge(&attempt) {
                return Poll::Ready(());
            }
        }
    }

    fn poll_metadata(&self, _: CallId, waker: &Waker) -> Poll<Metadata> {
        loop {
            let attempt = match self.current(waker) {
                Current::Attempt(attempt) => attempt,
                Current::None => return Poll::Pending,
                Current::Ended(_) => return Poll::Ready(Metadata::new()),
            };
            let Poll::Ready(metadata) = attempt.calls.poll_metadata(attempt.id, waker) else {
                return Poll::Pending;
            };
            if attempt.calls.has_answered(attempt.id) {
                self.bind_to(&attempt);
                return Poll::Ready(metadata);
            }
            if let Judged::Kept = self.judge(&attempt) {
                return Poll::Ready(metadata);
            }
        }
    }

    fn poll_status(&self, _: CallId, waker: &Waker) -> Poll<Status> {
        loop {
            let attempt = match self.current(waker) {
                Current::Attempt(attempt) => attempt,
                Current::None => return Poll::Pending,
                Current::Ended(status) => return Poll::Ready(status),
            };
            let Poll::Ready(status) = attempt.calls.poll_status(attempt.id, waker) else {
                return Poll::Pending;
            };
            if let Judged::Kept = self.judge(&attempt) {
                return Poll::Ready(status);
            }
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
        let attempt = match &state.stage {
            Stage::Live(attempt) => Some(Arc::clone(attempt)),
            Stage::Between | Stage::Ended(_) => None,
            Stage::Bound => self.bound.get().cloned(),
        };
        drop(state);
        if let Some(attempt) = attempt {
            attempt.calls.half_close(attempt.id);
        }
    }

    fn fail(&self, _: CallId, status: Status) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Live(_)) {
            self.bind(&mut state);
        }
        drop(state);
        match self.bound.get() {
            Some(attempt) => attempt.calls.fail(attempt.id, status),
            None => self.end(status),
        }
    }

    fn release(&self, call: CallId) {
        // The attempt is released with the last that holds this: a task that sends may.
        self.cancel(call);
    }
}
