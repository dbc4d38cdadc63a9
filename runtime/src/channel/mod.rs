//! Calling: channels, the servers they find and the connections under them, the four kinds of call.
//!
//! **Servers.** A [`Target`] is a host, a list of addresses, or a path; names are looked up as the runtime does it, or by a
//! [`Resolve`] of your own, and again when connections fail. [`LoadBalancing`] says which server gets a call: the first that can
//! be reached (all addresses are tried, each a quarter of a second after the one before it), each in turn, or each by its
//! weight. [`Channel::connectivity`] says what the channel is doing, and can be watched.
//!
//! **Calls that find no server** fail at once and say which addresses were tried and why that failed, while the channel pauses
//! between its tries; those that [wait for ready](crate::Request::set_wait_for_ready) wait for as long as their deadlines allow.
//! Calls over the server's limit wait for their turn, or get [another connection](Builder::max_connections).
//!
//! **Servers that say they are not well.** Where calls are spread over several servers, [`ServiceConfig::health_check`] has each
//! connection ask its server's health service, and one that does not serve gets no calls while there is another.
//!
//! **Calls that are sent again.** One that no server has acted on (it was refused, or the connection went away before) is
//! sent once more, whatever kind it is; what a stream has sent is kept for that until the server answers: what it sent first,
//! and more up to 256 KiB. A [`ServiceConfig`] says for each method whether calls that fail are sent again ([`RetryPolicy`]), or are sent several times
//! at once ([`HedgingPolicy`]), and which deadlines and limits hold. A [`Resolve`] of your own can give one with its answers:
//!
//! ```
//! use core::time::Duration;
//! use unwired::Code;
//! use unwired::channel::{Builder, LoadBalancing, MethodConfig, RetryPolicy, ServiceConfig};
//!
//! fn configure(channel: Builder) -> Builder {
//!     let retries = RetryPolicy::new(3, [Code::Unavailable]);
//!     let greeter = MethodConfig::new().timeout(Duration::from_secs(5)).retry(retries);
//!     channel
//!         .load_balancing(LoadBalancing::RoundRobin)
//!         .service_config(ServiceConfig::new().service("helloworld.Greeter", greeter))
//! }
//! ```

mod abort;
mod attempt;
mod balancing;
mod builder;
mod calls;
mod client_channel;
mod connected;
mod connectivity;
mod credentials;
mod hedged;
mod hedging;
mod intercepting;
mod kept;
mod near_end;
mod plan;
mod policy;
mod resending;
mod resolving;
mod service_config;
mod setup;
mod starting;
mod stats;
mod target;
mod turns;
mod watching;

pub use balancing::{Balance, LoadBalancing};
pub use builder::{Builder, Channel};
pub use calls::Client;
pub use connectivity::Connectivity;
pub(crate) use credentials::Credentials;
pub use credentials::{AllowPlaintext, CallCredentials, CallTarget};
pub(crate) use policy::PUSHBACK;
pub use resolving::{Endpoint, Resolution, Resolve};
#[cfg(feature = "service-config")]
pub use service_config::ServiceConfigError;
pub use service_config::{
    Attempts, HedgingPolicy, MethodConfig, RetryPolicy, RetryThrottling, ServiceConfig,
};
pub use stats::{ChannelStats, ConnectionStats};
pub use target::{Target, TargetError};

/// Why nothing goes on that a task of the channel was doing.
pub(crate) const RUNTIME_ENDED: &str =
    "the runtime of the channel has ended: it is to run for as long as the channel is used";
