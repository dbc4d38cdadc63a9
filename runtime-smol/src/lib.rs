//! [`unwired`] on [`smol`].
//!
//! It brings sockets, timers and tasks; services and calls are written against [`unwired`]. Begin with [`serve`] or [`bind`](bind()) on one
//! side and [`connect`] on the other.
//!
//! **Features**, handed on to [`unwired`] and none of them on by default: `tls`, `gzip`, `deflate`, `zstd`, `tracing`.
//!
//! The functions here run their tasks on smol's global executor, whose threads are there whenever they are needed:
//! whatever polls the futures that they return will do. [`Smol::on`] takes an executor of the program's own instead. Where
//! handlers must stay on one thread, a [`LocalExecutor`](smol::LocalExecutor) awaits the worker of [`unwired::server::local`].
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let (server, signal) = (unwired::Server::builder(), std::future::pending());
//! let bound = unwired_smol::bind("[::]:50051".parse::<std::net::SocketAddr>()?).await?;
//! println!("listening on {}", bound.local_addr()?);
//! bound.serve_with_shutdown(server, signal).await?;
//!
//! let channel = unwired_smol::connect("http://localhost:50051").await?;
//! # Ok(())
//! # }
//! ```

// Nothing a peer sends may panic. Where one of these is allowed, its reason is the proof that it cannot happen.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Weak};

use smol::Executor;
use unwired::channel::{Builder, TargetError};
use unwired::server::Bound;
use unwired::transport::{Address, BoxFuture, Listen, Runtime, RuntimeHandle};
use unwired::{Channel, Instant, Server, Status};
pub use unwired_sockets as sockets;
use unwired_sockets::async_io::{self, Listener, Socket, Timer};

/// Listens at `address`: what it returns knows the port, and serves.
///
/// # Errors
///
/// Those of the system.
pub async fn bind(address: impl Into<Address>) -> io::Result<Bound> {
    Smol::global().bind(address).await
}

/// Serves at `listener`, which is open already: one that shares its port, one that the service manager passed on; see
/// [`sockets::Bind`] and [`sockets::inherited`]. [`Bound::join`] takes several together.
///
/// # Errors
///
/// Those of the system.
pub fn listen_on(listener: sockets::Listener) -> io::Result<Bound> {
    Smol::global().listen_on(listener)
}

/// Serves at `address` until the future is dropped.
///
/// # Errors
///
/// Those of the system when it cannot listen there.
pub async fn serve(server: impl Into<Server>, address: impl Into<Address>) -> io::Result<()> {
    bind(address).await?.serve(server).await
}

/// Serves at `address` until `signal` is ready, then drains; see [`Bound::serve_with_shutdown`].
///
/// # Errors
///
/// Those of the system when it cannot listen there.
pub async fn serve_with_shutdown(
    server: impl Into<Server>,
    address: impl Into<Address>,
    signal: impl Future<Output = ()>,
) -> io::Result<()> {
    bind(address).await?.serve_with_shutdown(server, signal).await
}

/// A channel to `target` (`http://HOST:PORT`, `unix:PATH`) that is to be made.
///
/// # Errors
///
/// When the text names no target.
pub fn channel(target: impl AsRef<str>) -> Result<Builder, TargetError> {
    Smol::global().channel(target)
}

/// A channel to `target` (`http://HOST:PORT`, `unix:PATH`), once it is connected.
///
/// # Errors
///
/// INVALID_ARGUMENT when the text names no target, UNAVAILABLE with what was tried when there is no connection.
pub async fn connect(target: impl AsRef<str>) -> Result<Channel, Status> {
    channel(target)?.connect().await
}

/// A channel to `target` (`http://HOST:PORT`, `unix:PATH`) that connects with its first call.
///
/// # Errors
///
/// When the text names no target.
pub fn connect_lazy(target: impl AsRef<str>) -> Result<Channel, TargetError> {
    Ok(channel(target)?.connect_lazy())
}

/// Smol: its reactor, and an executor for connections and handlers.
#[derive(Clone, Debug)]
pub struct Smol {
    /// `None` is the global one. Tasks hold this: they must not keep the executor that holds them.
    executor: Option<Weak<Executor<'static>>>,
}

impl Smol {
    /// With smol's global executor. The environment variable `SMOL_THREADS` says how many threads it has; one, if it says
    /// nothing.
    pub const fn global() -> Self {
        Self { executor: None }
    }

    /// With `executor`, which the program runs itself. Once that is dropped, the connections on it are closed.
    ///
    /// ```
    /// use std::sync::{Arc, Weak};
    ///
    /// use unwired_smol::Smol;
    ///
    /// let executor = Arc::new(smol::Executor::new());
    /// let smol = Smol::on(&executor);
    /// smol::block_on(executor.run(async {
    ///     let bound = smol.bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    ///     let channel = smol.channel(format!("http://{}", bound.local_addr()?))?.connect_lazy();
    ///     # drop(channel);
    ///     # Ok::<_, Box<dyn std::error::Error>>(())
    /// }))?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(executor: &Arc<Executor<'static>>) -> Self {
        Self { executor: Some(Arc::downgrade(executor)) }
    }

    /// As `unwired` knows it.
    pub fn handle(&self) -> RuntimeHandle {
        RuntimeHandle::new(self.clone())
    }

    /// As [`bind`](bind()), on this executor.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub async fn bind(&self, address: impl Into<Address>) -> io::Result<Bound> {
        let runtime = self.handle();
        let listener = runtime.listen(address.into()).await?;
        Ok(Bound::new(runtime, listener))
    }

    /// As [`listen_on`](listen_on()), on this executor.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn listen_on(&self, listener: sockets::Listener) -> io::Result<Bound> {
        Ok(Bound::new(self.handle(), async_io::listen_on(listener)?.boxed()))
    }

    /// As [`channel`](channel()), on this executor.
    ///
    /// # Errors
    ///
    /// When the text names no target.
    pub fn channel(&self, target: impl AsRef<str>) -> Result<Builder, TargetError> {
        Ok(Channel::builder(self.handle(), target.as_ref().parse()?))
    }
}

impl Runtime for Smol {
    type Stream = Socket;
    type Listener = Listener;
    type Timer = Timer;

    fn now(&self) -> Instant {
        unwired_sockets::now()
    }

    fn timer(&self) -> Timer {
        Timer::new()
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        match self.executor.as_ref().map(Weak::upgrade) {
            None => smol::spawn(task).detach(),
            Some(Some(executor)) => executor.spawn(task).detach(),
            // Its end is the task's.
            Some(None) => drop(task),
        }
    }

    fn seed(&self) -> u64 {
        unwired_sockets::seed()
    }

    async fn connect(&self, address: &Address) -> io::Result<Socket> {
        async_io::connect(address).await
    }

    async fn listen(&self, address: &Address) -> io::Result<Listener> {
        async_io::listen_on(unwired_sockets::Bind::new().listen(address)?)
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let host = host.to_owned();
        // The system's resolver blocks.
        smol::unblock(move || Ok((host, port).to_socket_addrs()?.collect())).await
    }
}
