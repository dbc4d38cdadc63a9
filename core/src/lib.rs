//! gRPC without the wire: HTTP/2 and gRPC as state machines.
//!
//! Nothing in this crate opens a socket, starts a thread or a task, reads a clock or draws a random number. A
//! connection is a plain value: bytes go in, events come out, bytes come out, and the time is an argument.
//!
//! - [`http2`] turns bytes into stream events and back: frames, HPACK, stream states, flow control, limits. It knows
//!   nothing of gRPC and is usable without it.
//! - [`grpc`] turns stream events into messages and back: framing, metadata, status, deadlines, compression.
//!
//! Most programs take the crate `unwired` and an adapter instead, which drive this one. Whoever has a runtime of their own begins with
//! [`grpc::server::Connection`] and [`grpc::client::Connection`], whose methods fall in a few kinds (in, events, out, time, commands);
//! `docs/embedding.md` in the repository has a whole server on one page.
//!
//! **Features**, none of which is on by default: `gzip`, `deflate` and `zstd`, each an encoding of messages ([`grpc::Encoding`]).

#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]
#![forbid(unsafe_code)]
// Nothing a peer sends may panic. Where one of these is allowed, its reason is the proof that it cannot happen.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used,
    )
)]

pub mod grpc;
pub mod http2;
mod outbox;
mod time;

pub use outbox::Outbox;
pub use time::Instant;
