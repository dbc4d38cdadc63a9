//! The server that the cases are asserted of.

pub use reconnecting::Reconnect;
pub use test_service::Interop;

mod reconnecting;
mod test_service;
