//! Known attacks at the default limits, each beside a neighbour who does no harm, with every octet of memory counted.
//!
//! README.md lists them; what crosses one limit by exactly one is in `http2` and `grpc` beside this.

#![allow(
    clippy::disallowed_macros,
    reason = "memory is counted for each thread: the core has no such state, its tests may"
)]

mod answers;
#[path = "../grpc/bare.rs"]
#[allow(dead_code, reason = "the peer says more than attacks need")]
mod bare;
mod bookkeeping;
mod calls;
mod counting;
mod defaults;
mod fields;
mod floods;
#[path = "../http2/frames.rs"]
#[allow(dead_code, reason = "the peer says more than attacks need")]
mod frames;
mod hoard;
mod idle;
mod keepalive;
#[path = "../http2/raw.rs"]
#[allow(dead_code, reason = "the peer says more than attacks need")]
mod raw;
mod reset_midway;
mod resets;
mod siege;
mod slow;
mod smuggling;
