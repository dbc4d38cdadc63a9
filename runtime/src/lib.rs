//! gRPC on any async runtime, client and server, over a sans-IO core.
//!
//! Programs and generated code are written against this crate: [`Server`] and [`Channel`], [`Request`] and [`Response`],
//! [`Status`], [`Metadata`], [`Streaming`]. It names no runtime and opens no socket. An adapter, `unwired-tokio` for one,
//! brings sockets, timers and tasks; libraries take a [`Channel`] from whatever program they are in.
//!
//! **Where to begin.** With a program: `docs/first-hour.md` in the repository makes one from nothing, with its tests. With code: a
//! service is a trait that `unwired-build` generates from a .proto, served by [`Server::builder`]; a client is generated too, over a
//! [`Channel`] that an adapter connects. Then [`call`] has all that a call can carry, [`server`] and [`channel`] how calls are served
//! and made, [`intercept`] what stands between, [`transport`] what a runtime has to bring.
//!
//! **Dropping things.** A call lives as long as somebody waits for it: dropping the future of a stub's method, or the
//! [`Streaming`] that it returned, cancels the call, tells the server and frees whatever it held. A handler's future is
//! dropped when its call ends early, because the client gave it up, the deadline passed or the connection was lost. What
//! must go on all the same belongs into a task of its own; [`Request::cancellation`] tells that task of the end. Methods of
//! messages, [`Streaming::message`] and [`Outgoing::send`], are cancel-safe: dropped, they have taken or sent a whole
//! message or none.
//!
//! **Time.** A deadline holds over the whole call: waiting for a connection, for its turn, for each message.
//! [`Request::child_of`] hands on what is left of it.
//!
//! **Tests.** [`transport::memory`] connects client and server in one process without a socket; the crate `unwired-sim`
//! runs them in simulated time, on a network that loses connections when a seed says so.
//!
//! **Features**, none of which is on by default; adapters have those of the first three lines too, and `unwired-tokio` also `mount`:
//!
//! - `tls`: the module `tls`, by rustls with ring
//! - `gzip`, `deflate`, `zstd`: messages compressed so, see [`Encoding`]
//! - `tracing`: spans of calls (`intercept::Traced`) and events of connections
//! - `mount`: the module `mount`, services in other people's HTTP servers and channels over other people's HTTP clients
//! - `tower`: layers of `tower` as interceptors (`intercept::Layered`)
//! - `service-config`: service configs from JSON (`channel::ServiceConfig` by `parse`)

#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]
// Nothing a peer sends may panic. Where one of these is allowed, its reason is the proof that it cannot happen.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

pub mod call;
pub mod channel;
pub mod codec;
mod driver;
#[doc(hidden)]
pub mod generated;
pub mod intercept;
#[cfg(feature = "mount")]
pub mod mount;
mod numbered;
pub mod server;
mod sync;
#[cfg(feature = "tls")]
pub mod tls;
pub mod transport;

pub use call::{
    Answer, Cancellation, Compression, Empty, IntoIteratorRequest, IntoRequest, IntoStreamingRequest,
    MessageSink, Outgoing, Request, Response, StreamWith, Streaming, empty, stream_with,
};
pub use channel::{Channel, Target};
pub use futures_core::Stream;
pub use server::{Server, SpawnPolicy};
pub use unwired_core::Instant;
pub use unwired_core::grpc::{Code, Encoding, EncodingSet, Metadata, MetadataError, Status, TextValue};
