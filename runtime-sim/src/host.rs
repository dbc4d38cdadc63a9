//! A host: what programs in a simulation run on.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use unwired::channel::{Builder, TargetError};
use unwired::server::Bound;
use unwired::transport::{Address, BoxFuture, Listen, Runtime, RuntimeHandle};
use unwired::{Channel, Instant, Server};

use crate::network::{HostId, SimListener, SimSocket};
use crate::timer::SimTimer;
use crate::world::World;

/// A host of a simulation: it has a name, an address, and programs that run on it. Clones are the same host.
#[derive(Clone)]
pub struct Host {
    world: Arc<World>,
    id: HostId,
    name: Arc<str>,
}

impl Host {
    pub(crate) fn new(world: Arc<World>, name: &str) -> Self {
        let id = world.with(|state| state.network.host(name));
        Self { world, id, name: name.into() }
    }

    /// Its name, which is what it is resolved by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    pub fn ip(&self) -> Ipv4Addr {
        self.world.with(|state| state.network.address(self.id))
    }

    /// The host as `unwired` knows a runtime. It is good until the host crashes; then there is a new one.
    pub fn runtime(&self) -> RuntimeHandle {
        RuntimeHandle::new(self.program())
    }

    fn program(&self) -> SimRuntime {
        let incarnation = self.world.with(|state| state.network.incarnation(self.id));
        SimRuntime { world: Arc::clone(&self.world), host: self.id, incarnation }
    }

    /// Runs `future` on this host, beside everything else. It goes on when the handle is dropped, until the host crashes.
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let outcome = Arc::new(Mutex::new(Outcome { result: None, waiting: None }));
        let promise = Promise(Arc::clone(&outcome));
        self.program().spawn(Box::pin(async move {
            let output = future.await;
            promise.keep(Ok(output));
        }));
        JoinHandle(outcome)
    }

    /// Listens at `port`; at one that the host chooses for 0.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AddrInUse`] when somebody listens there, [`io::ErrorKind::ConnectionAborted`] while the host has
    /// no power.
    pub fn bind(&self, port: u16) -> io::Result<Bound> {
        let program = self.program();
        let address = (Ipv4Addr::UNSPECIFIED, port).into();
        let listener = SimListener::bind(&self.world, self.id, program.incarnation, address)?;
        Ok(Bound::new(RuntimeHandle::new(program), listener.boxed()))
    }

    /// Serves at `port` until the host crashes.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn serve(&self, port: u16, server: impl Into<Server>) -> io::Result<JoinHandle<io::Result<()>>> {
        Ok(self.spawn(self.bind(port)?.serve(server.into())))
    }

    /// A channel from this host to `target` (`http://NAME:PORT`) that is to be made.
    ///
    /// # Errors
    ///
    /// When the text names no target.
    pub fn channel(&self, target: impl AsRef<str>) -> Result<Builder, TargetError> {
        Ok(Channel::builder(self.runtime(), target.as_ref().parse()?))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The runtime of a host, from one start of it to the next crash.
#[derive(Clone)]
pub(crate) struct SimRuntime {
    world: Arc<World>,
    host: HostId,
    incarnation: u64,
}

impl Runtime for SimRuntime {
    type Stream = SimSocket;
    type Listener = SimListener;
    type Timer = SimTimer;

    fn now(&self) -> Instant {
        self.world.with(|state| state.now)
    }

    fn timer(&self) -> SimTimer {
        SimTimer::new(Arc::clone(&self.world))
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let refused = self.world.with(|state| state.spawn(self.host, self.incarnation, task));
        drop(refused);
    }

    fn seed(&self) -> u64 {
        self.world.with(|state| state.random.next_u64())
    }

    fn spawns_handler(&self) -> Option<bool> {
        Some(self.world.with(|state| state.random.chance(0.5)))
    }

    async fn connect(&self, address: &Address) -> io::Result<SimSocket> {
        let to = tcp(address)?;
        SimSocket::connect(Arc::clone(&self.world), self.host, self.incarnation, to).await
    }

    async fn listen(&self, address: &Address) -> io::Result<SimListener> {
        SimListener::bind(&self.world, self.host, self.incarnation, tcp(address)?)
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.world.with(|state| state.network.resolve(self.host, host, port))
    }
}

fn tcp(address: &Address) -> io::Result<SocketAddr> {
    match address {
        Address::Tcp(address) => Ok(*address),
        other => {
            let why = format!("the simulation has no sockets for {other}");
            Err(io::Error::new(io::ErrorKind::Unsupported, why))
        }
    }
}

impl fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimRuntime").field("host", &self.host).finish_non_exhaustive()
    }
}

/// What a task came to, awaited.
///
/// Cancel-safe, and dropping it leaves the task alone.
#[must_use = "await what the task comes to, or drop it to let it be"]
pub struct JoinHandle<T>(Arc<Mutex<Outcome<T>>>);

struct Outcome<T> {
    result: Option<Result<T, Crashed>>,
    waiting: Option<Waker>,
}

fn lock<T>(outcome: &Mutex<Outcome<T>>) -> MutexGuard<'_, Outcome<T>> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Crashed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut outcome = lock(&self.0);
        if let Some(result) = outcome.result.take() {
            return Poll::Ready(result);
        }
        let replaced = outcome.waiting.replace(cx.waker().clone());
        drop(outcome);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}

/// The host crashed before the task had ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crashed;

impl fmt::Display for Crashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host crashed before the task had ended")
    }
}

impl core::error::Error for Crashed {}

/// A task's side of its outcome: dropped, it says that there will be none.
struct Promise<T>(Arc<Mutex<Outcome<T>>>);

impl<T> Promise<T> {
    fn keep(&self, result: Result<T, Crashed>) {
        let mut outcome = lock(&self.0);
        outcome.result.get_or_insert(result);
        let waiting = outcome.waiting.take();
        drop(outcome);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.keep(Err(Crashed));
    }
}
