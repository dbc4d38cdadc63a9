//! Sockets, timers and tasks, driven by whichever threads wait.

mod duty;
mod source;
mod sync;
mod task;
mod timers;

use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use polling::{Events, Poller};
use slab::Slab;
use unwired::Instant;
use unwired::transport::BoxFuture;
use unwired_sockets::now;

use crate::background::Background;

pub(crate) use duty::Waiter;
use duty::{Duty, Sleep};
pub use source::Source;
use source::Watched;
pub(crate) use sync::lock;
use task::Tasks;
pub(crate) use timers::Key as TimerKey;
use timers::Timers;

/// Tasks that are run before the system is asked for news.
const TASKS_A_TURN: usize = 64;
/// When nobody has asked the system for so long, there may be news, as of a connection that was closed: a call is not made
/// before they are known.
const STALE: Duration = Duration::from_millis(10);

/// Sockets, timers and tasks, and the threads that wait for them.
pub(crate) struct Reactor {
    this: Weak<Self>,
    poller: Poller,
    sleep: Sleep,
    duty: Duty,
    tasks: Tasks,
    timers: Timers,
    pub(crate) background: Background,
    watched: Mutex<Slab<Arc<Watched>>>,
    /// Where the leader has the system's answers put; nobody else locks it.
    events: Mutex<Events>,
    /// When the system was asked last, in nanoseconds.
    asked_at: AtomicU64,
}

impl Reactor {
    /// # Errors
    ///
    /// Those of the system, when it is out of file descriptors.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let poller = Poller::new()?;
        Ok(Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            poller,
            sleep: Sleep::default(),
            duty: Duty::default(),
            tasks: Tasks::default(),
            timers: Timers::default(),
            background: Background::default(),
            watched: Mutex::default(),
            events: Mutex::new(Events::new()),
            asked_at: AtomicU64::new(0),
        }))
    }

    /// Runs `future` as a task; drops it if the reactor has ended.
    pub(crate) fn spawn(&self, future: BoxFuture<'static, ()>) {
        match self.tasks.add(Weak::clone(&self.this), future) {
            Ok(()) => self.interrupt(),
            Err(future) => drop(future),
        }
    }

    /// Drops all tasks, and those that come.
    pub(crate) fn close(&self) {
        self.tasks.close();
    }

    /// Waits for `future`, and does what is to be done for all who wait when nobody else does.
    pub(crate) fn block_on<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        let mut future = pin!(future);
        let waiter = Waiter::current();
        let waker = Waker::from(Arc::new(Waits { waiter: Arc::clone(&waiter), reactor: Arc::clone(self) }));
        let mut cx = Context::from_waker(&waker);
        self.catch_up();
        let mut place = None;
        loop {
            if waiter.take_woken()
                && let Poll::Ready(output) = future.as_mut().poll(&mut cx)
            {
                drop(place);
                self.flush();
                return output;
            }
            // Entered only now, so that what is ready at once troubles nobody.
            place.get_or_insert_with(|| self.duty.enter(&waiter));
            if waiter.leads() {
                self.lead(&waiter);
            } else if !waiter.is_woken() {
                // Woken, appointed, or neither: the loop tells.
                thread::park();
            }
        }
    }

    /// Runs the tasks that are ready, if nobody else is there to do so: what a call has sent, or that it was cancelled,
    /// shall leave before the thread turns to something else.
    pub(crate) fn flush(&self) {
        if self.tasks.is_ready() {
            let waiter = Waiter::current();
            let Some(place) = self.duty.try_lead(&waiter) else { return };
            self.run_tasks(None);
            drop(place);
        }
    }

    /// Learns what has happened while nobody waited.
    fn catch_up(&self) {
        let asked_at = Instant::from_nanos(self.asked_at.load(Ordering::Relaxed));
        if now() - asked_at < STALE {
            return;
        }
        let waiter = Waiter::current();
        let Some(place) = self.duty.try_lead(&waiter) else { return };
        self.poll(Some(Duration::ZERO));
        self.run_tasks(None);
        drop(place);
    }

    /// Leads until `waiter` is woken.
    fn lead(&self, waiter: &Waiter) {
        if waiter.is_woken() {
            // The future woke itself, to let others have their turn.
            self.run_tasks(None);
            return self.poll(Some(Duration::ZERO));
        }
        while !waiter.is_woken() {
            self.run_tasks(Some(waiter));
            if waiter.is_woken() {
                return;
            }
            self.sleep.begin();
            // The last look: what comes from now on interrupts.
            let is_busy = waiter.is_woken() || self.tasks.is_ready();
            self.poll(if is_busy { Some(Duration::ZERO) } else { self.timers.next().map(|at| at - now()) });
        }
    }

    /// Runs some of the tasks that are ready, at most until `waiter` is woken.
    fn run_tasks(&self, waiter: Option<&Waiter>) {
        for _ in 0..TASKS_A_TURN {
            if waiter.is_some_and(Waiter::is_woken) {
                return;
            }
            let Some(task) = self.tasks.pop() else { return };
            self.tasks.run(task);
        }
    }

    /// Asks the system for news, and wakes whom they concern.
    fn poll(&self, timeout: Option<Duration>) {
        let mut events = lock(&self.events);
        events.clear();
        // It fails when a signal comes, or when the system is out of memory; then the next turn asks again.
        let _ = self.poller.wait(&mut events, timeout);
        self.sleep.end();
        let now = now();
        self.asked_at.store(now.as_nanos(), Ordering::Relaxed);
        let mut woken = Vec::new();
        let watched = lock(&self.watched);
        for event in events.iter() {
            if let Some(watched) = watched.get(event.key) {
                watched.on_event(&self.poller, event, &mut woken);
            }
        }
        drop(watched);
        drop(events);
        self.timers.take_due(now, &mut woken);
        for waker in woken {
            waker.wake();
        }
    }

    /// There is something for the leader, where it looks before it sleeps.
    fn interrupt(&self) {
        if self.sleep.interrupt() {
            // It fails only when the poller is broken, and then `wait` says so too.
            let _ = self.poller.notify();
        }
    }

    fn watch(&self, watched: Arc<Watched>) -> usize {
        lock(&self.watched).insert(watched)
    }

    fn unwatch(&self, key: usize) {
        let watched = lock(&self.watched).try_remove(key);
        drop(watched);
    }

    /// Wakes `waker` at that time.
    pub(crate) fn add_timer(&self, at: Instant, waker: &Waker) -> TimerKey {
        let (key, is_first) = self.timers.add(at, waker);
        if is_first {
            // Who sleeps does so until later.
            self.interrupt();
        }
        key
    }

    /// As [`add_timer`](Self::add_timer), for a timer that waits; answers whether it still does.
    pub(crate) fn update_timer(&self, key: TimerKey, waker: &Waker) -> bool {
        self.timers.update(key, waker)
    }

    pub(crate) fn remove_timer(&self, key: TimerKey) {
        self.timers.remove(key);
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("duty", &self.duty)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}

/// Wakes a thread that waits in [`Reactor::block_on`].
struct Waits {
    waiter: Arc<Waiter>,
    reactor: Arc<Reactor>,
}

impl Wake for Waits {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.waiter.wake(|| self.reactor.interrupt());
    }
}
