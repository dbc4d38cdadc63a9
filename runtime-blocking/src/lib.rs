//! [`unwired`] for programs of plain threads: no async in their code, and no async runtime below it.
//!
//! A client has no thread of its own. Of several threads that wait for calls one does the input and output for all, and hands
//! that duty on when its own call is done; see [`Blocking`]. A server has one thread for all connections.
//!
//! ```no_run
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = unwired::Server::builder();
//! let running = unwired_blocking::bind("[::]:50051".parse::<std::net::SocketAddr>()?)?.start(server)?;
//! println!("listening on {}", running.local_addr()?);
//! running.wait()?;
//! # Ok(())
//! # }
//! ```

mod reactor;
mod resolve;
mod runtime;
mod server;

use std::io;

use unwired::transport::Address;

pub use reactor::Source;
pub use runtime::{Blocking, BlockingTimer};
pub use server::{Bound, Running, Stopper};

/// Listens at `address`: what it returns knows the port, and serves.
///
/// # Errors
///
/// Those of the system.
pub fn bind(address: impl Into<Address>) -> io::Result<Bound> {
    Bound::new(address.into())
}
