//! Interceptors: what stands between calls and handlers, at a client or at a server, for calls of all kinds.
//!
//! An [`Interceptor`] sees a call before it goes on: its method ([`Next::call`]), its metadata, deadline and extensions, at a
//! server also who calls ([`peer`](crate::Request::peer)). It may wait, change the request, answer it, hand it on with [`Next::run`], as
//! often as it likes, and change what comes back: [`Messages`] stand for the one message or the stream of each direction,
//! encoded, and for the status and the trailing metadata behind them.
//!
//! ```
//! use unwired::intercept::{Interceptor, Messages, Next};
//! use unwired::{Request, Response, Status};
//!
//! struct Log;
//!
//! impl Interceptor for Log {
//!     async fn intercept(
//!         &self,
//!         request: Request<Messages>,
//!         next: Next<'_>,
//!     ) -> Result<Response<Messages>, Status> {
//!         let path = next.call().path().to_owned();
//!         let response = next.run(request).await.inspect_err(|status| println!("{path}: {status}"))?;
//!         // A call has ended with its last message.
//!         Ok(response.map(|messages| {
//!             messages.map_end(move |status| {
//!                 println!("{path}: {status}");
//!                 status
//!             })
//!         }))
//!     }
//! }
//! ```
//!
//! Most of them look at metadata alone, which [`on_request`] makes one of:
//!
//! ```
//! use unwired::intercept::on_request;
//! # use unwired::{Channel, Server, Status};
//!
//! fn with_token(channel: Channel) -> Channel {
//!     channel.intercepted_by(on_request(|request, _| {
//!         Ok(request.metadata_mut().insert_secret("authorization", "Bearer 1234")?)
//!     }))
//! }
//!
//! fn that_asks_for_it() -> unwired::server::Builder {
//!     Server::builder().intercepted_by(on_request(|request, _| {
//!         let token = request.metadata().get("authorization");
//!         if token == Some("Bearer 1234") { Ok(()) } else { Err(Status::unauthenticated("who are you?")) }
//!     }))
//! }
//! ```
//!
//! **Where they are set.** For all calls of a server: [`server::Builder::intercepted_by`](crate::server::Builder::intercepted_by);
//! for one service: [`Intercepted`]. For all calls of a channel:
//! [`channel::Builder::intercepted_by`](crate::channel::Builder::intercepted_by); for one client: the client is made of
//! [`Channel::intercepted_by`](crate::Channel::intercepted_by), which leaves the channel as it is. The one that was set first
//! sees a request first and its response last.
//!
//! **What it costs.** Without interceptors nothing. With them, a few allocations a call, and each message is handed over
//! between them and the application. A client's interceptors see a call once, however often it is sent; a server's see the
//! calls of methods that are there. Messages are not compressed between them, so
//! [`Request::was_compressed`](crate::Request::was_compressed) says so behind them.

mod chain;
#[cfg(feature = "tower")]
mod layered;
mod messages;
mod on_request;
mod pipe;
#[cfg(feature = "tracing")]
mod traced;

pub use chain::{CallInfo, Interceptor, Next, Side};
pub(crate) use chain::{Interceptors, Last};
#[cfg(feature = "tower")]
pub use layered::{Behind, Inside, Layered};
pub(crate) use messages::{Encoded, Part, Source};
pub use messages::{Messages, Payload};
pub use on_request::{OnRequest, on_request};
pub(crate) use pipe::{Outlet, Pipe};
#[cfg(feature = "tracing")]
pub use traced::Traced;

pub use crate::server::Intercepted;
pub use unwired_core::grpc::Cardinality;
