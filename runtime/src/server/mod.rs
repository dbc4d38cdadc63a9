//! Serving: services, routing, handlers, connections, drain.

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
