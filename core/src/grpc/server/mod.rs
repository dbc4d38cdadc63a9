//! The server's side of gRPC.

mod call;
mod connection;
mod head;

pub use call::Call;
pub use connection::{Connection, Ended, Event};
pub use head::{Rejection, RequestHead};
