//! The system's sockets as the adapters of [`unwired`] need them: what all of them have in common, written once.
//!
//! [`Bind`] opens a listener, ready for whatever waits on it, and [`inherited()`] has those that were open before the process
//! was; [`tcp`] and [`unix`] make a connected socket ready and say who is at its ends. [`watched`] has byte streams and
//! listeners for runtimes that have none of their own.
//!
//! Programs need it for listeners with options, and find it as `sockets` in their adapter: begin with [`Bind`]. **Feature**, not on by
//! default: `async-io`, byte streams, listeners and timers on the reactor of smol and async-std.

// Nothing a peer sends may panic. Where one of these is allowed, its reason is the proof that it cannot happen.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

#[cfg(feature = "async-io")]
pub mod async_io;
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod inherited;
mod listening;
mod process;
mod stream;
pub mod watched;

#[cfg(unix)]
use file::SocketFile;
#[cfg(unix)]
pub use inherited::{Inherited, inherited};
pub use listening::{Bind, Listener, Place};
pub use process::{epoch, now, seed};
#[cfg(unix)]
pub use stream::unix;
pub use stream::{tcp, unsupported};
