//! HTTP/2 without gRPC, on each adapter: what the conformance suites of others are run against.
//!
//! `http2_server` answers every request, `http2_client` makes one. Both are `core::http2` under one loop that knows only the
//! traits of [`unwired::transport`].

mod command_line;
mod connection;
mod request;
mod runtimes;
mod server;

pub use command_line::{Arguments, program};
pub use request::request;
pub use runtimes::Runtime;
pub use server::serve;
