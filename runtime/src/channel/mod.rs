//! Calling: channels, the servers they find and the connections under them, the four kinds of call.

mod abort;
mod attempt;
mod balancing;
mod builder;
mod calls;
mod client_channel;
mod connected;
mod connectivity;
mod policy;
mod resolving;
mod starting;
mod target;
mod turns;

pub use balancing::{Balance, LoadBalancing};
pub use builder::{Builder, Channel};
pub use calls::Client;
pub use connectivity::Connectivity;
pub use resolving::{Endpoint, Resolution, Resolve};
pub use target::{Target, TargetError};
