use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use unwired::Instant;
use unwired::transport::{Address, BoxFuture, Runtime, RuntimeHandle, Timer};

use unwired_sockets::{now, watched};

use crate::reactor::{Reactor, Source, TimerKey};
use crate::resolve::resolve;

/// A reactor that is driven by the threads that wait in [`block_on`](Self::block_on): of several, one polls the system and
/// runs what is to be run for all of them.
///
/// While nobody waits, nothing moves: PINGs of a server go unanswered, and calls that were only started stay where they are.
/// [`keep_running`](Self::keep_running) has a thread for those times.
#[derive(Clone)]
pub struct Blocking {
    pub(crate) reactor: Arc<Reactor>,
}

impl Blocking {
    /// A reactor of its own, with tasks of its own. The functions of this crate make and share theirs themselves.
    ///
    /// # Errors
    ///
    /// Those of the system, when it is out of file descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self { reactor: Reactor::new()? })
    }

    /// The one that all channels of the process share. A thread that waits for one of them does the work of all.
    ///
    /// # Errors
    ///
    /// Those of the system, when it is out of file descriptors.
    pub fn global() -> io::Result<Self> {
        static GLOBAL: OnceLock<Blocking> = OnceLock::new();
        if let Some(global) = GLOBAL.get() {
            return Ok(global.clone());
        }
        let new = Self::new()?;
        Ok(GLOBAL.get_or_init(|| new).clone())
    }

    /// As `unwired` knows it.
    pub fn handle(&self) -> RuntimeHandle {
        RuntimeHandle::new(self.clone())
    }

    /// Waits for `future`.
    ///
    /// It may be called from anywhere, also from within what it runs.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.reactor.block_on(future)
    }
}

impl Blocking {
    pub(crate) fn listen_on(
        &self,
        listener: unwired_sockets::Listener,
    ) -> io::Result<watched::Listener<Source>> {
        watched::Listener::new(listener, |socket| Source::new(&self.reactor, socket))
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").field("reactor", &self.reactor).finish()
    }
}

impl Runtime for Blocking {
    type Stream = watched::Socket<Source>;
    type Listener = watched::Listener<Source>;
    type Timer = BlockingTimer;

    fn now(&self) -> Instant {
        now()
    }

    fn timer(&self) -> BlockingTimer {
        BlockingTimer { reactor: Arc::clone(&self.reactor), at: None, key: None }
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.reactor.spawn(task);
    }

    fn seed(&self) -> u64 {
        unwired_sockets::seed()
    }

    async fn connect(&self, address: &Address) -> io::Result<Self::Stream> {
        watched::Socket::connect(address, |socket| Source::new(&self.reactor, socket)).await
    }

    async fn listen(&self, address: &Address) -> io::Result<Self::Listener> {
        self.listen_on(unwired_sockets::Bind::new().listen(address)?)
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        resolve(host, port).await
    }
}

/// A timer of a [`Blocking`].
#[derive(Debug)]
pub struct BlockingTimer {
    reactor: Arc<Reactor>,
    at: Option<Instant>,
    /// While it waits.
    key: Option<TimerKey>,
}

impl BlockingTimer {
    fn stop(&mut self) {
        if let Some(key) = self.key.take() {
            self.reactor.remove_timer(key);
        }
    }
}

impl Timer for BlockingTimer {
    fn reset(&mut self, at: Instant) {
        self.stop();
        self.at = Some(at);
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        if at <= now() {
            self.stop();
            return Poll::Ready(());
        }
        if self.key.is_none_or(|key| !self.reactor.update_timer(key, cx.waker())) {
            self.key = Some(self.reactor.add_timer(at, cx.waker()));
        }
        Poll::Pending
    }
}

impl Drop for BlockingTimer {
    fn drop(&mut self) {
        self.stop();
    }
}
