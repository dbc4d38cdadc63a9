//! The system's sockets as the adapters of [`unwired`] need them: what all of them have in common, written once.
//!
//! [`bind`] opens a listener of the standard library, ready for whatever waits on it; [`tcp`] and [`unix`] make a connected
//! socket ready and say who is at its ends. With feature `async-io` there are also byte streams on the reactor of that
//! name.

#[cfg(feature = "async-io")]
pub mod async_io;
#[cfg(unix)]
mod file;
mod listening;
mod process;
mod stream;

#[cfg(unix)]
pub use file::SocketFile;
pub use listening::{Listener, bind};
pub use process::{epoch, seed};
#[cfg(unix)]
pub use stream::unix;
pub use stream::{tcp, unsupported};
