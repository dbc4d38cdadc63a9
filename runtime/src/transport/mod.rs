//! What connections are made of: the runtime below, byte streams, addresses.
//!
//! An adapter implements [`Runtime`] for one async runtime. It is erased once, into a [`RuntimeHandle`], when a channel or
//! a server is made: nothing above names a runtime's types.

mod accept;
mod address;
mod handle;
pub mod memory;
mod runtime;

pub(crate) use accept::{AcceptErrors, AfterError};
pub use address::{Address, Credentials, Peer, TlsPeer};
pub use handle::{BoxListener, BoxStream, Elapsed, RuntimeHandle, Sleep};
pub use runtime::{BoxFuture, ByteStream, Listen, Runtime, Timer};
