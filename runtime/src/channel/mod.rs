//! Calling: channels, the connections under them, the four kinds of call.

mod builder;
mod calls;
mod connecting;
mod policy;
mod starting;
mod target;
mod turns;

pub use builder::{Builder, Channel};
pub use calls::Client;
pub use target::{Target, TargetError};
