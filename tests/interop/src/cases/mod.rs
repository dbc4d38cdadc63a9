//! The cases, by the names that the suite has for them.

use core::fmt;

use unwired::Status;

pub use caller::{Caller, Reconnecting, Soak};

mod backoff;
mod caller;
mod checks;
mod compression;
mod ending;
mod messages;
mod metadata;
mod soak;
mod status;
mod streaming;
mod unary;

/// Why a case has failed: what was seen, and what should have been.
#[derive(Debug)]
pub struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Failure {}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self(format!("a call that has to succeed ended with {status}"))
    }
}

/// What a case comes to.
pub type Outcome = Result<(), Failure>;

macro_rules! cases {
    ($($topic:ident: $($case:ident),+;)+) => {
        /// The names of all cases.
        pub const ALL: &[&str] = &[$($(stringify!($case)),+),+];

        /// Runs the case of that name.
        ///
        /// # Errors
        ///
        /// What the case found wrong, and a name that no case has.
        pub async fn run(name: &str, caller: &Caller) -> Outcome {
            match name {
                $($(stringify!($case) => Box::pin($topic::$case(caller)).await,)+)+
                _ => Err(Failure(format!("there is no case `{name}`: they are {}", ALL.join(", ")))),
            }
        }
    };
}

cases! {
    unary: empty_unary, large_unary, concurrent_large_unary, pick_first_unary;
    compression: client_compressed_unary, server_compressed_unary, client_compressed_streaming,
        server_compressed_streaming;
    streaming: client_streaming, server_streaming, ping_pong, empty_stream;
    metadata: custom_metadata;
    status: status_code_and_message, special_status_message, unimplemented_method, unimplemented_service;
    ending: cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server;
    soak: rpc_soak, channel_soak, long_lived_channel;
    backoff: connection_backoff;
}
