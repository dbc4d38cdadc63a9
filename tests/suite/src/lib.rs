//! What every adapter of `unwired` must do: scenarios that name no runtime, and [`suite!`] and [`sockets!`], which make
//! tests of them.
//!
//! A scenario is an `async fn` over a [`RuntimeHandle`](unwired::transport::RuntimeHandle) that panics when something is
//! not as it should be. Time, tasks and sockets are those of the handle; so a scenario runs in simulated time as well.
//! Scenarios that hold on whatever a connection is made of also take a [`Transport`].

#![allow(missing_docs, reason = "the name of a scenario says what it is about")]

#[macro_use]
mod macros;

pub mod admission;
pub mod authority;
#[doc(hidden)]
pub mod boxed;
pub mod compression;
pub mod connections;
pub mod counting;
pub mod draining;
pub mod dropping;
pub mod endings;
pub mod guard;
pub mod interceptors;
pub mod kinds;
pub mod load;
pub mod messages;
pub mod metadata;
pub mod proxy;
pub mod retry;
pub mod service;
pub mod services;
pub mod serving;
#[cfg(unix)]
pub mod socket_files;
pub mod sockets;
pub mod spawning;
pub mod streams;
pub mod tasks;
pub mod tls;
pub mod turns;

pub use serving::{Mounting, Transport};
