//! The cases, by the names that the suite has for them.

use core::fmt;

use unwired::Status;

pub use caller::{Caller, Reconnecting, Soak};

mod backoff;
mod caller;
mod checks;
mod compression;
mod ending;
mod http2;
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
    ($($(#[$doc:meta])* $names:ident {$($topic:ident: $($case:ident),+;)+})+) => {
        $($(#[$doc])* pub const $names: &[&str] = &[$($(stringify!($case)),+),+];)+

        /// Runs the case of that name.
        ///
        /// # Errors
        ///
        /// What the case found wrong, and a name that no case has.
        pub async fn run(name: &str, caller: &Caller) -> Outcome {
            match name {
                $($($(stringify!($case) => Box::pin($topic::$case(caller)).await,)+)+)+
                _ => {
                    let names = [$($names),+].concat().join(", ");
                    Err(Failure(format!("there is no case `{name}`: they are {names}")))
                }
            }
        }
    };
}

cases! {
    /// The names of the cases of gRPC.
    ALL {
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
    /// The names of the cases of HTTP/2, each of which a [bad server](crate::bad_server) has its part in.
    HTTP2 {
        http2: goaway, rst_after_header, rst_during_data, rst_after_data, ping, max_streams, data_frame_padding,
            no_df_padding_sanity_test;
    }
}
