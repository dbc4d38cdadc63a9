//! The client's side of gRPC.

mod call;
mod connection;
mod definition;

pub use call::{Call, NewCall};
pub use connection::{Connection, Event, StartError};
