//! Calling: channels, and calls that a thread waits for, or only starts.

mod channel;
mod halves;
mod pending;
mod stub;

pub use channel::{Builder, Channel};
pub use halves::{Answer, Outgoing};
pub use pending::Pending;
pub use stub::Client;
