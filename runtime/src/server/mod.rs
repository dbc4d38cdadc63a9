//! Serving: services, routing, handlers, connections, drain.

mod builder;
mod incoming;
mod listening;
mod routes;
mod running;
mod service;
mod serving;

pub use builder::{Builder, Server};
pub use incoming::{Incoming, Reply};
pub use listening::Bound;
pub use service::{Handler, Method, Service, ServiceSettings, SpawnPolicy};
