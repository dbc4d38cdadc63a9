use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::reactor::lock;

/// A worker that has had nothing to do for so long ends.
const KEEP: Duration = Duration::from_secs(10);

/// What a worker does.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Threads, and what waits for one.
#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// In the order in which they came.
    queue: BTreeMap<u64, Job>,
    next: u64,
    /// Threads that wait for a job, or are about to find one.
    idle: usize,
    threads: usize,
    max_workers: usize,
    max_queued: usize,
    is_closed: bool,
}

impl Pool {
    pub(super) fn new(max_workers: usize, max_queued: usize) -> Self {
        let pool = Self::default();
        pool.set_limits(Some(max_workers), Some(max_queued));
        pool
    }

    pub(super) fn set_limits(&self, max_workers: Option<usize>, max_queued: Option<usize>) {
        let mut state = lock(&self.state);
        state.max_workers = max_workers.unwrap_or(state.max_workers).max(1);
        state.max_queued = max_queued.unwrap_or(state.max_queued);
    }

    pub(super) fn limits(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.max_workers, state.max_queued)
    }

    /// Has `job` done by a worker, sooner or later. The answer is its number, by which it can be taken back.
    ///
    /// # Errors
    ///
    /// The job, when every worker is busy and the queue is full.
    pub(super) fn push(self: &Arc<Self>, job: Job) -> Result<u64, Job> {
        let mut state = lock(&self.state);
        let free = state.idle + state.max_workers.saturating_sub(state.threads);
        if state.is_closed || state.queue.len() >= free + state.max_queued {
            return Err(job);
        }
        let number = state.next;
        state.next += 1;
        state.queue.insert(number, job);
        if state.queue.len() <= state.idle || state.threads >= state.max_workers {
            drop(state);
            self.changed.notify_one();
            return Ok(number);
        }
        state.threads += 1;
        drop(state);
        let pool = Arc::clone(self);
        let spawned = thread::Builder::new().name("unwired-worker".to_owned()).spawn(move || pool.work());
        if spawned.is_err() {
            let mut state = lock(&self.state);
            state.threads -= 1;
            // Others will come to it, if there are any.
            if state.threads == 0
                && let Some(job) = state.queue.remove(&number)
            {
                return Err(job);
            }
        }
        Ok(number)
    }

    /// Takes a job back that nobody has begun.
    pub(super) fn take_back(&self, number: u64) -> Option<Job> {
        lock(&self.state).queue.remove(&number)
    }

    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some((_, job)) = state.queue.pop_first() {
                drop(state);
                // What a handler leaves broken goes with it; its call is answered by the drop of what it held.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = lock(&self.state);
                continue;
            }
            if state.is_closed {
                break;
            }
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, KEEP).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            state.idle -= 1;
            if waited.1.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }

    /// No job comes any more: those that nobody has begun are dropped, and workers end when they are done.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        let queue = mem::take(&mut state.queue);
        drop(state);
        self.changed.notify_all();
        drop(queue);
    }
}
