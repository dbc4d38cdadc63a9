//! gRPC over HTTP that somebody else speaks: services inside an HTTP server that exists already.

mod body;
mod called;
mod exchange;
mod fields;
mod pipe;
mod served;
mod service;
mod source;

pub use body::{Body, Reset};
pub use exchange::HttpClient;
pub use service::{Mount, ResponseFuture};
