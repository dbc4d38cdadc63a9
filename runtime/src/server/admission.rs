use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;

use crate::channel::PUSHBACK;
use crate::numbered::Numbered;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::{Code, Metadata, Status};

/// How many calls a server works on at a time, over all its connections, and what becomes of those beyond; see
/// [`Builder::admission`](super::Builder::admission).
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    max_calls: usize,
    max_queued: usize,
    code: Code,
    pushback: Option<Duration>,
}

impl Admission {
    /// So many calls at a time. Those beyond are refused at once, with RESOURCE_EXHAUSTED.
    pub const fn new(max_calls: usize) -> Self {
        Self { max_calls, max_queued: 0, code: Code::ResourceExhausted, pushback: None }
    }

    /// So many of those beyond wait, in the order in which they came and for as long as their deadlines allow; only then they
    /// are refused. None by default: a queue adds to the latency of who stands in it, and a server that is always too slow has
    /// it always full.
    #[must_use]
    pub const fn queue(mut self, max_queued: usize) -> Self {
        self.max_queued = max_queued;
        self
    }

    /// The code of a refusal: RESOURCE_EXHAUSTED by default; UNAVAILABLE for clients whose retry policies name that.
    ///
    /// # Panics
    ///
    /// With [`Code::Ok`], which is no refusal.
    #[must_use]
    pub const fn code(mut self, code: Code) -> Self {
        assert!(!matches!(code, Code::Ok), "a refusal is no success");
        self.code = code;
        self
    }

    /// Tells clients with a refusal after which time to call again (`grpc-retry-pushback-ms`, gRFC A6); `Duration::MAX` tells
    /// them not to. Nothing by default: they pause as their own policies say.
    #[must_use]
    pub const fn pushback(mut self, pushback: Duration) -> Self {
        self.pushback = Some(pushback);
        self
    }
}

/// Where calls are let in, and leave.
pub(crate) struct Gate {
    limits: Admission,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    /// Who waits, the first one first, and the waker of each that has been polled.
    waiting: Numbered<Option<Waker>>,
    refused: u64,
}

/// What becomes of a call.
pub(crate) enum Entry {
    In(Permit),
    Queued(Ticket),
    Refused(Status),
}

impl Gate {
    pub(crate) fn new(limits: Admission) -> Self {
        Self { limits, state: Mutex::new(State::default()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Calls that wait, and calls that were refused.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let state = self.lock();
        (state.waiting.len(), state.refused)
    }

    fn is_full(&self, state: &State) -> bool {
        state.running >= self.limits.max_calls && state.waiting.len() >= self.limits.max_queued
    }

    /// The refusal of a call that would find no room now. It spares reading the request.
    pub(crate) fn turn_away(&self) -> Option<Status> {
        let mut state = self.lock();
        if !self.is_full(&state) {
            return None;
        }
        state.refused += 1;
        drop(state);
        Some(self.refusal())
    }

    /// Lets a call in, or lets it wait.
    pub(crate) fn enter(self: &Arc<Self>) -> Entry {
        let mut state = self.lock();
        if state.running < self.limits.max_calls {
            state.running += 1;
            return Entry::In(Permit(Arc::clone(self)));
        }
        if self.is_full(&state) {
            state.refused += 1;
            drop(state);
            return Entry::Refused(self.refusal());
        }
        let number = state.waiting.push(None);
        Entry::Queued(Ticket { gate: Some(Arc::clone(self)), number })
    }

    fn refusal(&self) -> Status {
        let Admission { code, pushback, max_calls, .. } = self.limits;
        let mut metadata = Metadata::new();
        if let Some(pushback) = pushback {
            let millis = i32::try_from(pushback.as_millis()).unwrap_or(-1);
            // A number is a value that any name may have.
            let _ = metadata.insert(PUSHBACK, millis.to_string());
        }
        Status::with_metadata(
            code,
            format!("the server works on {max_calls} calls, and takes no more: try again later"),
            metadata,
        )
    }

    /// A call has left: the first of those who wait has its place.
    fn leave(&self) {
        let mut state = self.lock();
        let Some(waker) = state.waiting.pop_first() else {
            state.running -= 1;
            return;
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The place of a call that is worked on.
pub(crate) struct Permit(Arc<Gate>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The place of a call that waits.
pub(crate) struct Ticket {
    /// Until it is let in.
    gate: Option<Arc<Gate>>,
    number: u64,
}

impl Future for Ticket {
    type Output = Option<Permit>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Permit>> {
        let Some(gate) = &self.gate else { return Poll::Ready(None) };
        let mut state = gate.lock();
        if let Some(waker) = state.waiting.get_mut(self.number) {
            let before = waker.replace(cx.waker().clone());
            drop(state);
            drop(before);
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(self.gate.take().map(Permit))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(gate) = self.gate.take() else { return };
        let left = gate.lock().waiting.remove(self.number);
        if left.is_none() {
            // It was let in, and has not heard of it.
            gate.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(limits: Admission) -> Arc<Gate> {
        Arc::new(Gate::new(limits))
    }

    fn enter(gate: &Arc<Gate>) -> Permit {
        let Entry::In(permit) = gate.enter() else { panic!("not let in") };
        permit
    }

    fn queue(gate: &Arc<Gate>) -> Ticket {
        let Entry::Queued(ticket) = gate.enter() else { panic!("does not wait") };
        ticket
    }

    fn poll(ticket: &mut Ticket) -> Option<Permit> {
        match Pin::new(ticket).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => permit,
            Poll::Pending => None,
        }
    }

    #[test]
    fn calls_wait_in_order_and_those_beyond_are_refused() {
        let gate =
            gate(Admission::new(1).queue(2).code(Code::Unavailable).pushback(Duration::from_millis(1500)));
        let first = enter(&gate);
        let (mut second, mut third) = (queue(&gate), queue(&gate));
        let Entry::Refused(status) = gate.enter() else { panic!("there is room") };
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.metadata().get(PUSHBACK), Some("1500"));
        assert!(gate.turn_away().is_some());
        assert_eq!(gate.counts(), (2, 2));
        assert!(poll(&mut third).is_none() && poll(&mut second).is_none());
        drop(first);
        assert!(poll(&mut third).is_none());
        let permit = poll(&mut second).expect("its turn");
        drop(permit);
        assert!(poll(&mut third).is_some());
        enter(&gate);
    }

    #[test]
    fn who_waits_no_longer_holds_nobody_up() {
        let gate = gate(Admission::new(1).queue(3));
        let first = enter(&gate);
        let (second, third, mut fourth) = (queue(&gate), queue(&gate), queue(&gate));
        drop(second);
        drop(first);
        // Let in, and gone before it was told.
        drop(third);
        assert!(poll(&mut fourth).is_some());
        let _in = enter(&gate);
        assert!(matches!(gate.enter(), Entry::Queued(_)));
    }

    #[test]
    fn clients_can_be_told_not_to_call_again() {
        let gate = gate(Admission::new(0).pushback(Duration::MAX));
        let Entry::Refused(status) = gate.enter() else { panic!("let in") };
        assert_eq!((status.code(), status.metadata().get(PUSHBACK)), (Code::ResourceExhausted, Some("-1")));
    }
}
