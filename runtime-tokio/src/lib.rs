//! [`unwired`] on [`tokio`].
//!
//! It brings sockets, timers and tasks; services and calls are written against [`unwired`]. Begin with [`serve`] or [`bind`](bind()) on one
//! side and [`connect`] on the other. Everything here is called from inside of a tokio runtime with its I/O and time drivers on.
//!
//! **Features**, handed on to [`unwired`] and none of them on by default: `tls`, `gzip`, `deflate`, `zstd`, `tracing`, `mount`.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let (server, signal) = (unwired::Server::builder(), std::future::pending());
//! let bound = unwired_tokio::bind("[::]:50051".parse::<std::net::SocketAddr>()?).await?;
//! println!("listening on {}", bound.local_addr()?);
//! bound.serve_with_shutdown(server, signal).await?;
//!
//! let channel = unwired_tokio::connect("http://localhost:50051").await?;
//! # Ok(())
//! # }
//! ```

// Nothing a peer sends may panic. Where one of these is allowed, its reason is the proof that it cannot happen.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

mod net;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant as TokioInstant, Sleep};
use unwired::channel::{Builder, TargetError};
use unwired::server::Bound;
use unwired::transport::{Address, BoxFuture, Listen, Runtime, RuntimeHandle, Timer};
use unwired::{Channel, Instant, Server, Status};

pub use net::{Listener, Socket};
pub use unwired_sockets as sockets;

/// Listens at `address`: what it returns knows the port, and serves.
///
/// # Errors
///
/// Those of the system.
pub async fn bind(address: impl Into<Address>) -> io::Result<Bound> {
    let runtime = Tokio::handle();
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
    Ok(Bound::new(Tokio::handle(), Listener::new(listener)?.boxed()))
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
    Ok(Channel::builder(Tokio::handle(), target.as_ref().parse()?))
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

/// The tokio runtime that it was made in.
#[derive(Clone, Debug)]
pub struct Tokio {
    handle: Handle,
    /// Tokio's own clock, so that its paused time is ours.
    epoch: TokioInstant,
}

impl Tokio {
    /// The runtime that this is called in.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn current() -> Self {
        Self { handle: Handle::current(), epoch: TokioInstant::from_std(unwired_sockets::epoch()) }
    }

    /// The runtime that this is called in, as `unwired` knows it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn handle() -> RuntimeHandle {
        RuntimeHandle::new(Self::current())
    }
}

impl Runtime for Tokio {
    type Stream = Socket;
    type Listener = Listener;
    type Timer = TokioTimer;

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    fn timer(&self) -> TokioTimer {
        TokioTimer { epoch: self.epoch, handle: self.handle.clone(), sleep: None }
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.handle.spawn(task);
    }

    fn seed(&self) -> u64 {
        unwired_sockets::seed()
    }

    async fn connect(&self, address: &Address) -> io::Result<Socket> {
        Socket::connect(address).await
    }

    async fn listen(&self, address: &Address) -> io::Result<Listener> {
        Listener::new(unwired_sockets::Bind::new().listen(address)?)
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// A timer of tokio.
#[derive(Debug)]
pub struct TokioTimer {
    epoch: TokioInstant,
    handle: Handle,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer for TokioTimer {
    fn reset(&mut self, at: Instant) {
        // Tokio's time ends before ours does: thirty years are as good as never.
        let after = (at - Instant::ZERO).min(Duration::from_secs(30 * 365 * 24 * 60 * 60));
        let at = self.epoch + after;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => {
                let _entered = self.handle.enter();
                self.sleep = Some(Box::pin(tokio::time::sleep_until(at)));
            }
        }
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
