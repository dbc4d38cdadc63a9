//! gRPC over HTTP that somebody else speaks: services inside an HTTP server that a program has already, and calls over an
//! HTTP client that it has.
//!
//! **Services.** A [`Mount`] is a `tower` service of `http` requests, made of a [`Server`](crate::Server) and the
//! [`RuntimeHandle`](crate::transport::RuntimeHandle) of an adapter, by which deadlines hold. It goes wherever such a service
//! goes that speaks HTTP/2: beside the routes of axum, into a connection of hyper, over bare `h2`.
//!
//! ```
//! use tower_service::Service;
//! use unwired::mount::{Body, Mount};
//! use unwired::transport::RuntimeHandle;
//! use unwired::{Server, server};
//!
//! /// What axum takes as `route_service("/helloworld.Greeter/{method}", …)`, and hyper behind an adapter for `tower`.
//! fn mounted<B>(greeter: impl server::Service, runtime: RuntimeHandle) -> impl Service<http::Request<B>, Response = http::Response<Body>>
//! where
//!     B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
//! {
//!     Mount::new(Server::builder().add_service(greeter), runtime)
//! }
//! ```
//!
//! A handler runs where the response is waited for until it has begun to answer, and in a task of its own after that; so a
//! unary call takes no task. What stands in the extensions of an HTTP request is in those of the handler's
//! [`Request`](crate::Request); a [`Peer`](crate::transport::Peer) among them is who calls. Requests that are no calls are
//! answered as HTTP has it: 415, 405, and 505 over HTTP/1, which cannot carry the trailers.
//!
//! **Calls.** A [`Channel`](crate::Channel) makes its calls over an [`HttpClient`] if it is told to:
//!
//! ```
//! use unwired::channel::{Builder, Channel};
//! use unwired::mount::HttpClient;
//!
//! /// The target of `channel` says what stands in the URIs: `http://localhost:50051`, say.
//! fn over(channel: Builder, http: HttpClient) -> Channel {
//!     channel.over(http).connect_lazy()
//! }
//! ```
//!
//! Deadlines, retries, hedging, interceptors and limits are as ever; connections, their number and their health are the HTTP
//! client's business.
//!
//! **What is lost.** The HTTP stack in between has the windows, the limits of headers and the defences against abuse, and says
//! less of how streams end: a response that is broken off midway is reset with whatever code the stack chooses, and a client
//! must be told [how its errors tell codes](HttpClient::reset_codes).
//!
//! Programs for axum, hyper and `h2` are among the examples of `unwired-tokio`.

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
