//! A runtime on one thread and without a system: time goes on by a step with each look at it, tasks run in the order in
//! which they were woken, streams are what the work gives it.

use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use unwired::Instant;
use unwired::transport::{Address, BoxFuture, BoxStream, ByteStream, Listen, Runtime, RuntimeHandle, Timer};

/// One look at the clock, nanoseconds.
const STEP: u64 = 100;

/// The runtime. What connects or is accepted is the one stream that it was made with.
#[derive(Clone)]
pub(super) struct Single(Arc<Shared>);

struct Shared {
    nanos: AtomicU64,
    woken: Mutex<VecDeque<Arc<Task>>>,
    stream: Mutex<Option<BoxStream>>,
}

struct Task {
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    /// It is among those that were woken.
    queued: Mutex<bool>,
    runtime: Single,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Single {
    pub(super) fn new(stream: impl ByteStream) -> Self {
        Self(Arc::new(Shared {
            nanos: AtomicU64::new(0),
            woken: Mutex::default(),
            stream: Mutex::new(Some(Box::new(stream))),
        }))
    }

    pub(super) fn handle(&self) -> RuntimeHandle {
        RuntimeHandle::new(self.clone())
    }

    /// Runs all tasks until none can go on.
    pub(super) fn run(&self) {
        loop {
            let Some(task) = lock(&self.0.woken).pop_front() else { return };
            *lock(&task.queued) = false;
            let waker = Waker::from(Arc::clone(&task));
            let mut future = lock(&task.future);
            if let Some(running) = &mut *future
                && running.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
            {
                *future = None;
            }
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !core::mem::replace(&mut *lock(&self.queued), true) {
            let shared = Arc::clone(&self.runtime.0);
            lock(&shared.woken).push_back(self);
        }
    }
}

impl Runtime for Single {
    type Stream = BoxStream;
    type Listener = OneStream;
    type Timer = Never;

    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.nanos.fetch_add(STEP, Ordering::Relaxed))
    }

    fn timer(&self) -> Never {
        Never
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let task = Task { future: Mutex::new(Some(task)), queued: Mutex::new(false), runtime: self.clone() };
        Arc::new(task).wake();
    }

    fn seed(&self) -> u64 {
        1
    }

    async fn connect(&self, _: &Address) -> io::Result<BoxStream> {
        lock(&self.0.stream).take().ok_or(io::ErrorKind::ConnectionRefused.into())
    }

    async fn listen(&self, _: &Address) -> io::Result<OneStream> {
        Ok(OneStream { stream: lock(&self.0.stream).take(), acceptor: None })
    }

    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
    }
}

/// A timer that nobody waits for: the work is done before any is due.
pub(super) struct Never;

impl Timer for Never {
    fn reset(&mut self, _: Instant) {}

    fn poll_expired(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A listener to which one peer connects.
pub(super) struct OneStream {
    stream: Option<BoxStream>,
    /// Who waits for another; nothing else keeps its task.
    acceptor: Option<Waker>,
}

impl Listen for OneStream {
    type Stream = BoxStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<BoxStream>> {
        self.acceptor = Some(cx.waker().clone());
        self.stream.take().map_or(Poll::Pending, |stream| Poll::Ready(Ok(stream)))
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::Memory)
    }
}
