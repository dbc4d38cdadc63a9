//! Serving: services, routing, handlers, connections, drain.
//!
//! A [`Server`] is made by its [`Builder`] of services that generated code wraps, and served by an adapter, which gives a
//! [`Bound`] for an address:
//!
//! ```
//! use core::time::Duration;
//! use unwired::Server;
//! use unwired::server::{Admission, Bound, Service};
//!
//! async fn serve(bound: Bound, greeter: impl Service, signal: impl Future<Output = ()>) -> std::io::Result<()> {
//!     let server = Server::builder()
//!         .add_service(greeter)
//!         // Whatever clients allow, no call takes longer.
//!         .timeout(Duration::from_secs(30))
//!         // Over all connections; the next 100 wait, and those beyond are refused.
//!         .admission(Admission::new(1000).queue(100));
//!     bound.serve_with_shutdown(server, signal).await
//! }
//! ```
//!
//! **Handlers** begin where their request was read and get a task of their own once they wait, or are slow ([`SpawnPolicy`]). One
//! that panics fails its own call with UNKNOWN, and no other. Services that are not `Send` are served by [`local()`].
//!
//! **Limits** are those of a [`Builder`]: for each call (time, length of messages), for each connection (calls at a time, idle time,
//! age) and for the server (connections, handshakes, calls at a time). Each says what holds by default. What a peer may do on
//! one connection is in [`Limits`](unwired_core::http2::Limits), by [`Builder::configure`].
//!
//! **Stopping.** [`Bound::serve_with_shutdown`] takes no new connections and calls once its signal is ready, tells clients to go
//! elsewhere, and lets calls end for [`drain_timeout`](Builder::drain_timeout).
//!
//! **What happens** is counted: [`Server::stats`] for all connections, [`Server::connections`] for each that is open. Faults of
//! connections are told to [`Builder::on_connection_error`]; they never end a server.

mod admission;
mod builder;
mod connection_error;
mod incoming;
mod intercepted;
mod listening;
mod local;
mod relay;
mod routes;
mod running;
mod service;
mod serving;
mod stats;

pub use admission::Admission;
pub use builder::{Builder, Server};
pub use connection_error::ConnectionError;
pub use incoming::{Incoming, Replies, Reply};
pub use intercepted::Intercepted;
pub use listening::Bound;
pub use local::{LocalHandler, LocalServer, LocalService, LocalWorker, local};
pub use service::{Handler, Method, Service, ServiceSettings, SpawnPolicy};

pub use stats::{ConnectionStats, ServerStats};
pub use unwired_core::grpc::Stats;
pub use unwired_core::http2::Abuse;

pub(crate) use running::panicked;
#[cfg(feature = "mount")]
pub(crate) use {incoming::Hold, incoming::Served, running::Running, stats::Tally};
