use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::task::{Poll, Waker};

use unwired_core::grpc::{Batch, CallId, Received, client, server};
use unwired_core::http2::Reason;
use unwired_core::{Instant, Outbox};

use super::wakers::{Wakers, keep, wake_all};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::transport::{Peer, RuntimeHandle};

/// What the connections of both sides have in common.
pub(crate) trait Protocol: Send + 'static {
    fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize;
    fn handle_eof(&mut self, now: Instant);
    fn handle_timeout(&mut self, now: Instant);
    fn handle_sent(&mut self, now: Instant, unsent: usize);
    fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool;
    fn poll_timeout(&self) -> Option<Instant>;
    fn wants_input(&self) -> bool;
    fn wants_transmit(&self) -> bool;
    fn wants_shutdown(&self) -> bool;
    fn is_closed(&self) -> bool;
    fn close(&mut self, now: Instant);
    fn recv_messages(&mut self, call: CallId) -> Received<Batch>;
    fn release(&mut self, call: CallId);
}

macro_rules! protocol {
    ($connection:ty) => {
        impl Protocol for $connection {
            fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize {
                self.handle_input(now, input)
            }
            fn handle_eof(&mut self, now: Instant) {
                self.handle_eof(now);
            }
            fn handle_timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }
            fn handle_sent(&mut self, now: Instant, unsent: usize) {
                self.handle_sent(now, unsent);
            }
            fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool {
                self.poll_transmit(now, out, budget)
            }
            fn poll_timeout(&self) -> Option<Instant> {
                self.poll_timeout()
            }
            fn wants_input(&self) -> bool {
                self.wants_input()
            }
            fn wants_transmit(&self) -> bool {
                self.wants_transmit()
            }
            fn wants_shutdown(&self) -> bool {
                self.wants_shutdown()
            }
            fn is_closed(&self) -> bool {
                self.is_closed()
            }
            fn close(&mut self, now: Instant) {
                self.close(now, Reason::NO_ERROR, "");
            }
            fn recv_messages(&mut self, call: CallId) -> Received<Batch> {
                self.recv_messages(call)
            }
            fn release(&mut self, call: CallId) {
                self.release(call);
            }
        }
    };
}

protocol!(client::Connection);
protocol!(server::Connection);

/// Handlers of one connection. Each has its own, so that connections on different cores have nothing to share.
#[derive(Debug, Default)]
pub(crate) struct Handlers {
    running: AtomicUsize,
    panicked: AtomicU64,
}

impl Handlers {
    pub(crate) fn started(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn panicked(&self) {
        self.panicked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    pub(crate) fn count_panicked(&self) -> u64 {
        self.panicked.load(Ordering::Relaxed)
    }
}

/// A connection that its driver and its calls share.
///
/// The lock is held for commands alone: no foreign code runs under it and no socket is touched.
#[derive(Debug)]
pub(crate) struct Link<P> {
    shared: Mutex<Shared<P>>,
    pub(crate) runtime: RuntimeHandle,
    pub(crate) peer: Peer,
    /// Those of a server.
    pub(crate) handlers: Handlers,
}

#[derive(Debug)]
pub(crate) struct Shared<P> {
    pub(crate) conn: P,
    pub(crate) wakers: Wakers,
    /// The driver, while it sleeps.
    driver: Option<Waker>,
    /// The driver has its turn: it looks at the connection again before it sleeps.
    driving: bool,
    /// When the driver wakes by itself.
    wakes_at: Instant,
}

impl<P: Protocol> Link<P> {
    pub(crate) fn new(conn: P, runtime: RuntimeHandle, peer: Peer) -> Self {
        let shared = Shared {
            conn,
            wakers: Wakers::default(),
            driver: None,
            driving: true,
            wakes_at: Instant::FAR_FUTURE,
        };
        Self { shared: Mutex::new(shared), runtime, peer, handlers: Handlers::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared<P>> {
        lock(&self.shared)
    }

    /// A command from anywhere: wakes the driver if there is something for it that it would not see by itself.
    pub(crate) fn with<R>(&self, command: impl FnOnce(&mut Shared<P>) -> R) -> R {
        let mut shared = self.lock();
        let result = command(&mut shared);
        Self::leave(shared);
        result
    }

    fn leave(mut shared: MutexGuard<'_, Shared<P>>) {
        let driver = if shared.needs_driver() { shared.driver.take() } else { None };
        drop(shared);
        if let Some(waker) = driver {
            waker.wake();
        }
    }

    /// Asks what the connection is like.
    pub(crate) fn ask<R>(&self, question: impl FnOnce(&P) -> R) -> R {
        question(&self.lock().conn)
    }

    /// The next messages of `call`, waited for.
    pub(crate) fn poll_messages(&self, call: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        self.with(|shared| shared.poll_messages(call, waker))
    }

    /// Nobody holds anything of `call` any more.
    pub(crate) fn release(&self, call: CallId) {
        let mut woken = Vec::new();
        self.with(|shared| shared.release(call, &mut woken));
        wake_all(&mut woken);
    }
}

impl<P: Protocol> Shared<P> {
    /// While the socket takes nothing, a connection has nothing to send, and still a deadline may be new.
    fn needs_driver(&self) -> bool {
        !self.driving
            && (self.conn.wants_transmit() || self.conn.poll_timeout().is_some_and(|at| at < self.wakes_at))
    }

    /// The driver's turn begins.
    pub(super) fn begin(&mut self) {
        self.driving = true;
    }

    /// The driver goes to sleep, until the returned time: whoever has something for it wakes it.
    pub(super) fn end(&mut self, waker: &Waker) -> Option<Instant> {
        self.driving = false;
        keep(&mut self.driver, waker);
        let timeout = self.conn.poll_timeout();
        self.wakes_at = timeout.unwrap_or(Instant::FAR_FUTURE);
        timeout
    }

    /// The next messages of `call`, waited for.
    pub(crate) fn poll_messages(&mut self, call: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        match self.conn.recv_messages(call) {
            Received::Pending => {
                keep(&mut self.wakers.of(call).recv, waker);
                Poll::Pending
            }
            received => Poll::Ready(received),
        }
    }

    pub(crate) fn release(&mut self, call: CallId, woken: &mut Vec<Waker>) {
        self.conn.release(call);
        self.wakers.clear(call, woken);
    }

    /// Whoever sends on `call` waits for room.
    pub(crate) fn wait_to_send(&mut self, call: CallId, waker: &Waker) {
        keep(&mut self.wakers.of(call).send, waker);
    }
}
