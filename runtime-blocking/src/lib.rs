//! [`unwired`] for programs of plain threads: no async in their code, and no async runtime below it.
//!
//! Services and messages are those of [`unwired`]. Begin with [`connect`] on one side and [`bind`](bind()) on the other. **Features**, handed on to
//! [`unwired`] and none of them on by default: `tls`, `gzip`, `deflate`, `zstd`, `tracing`.
//!
//! **Clients.** Generated with the option `build_blocking`, `GreeterBlockingClient` has a method for each of the service that
//! waits, and `start_…` ones that give a [`Pending`] call instead. A client has no thread of its own: of several threads that
//! wait for calls one does the input and output for all, and hands that duty on when its own call is done; see
//! [`Blocking`]. While none waits nothing moves, but for calls that were started, which have a thread of the crate's own as
//! long as they are under way. A stream of requests out of an iterator has a thread too, where responses come back at once.
//!
//! ```no_run
//! use unwired_proto::helloworld::HelloRequest;
//! use unwired_proto::helloworld::greeter_blocking_client::GreeterBlockingClient;
//!
//! let client = GreeterBlockingClient::new(unwired_blocking::connect("http://localhost:50051")?);
//! let reply = client.say_hello(HelloRequest { name: "you".to_owned() })?;
//! println!("{}", reply.get_ref().message);
//! # Ok::<_, unwired::Status>(())
//! ```
//!
//! **Servers.** One thread does the input and output of all connections, and runs async services. Services whose handlers
//! block run in [`Workers`].
//!
//! ```no_run
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = unwired::Server::builder();
//! let running = unwired_blocking::bind("[::]:50051".parse::<std::net::SocketAddr>()?)?.start(server)?;
//! println!("listening on {}", running.local_addr()?);
//! running.wait()?;
//! # Ok(())
//! # }
//! ```

// Nothing a peer sends may panic. Where one of these is allowed, its reason is the proof that it cannot happen.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

mod background;
mod client;
#[doc(hidden)]
pub mod generated;
mod reactor;
mod resolve;
mod runtime;
mod server;
mod streaming;
mod wait;

use std::io;

use unwired::Status;
use unwired::transport::Address;

pub use background::KeepRunning;
pub use client::{Answer, Builder, Channel, Outgoing, Pending};
pub use reactor::Source;
pub use runtime::{Blocking, BlockingTimer};
pub use server::{
    Bound, InWorkers, Messages, Running, Service, Sink, Stopper, Workers, WriteWith, write_with,
};
pub use streaming::Streaming;
pub use unwired_sockets as sockets;

/// Listens at `address`: what it returns knows the port, and serves.
///
/// # Errors
///
/// Those of the system.
pub fn bind(address: impl Into<Address>) -> io::Result<Bound> {
    listen_on(sockets::Bind::new().listen(&address.into())?)
}

/// Serves at `listener`, which is open already: one that shares its port, one that the service manager passed on; see
/// [`sockets::Bind`] and [`sockets::inherited`]. [`Bound::and_on`] adds others.
///
/// # Errors
///
/// Those of the system.
pub fn listen_on(listener: sockets::Listener) -> io::Result<Bound> {
    Bound::new(listener)
}

/// A channel to `target` (`http://HOST:PORT`, `unix:PATH`) that is to be made.
///
/// # Errors
///
/// INVALID_ARGUMENT when the text names no target, RESOURCE_EXHAUSTED when the system is out of file descriptors.
pub fn channel(target: impl AsRef<str>) -> Result<Builder, Status> {
    let runtime = Blocking::global().map_err(|error| {
        Status::resource_exhausted(format!(
            "the system has no poller to give: {error} (is the limit of open files too low? `ulimit -n`)"
        ))
        .caused_by(error)
    })?;
    Builder::new(runtime, target.as_ref())
}

/// A channel to `target` (`http://HOST:PORT`, `unix:PATH`), once it is connected.
///
/// # Errors
///
/// As [`channel`]; UNAVAILABLE with what was tried when there is no connection.
pub fn connect(target: impl AsRef<str>) -> Result<Channel, Status> {
    channel(target)?.connect()
}

/// A channel to `target` (`http://HOST:PORT`, `unix:PATH`) that connects with its first call.
///
/// # Errors
///
/// As [`channel`].
pub fn connect_lazy(target: impl AsRef<str>) -> Result<Channel, Status> {
    Ok(channel(target)?.connect_lazy())
}
