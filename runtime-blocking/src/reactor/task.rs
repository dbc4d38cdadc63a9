use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Wake, Waker};

use slab::Slab;
use unwired::transport::BoxFuture;

use super::Reactor;
use super::sync::lock;

/// Futures that run beside those that threads wait for: connections, handlers, calls that were only started.
#[derive(Default)]
pub(super) struct Tasks(Mutex<State>);

#[derive(Default)]
struct State {
    all: Slab<Arc<Task>>,
    ready: VecDeque<Arc<Task>>,
    is_closed: bool,
}

/// One of them.
pub(super) struct Task {
    reactor: Weak<Reactor>,
    key: usize,
    /// Empty while it is polled, and once it is done.
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    phase: AtomicU8,
}

/// Nothing to do.
const IDLE: u8 = 0;
/// Among those that are ready.
const QUEUED: u8 = 1;
const RUNNING: u8 = 2;
/// Woken while it ran: it is queued again.
const WOKEN: u8 = 3;

impl Tasks {
    /// Takes `future` on. Gives it back when the reactor has ended.
    pub(super) fn add(
        &self,
        reactor: Weak<Reactor>,
        future: BoxFuture<'static, ()>,
    ) -> Result<(), BoxFuture<'static, ()>> {
        let mut state = lock(&self.0);
        if state.is_closed {
            return Err(future);
        }
        let place = state.all.vacant_entry();
        let (key, future) = (place.key(), Mutex::new(Some(future)));
        let task = Arc::new(Task { reactor, key, future, phase: AtomicU8::new(QUEUED) });
        place.insert(Arc::clone(&task));
        state.ready.push_back(task);
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<Arc<Task>> {
        lock(&self.0).ready.pop_front()
    }

    pub(super) fn is_ready(&self) -> bool {
        !lock(&self.0).ready.is_empty()
    }

    fn push(&self, task: Arc<Task>) {
        lock(&self.0).ready.push_back(task);
    }

    /// Polls `task` once.
    pub(super) fn run(&self, task: Arc<Task>) {
        let Some(mut future) = lock(&task.future).take() else { return };
        task.phase.store(RUNNING, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&task));
        // What a panic leaves broken goes with its task; a task of a call answers it by its end.
        let polled =
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker))));
        if !matches!(polled, Ok(poll) if poll.is_pending()) {
            self.end(&task);
            return quietly_drop(future);
        }
        let mut place = lock(&task.future);
        if lock(&self.0).is_closed {
            drop(place);
            return quietly_drop(future);
        }
        *place = Some(future);
        drop(place);
        let was = task.phase.compare_exchange(RUNNING, IDLE, Ordering::SeqCst, Ordering::SeqCst);
        if was.is_err() {
            task.phase.store(QUEUED, Ordering::SeqCst);
            self.push(task);
        }
    }

    fn end(&self, task: &Arc<Task>) {
        let mut state = lock(&self.0);
        let was = if state.is_closed { None } else { state.all.try_remove(task.key) };
        drop(state);
        drop(was);
    }

    /// Drops all of them, and those that come.
    pub(super) fn close(&self) {
        let mut state = lock(&self.0);
        state.is_closed = true;
        let all = (mem::take(&mut state.all), mem::take(&mut state.ready));
        drop(state);
        for (_, task) in all.0 {
            let future = lock(&task.future).take();
            quietly_drop(future);
        }
    }
}

fn quietly_drop<T>(value: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let next = |phase| match phase {
            IDLE => Some(QUEUED),
            RUNNING => Some(WOKEN),
            _ => None,
        };
        if self.phase.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) != Ok(IDLE) {
            return;
        }
        if let Some(reactor) = self.reactor.upgrade() {
            reactor.tasks.push(self);
            reactor.interrupt();
        }
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("running", &lock(&self.0).all.len()).finish_non_exhaustive()
    }
}
