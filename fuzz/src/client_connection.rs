//! A server of any kind against a whole client connection, and against an application that asks, goes on, resets and
//! forgets.
//!
//! What it asserts is that of `server_connection`, and that our streams are numbered as they should be.
//!
//! Input: an octet for the length of the pieces in which the rest arrives (0: all at once; with the upper bit nothing
//! that we write is read before the end), then what the server sends.

use unwired_core::http2::Role;

use super::end;

/// Runs one input.
pub fn run(data: &[u8]) {
    end::play(Role::Client, data);
}
