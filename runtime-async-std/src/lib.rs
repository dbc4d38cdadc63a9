//! [`unwired`] on [`async_std`].
//!
//! For programs that are on async-std: it is no longer developed, and its authors point to [smol](https://docs.rs/smol),
//! which has the same reactor. A new program takes `unwired-smol`.
//!
//! It brings sockets, timers and tasks; services and calls are written against [`unwired`]. Begin with [`serve`] or [`bind`](bind()) on one
//! side and [`connect`] on the other.
//!
//! **Features**, handed on to [`unwired`] and none of them on by default: `tls`, `gzip`, `deflate`, `zstd`, `tracing`.
//!
//! Tasks run on async-std's global executor, whose threads are there whenever they are needed: whatever polls the futures
//! of the functions here will do. Sockets and timers are those of `async-io`, which async-std's own are made of.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let (server, signal) = (unwired::Server::builder(), std::future::pending());
//! let bound = unwired_async_std::bind("[::]:50051".parse::<std::net::SocketAddr>()?).await?;
//! println!("listening on {}", bound.local_addr()?);
//! bound.serve_with_shutdown(server, signal).await?;
//!
//! let channel = unwired_async_std::connect("http://localhost:50051").await?;
//! # Ok(())
//! # }
//! ```

// Nothing a peer sends may panic. Where one of these is allowed, its reason is the proof that it cannot happen.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

use std::io;
use std::net::SocketAddr;

use async_std::net::ToSocketAddrs;
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
    let runtime = AsyncStd::handle();
    let listener = runtime.listen(address.into()).await?;
    Ok(Bound::new(runtime, listener))
}

/// Serves at `listener`, which is open already: one that shares its port, one that the service manager passed on; see
/// [`sockets::Bind`] and [`sockets::inherited`]. [`Bound::join`] takes several together.
///
/// # Errors
///
/// Those of the system.
pub fn listen_on(listener: sockets::Listener) -> io::Result<Bound> {
    Ok(Bound::new(AsyncStd::handle(), async_io::listen_on(listener)?.boxed()))
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
    Ok(Channel::builder(AsyncStd::handle(), target.as_ref().parse()?))
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

/// Async-std: its reactor and its executor, which there is one of in a process.
#[derive(Clone, Copy, Debug)]
pub struct AsyncStd;

impl AsyncStd {
    /// As `unwired` knows it.
    pub fn handle() -> RuntimeHandle {
        RuntimeHandle::new(Self)
    }
}

impl Runtime for AsyncStd {
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
        // Dropping the handle lets it run.
        drop(async_std::task::spawn(task));
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
        Ok((host, port).to_socket_addrs().await?.collect())
    }
}
