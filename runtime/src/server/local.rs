//! Services that stay on one thread: neither they nor their handlers need `Send`.
//!
//! The two ends of a queue: connections, on whatever threads they are, put calls into it, and a worker on the service's
//! own thread runs their handlers. What a handler waits for wakes that handler alone.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use super::{Handler, Incoming, Method, Service, ServiceSettings};
use crate::Status;

/// What a handler of a local service is.
pub type LocalHandler = Pin<Box<dyn Future<Output = ()>>>;

/// As [`Service`], for one that stays on its thread. Generated with the option `local`.
pub trait LocalService: 'static {
    /// The full name, as it stands in paths.
    fn name(&self) -> &'static str;

    /// Its methods.
    fn methods(&self) -> &'static [Method];

    /// Its settings.
    fn settings(&self) -> &ServiceSettings;

    /// The handler of a call of the method at this index.
    fn call(&self, method: usize, call: Incoming) -> LocalHandler;
}

/// Divides a local service into what is added to a [`Server`](crate::Server) and what runs its handlers.
///
/// The worker is a future to be awaited on the service's thread, for example by `tokio::task::spawn_local`. Calls that come
/// before it runs wait for it; once it is dropped, calls fail with UNAVAILABLE. It is ready when the server is gone and all
/// handlers are done.
pub fn local<S: LocalService>(service: S) -> (LocalServer, LocalWorker<S>) {
    let queue = Arc::new(Queue::default());
    let server = LocalServer {
        name: service.name(),
        methods: service.methods(),
        settings: *service.settings(),
        queue: Arc::clone(&queue),
    };
    (server, LocalWorker { service, queue, places: Vec::new(), free: Vec::new() })
}

/// The end that a server has.
pub struct LocalServer {
    name: &'static str,
    methods: &'static [Method],
    settings: ServiceSettings,
    queue: Arc<Queue>,
}

/// The end that runs handlers.
#[must_use = "handlers run while it is awaited"]
pub struct LocalWorker<S> {
    service: S,
    queue: Arc<Queue>,
    /// Handlers that have begun.
    places: Vec<Option<(Arc<Task>, LocalHandler)>>,
    free: Vec<usize>,
}

// Nothing in it is pinned but what stands in boxes.
impl<S> Unpin for LocalWorker<S> {}

#[derive(Default)]
struct Queue(Mutex<Queued>);

#[derive(Default)]
struct Queued {
    /// What has something to do, in order.
    ready: VecDeque<Arc<Task>>,
    worker: Option<Waker>,
    worker_is_gone: bool,
    server_is_gone: bool,
}

/// One call, known to both ends.
struct Task {
    queue: Arc<Queue>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The method and the call, until its handler begins.
    call: Option<(usize, Incoming)>,
    /// Where its handler is, once it has begun.
    place: Option<usize>,
    is_queued: bool,
    is_cancelled: bool,
    is_done: bool,
    /// Who waits for the end.
    waiter: Option<Waker>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Foreign code never runs under these locks, and they guard nothing that a panic could leave half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    fn admits(&self) -> bool {
        !locked(&self.0).worker_is_gone
    }

    fn push(&self, task: Arc<Task>) {
        let mut queued = locked(&self.0);
        if queued.worker_is_gone {
            drop(queued);
            return task.finish();
        }
        queued.ready.push_back(task);
        let worker = queued.worker.take();
        drop(queued);
        if let Some(worker) = worker {
            worker.wake();
        }
    }

    /// What is ready now; the waker is woken for what follows.
    fn take(&self, worker: &Waker) -> VecDeque<Arc<Task>> {
        let mut queued = locked(&self.0);
        queued.worker = Some(worker.clone());
        mem::take(&mut queued.ready)
    }

    fn is_over(&self) -> bool {
        let queued = locked(&self.0);
        queued.server_is_gone && queued.ready.is_empty()
    }
}

impl Task {
    /// The call is over for this end: whoever waits is told, and the call is let go if its handler never began.
    fn finish(&self) {
        let mut state = locked(&self.state);
        state.is_done = true;
        let (call, waiter) = (state.call.take(), state.waiter.take());
        drop(state);
        drop(call);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let mut state = locked(&self.state);
        if state.is_done || mem::replace(&mut state.is_queued, true) {
            return;
        }
        drop(state);
        let queue = Arc::clone(&self.queue);
        queue.push(self);
    }
}

/// What the server's end has for a handler: done when the handler is, and the handler's end when it is dropped.
struct Waiting(Arc<Task>);

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = locked(&self.0.state);
        if state.is_done {
            return Poll::Ready(());
        }
        state.waiter = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        locked(&self.0.state).is_cancelled = true;
        self.0.wake_by_ref();
    }
}

impl Service for LocalServer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn methods(&self) -> &'static [Method] {
        self.methods
    }

    fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    fn call(&self, method: usize, call: Incoming) -> Handler {
        if !self.queue.admits() {
            return call.refuse(&Status::unavailable(
                "the thread of the service has ended: its worker is to run for as long as the server does",
            ));
        }
        let state = State { call: Some((method, call)), ..State::default() };
        let task = Arc::new(Task { queue: Arc::clone(&self.queue), state: Mutex::new(state) });
        task.wake_by_ref();
        Box::pin(Waiting(task))
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        let mut queued = locked(&self.queue.0);
        queued.server_is_gone = true;
        let worker = queued.worker.take();
        drop(queued);
        if let Some(worker) = worker {
            worker.wake();
        }
    }
}

impl<S: LocalService> LocalWorker<S> {
    /// Begins, goes on with or drops the handler of a task that is ready.
    fn step(&mut self, task: &Arc<Task>) {
        let mut state = locked(&task.state);
        if state.is_done {
            // Woken once more before its end: its place is another's by now.
            return;
        }
        state.is_queued = false;
        let (call, place, is_cancelled) = (state.call.take(), state.place, state.is_cancelled);
        drop(state);
        if is_cancelled {
            task.finish();
            return place.into_iter().for_each(|place| self.drop_handler(place));
        }
        let place = match (place, call) {
            (Some(place), _) => place,
            (None, Some((method, call))) => {
                let handler = self.service.call(method, call);
                let place = self.free.pop().unwrap_or_else(|| {
                    self.places.push(None);
                    self.places.len() - 1
                });
                locked(&task.state).place = Some(place);
                if let Some(free) = self.places.get_mut(place) {
                    *free = Some((Arc::clone(task), handler));
                }
                place
            }
            (None, None) => return,
        };
        let Some(Some((_, handler))) = self.places.get_mut(place) else { return };
        let waker = Waker::from(Arc::clone(task));
        // As with handlers elsewhere: what a panic leaves broken is dropped with the handler, and that answers its call.
        let step = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(&mut Context::from_waker(&waker))));
        if step.unwrap_or(Poll::Ready(())).is_ready() {
            self.drop_handler(place);
            task.finish();
        }
    }

    fn drop_handler(&mut self, place: usize) {
        if let Some(handler) = self.places.get_mut(place).and_then(Option::take) {
            self.free.push(place);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(handler)));
        }
    }
}

impl<S: LocalService> Future for LocalWorker<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        for task in this.queue.take(cx.waker()) {
            this.step(&task);
        }
        let is_idle = this.free.len() == this.places.len();
        if is_idle && this.queue.is_over() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<S> Drop for LocalWorker<S> {
    fn drop(&mut self) {
        let mut queued = locked(&self.queue.0);
        queued.worker_is_gone = true;
        let ready = mem::take(&mut queued.ready);
        drop(queued);
        ready.iter().for_each(|task| task.finish());
        for (task, handler) in self.places.drain(..).flatten() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(handler)));
            task.finish();
        }
    }
}

impl fmt::Debug for LocalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalServer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<S: LocalService> fmt::Debug for LocalWorker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalWorker")
            .field("name", &self.service.name())
            .field("running", &(self.places.len() - self.free.len()))
            .finish_non_exhaustive()
    }
}
