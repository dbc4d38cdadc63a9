//! Calling: channels, the connections under them, the four kinds of call.

mod builder;
mod calls;
mod connecting;
mod policy;
mod starting;
mod turns;

pub use builder::{Builder, Channel, Target, TargetError};
pub use calls::Client;
