//! gRPC on any async runtime, client and server, over a sans-IO core.
//!
//! Programs and generated code are written against this crate: [`Server`] and [`Channel`], [`Request`] and [`Response`],
//! [`Status`], [`Metadata`], [`Streaming`]. It names no runtime and opens no socket. An adapter, `unwired-tokio` for one,
//! brings sockets, timers and tasks; libraries take a [`Channel`] from whatever program they are in.
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
