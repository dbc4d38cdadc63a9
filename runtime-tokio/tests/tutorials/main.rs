//! The services of the tutorials, called over connections in memory, and the TLS of their command lines.

mod displacement;
mod feed;
mod hello_service;
mod inventory;
mod tls;
mod token;

use std::future::pending;
use std::time::Duration;

use unwired::channel::Target;
use unwired::server::Bound;
use unwired::transport::{Listen, memory};
use unwired::{Channel, Code, Server, Status};
use unwired_tokio::Tokio;

/// Serves, and gives a channel to what is served.
async fn serving(server: impl Into<Server>) -> Channel {
    let server = server.into();
    let (connector, listener) = memory::endpoint();
    let bound = Bound::new(Tokio::handle(), listener.boxed());
    tokio::spawn(async move { bound.serve_with_shutdown(server, pending()).await });
    Channel::builder(Tokio::handle(), Target::Memory(connector)).connect().await.unwrap()
}

/// Runs a test, but not forever.
async fn in_time(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), test).await.unwrap();
}

/// What an error says.
fn told(status: &Status) -> (Code, &str) {
    (status.code(), status.message())
}
