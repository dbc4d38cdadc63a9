use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use unwired::Server;
use unwired::transport::{Address, BoxListener, Listen};

use crate::Blocking;
use crate::reactor::lock;

/// A listener that is open and not served yet: its address is known, clients can connect and wait.
#[derive(Debug)]
pub struct Bound {
    runtime: Blocking,
    inner: unwired::server::Bound,
}

impl Bound {
    pub(crate) fn new(listener: unwired_sockets::Listener) -> io::Result<Self> {
        let runtime = Blocking::new()?;
        let listener = runtime.listen_on(listener)?.boxed();
        Ok(Self { inner: unwired::server::Bound::new(runtime.handle(), listener), runtime })
    }

    /// A listener in memory, say, beside the first one.
    #[must_use]
    pub fn and(self, listener: BoxListener) -> Self {
        Self { inner: self.inner.and(listener), ..self }
    }

    /// Beside the first one another listener that is open already; see [`listen_on`](crate::listen_on).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn and_on(self, listener: unwired_sockets::Listener) -> io::Result<Self> {
        let listener = self.runtime.listen_on(listener)?.boxed();
        Ok(self.and(listener))
    }

    /// The address, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_address(&self) -> io::Result<Address> {
        self.inner.local_address()
    }

    /// The address, if it is one of TCP.
    ///
    /// # Errors
    ///
    /// Those of the system, and [`io::ErrorKind::Unsupported`] for another kind of address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// Serves in a thread of its own, which does the input and output of all connections and runs the handlers of async
    /// services. Those of blocking services run in their [`Workers`](crate::Workers).
    ///
    /// # Errors
    ///
    /// Those of the system when it has no thread.
    pub fn start(self, server: impl Into<Server>) -> io::Result<Running> {
        let server = server.into();
        let Self { runtime, inner } = self;
        let address = inner.local_address()?;
        let stop = Stop::default();
        let (signal, on) = (stop.clone(), runtime.clone());
        let thread = thread::Builder::new().name("unwired-server".to_owned()).spawn(move || {
            let ended = Ended(on);
            let signal = std::future::poll_fn(|cx| signal.poll(cx));
            let served = ended.0.block_on(inner.serve_until(server, signal));
            drop(ended);
            served
        })?;
        Ok(Running { address, stop, thread: Some(thread) })
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn serve(self, server: impl Into<Server>) -> io::Result<()> {
        self.start(server)?.wait()
    }
}

/// Ends what is left on the server's reactor: a connection that did not end in time, the tasks of async handlers.
struct Ended(Blocking);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.reactor.close();
    }
}

/// A server that runs. Dropped, it takes no new calls; those under way go on for the server's
/// [`drain_timeout`](unwired::server::Builder::drain_timeout), and nobody waits for them.
#[must_use = "the server stops when this is dropped: `wait` for it, or `shutdown`"]
pub struct Running {
    address: Address,
    stop: Stop,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Where it listens.
    pub const fn local_address(&self) -> &Address {
        &self.address
    }

    /// Where it listens, if that is an address of TCP.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] for another kind of address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self.address {
            Address::Tcp(address) => Ok(address),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// What stops the server from elsewhere, as from a thread that waits for signals.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Waits until the server has ended.
    ///
    /// # Errors
    ///
    /// When its thread has panicked.
    pub fn wait(mut self) -> io::Result<()> {
        self.join()
    }

    /// Stops: no new connections and calls, those under way end, at the latest after `grace`. Waits for that.
    ///
    /// A handler of a blocking service is not interrupted: it finds its call ended when it receives or sends, and its thread
    /// ends when it returns.
    ///
    /// # Errors
    ///
    /// When the server's thread has panicked.
    pub fn shutdown(mut self, grace: Duration) -> io::Result<()> {
        self.stop.set(Some(grace));
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(served)) => served,
            Some(Err(_)) => Err(io::Error::other("the thread of the server panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop.set(None);
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Stops a server from elsewhere; see [`Running::stopper`].
#[derive(Clone)]
pub struct Stopper(Stop);

impl Stopper {
    /// Stops as [`Running::shutdown`] does, without waiting. The first one who says so decides on `grace`.
    pub fn stop(&self, grace: Duration) {
        self.0.set(Some(grace));
    }
}

impl fmt::Debug for Stopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopper")
    }
}

/// The signal to stop.
#[derive(Clone, Default)]
struct Stop(Arc<Mutex<Signal>>);

#[derive(Default)]
struct Signal {
    /// Given, with the time that calls get, if it is not the server's own.
    given: Option<Option<Duration>>,
    waker: Option<Waker>,
}

impl Stop {
    fn set(&self, grace: Option<Duration>) {
        let mut signal = lock(&self.0);
        signal.given.get_or_insert(grace);
        let waker = signal.waker.take();
        drop(signal);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<Duration>> {
        let mut signal = lock(&self.0);
        match signal.given {
            Some(grace) => Poll::Ready(grace),
            None => {
                signal.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
