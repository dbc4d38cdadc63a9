//! Bytes of any kind to a server connection, and to an application that answers, resets and forgets.
//!
//! Whatever comes: input is taken or declined, never stuck; each stream's last event comes once, and the connection's
//! after all of them; no stream is heard of that is over; a kill is counted once; what goes out is frames; a timeout that
//! was handled lies behind; and it all ends with nothing left.
//!
//! Input: an octet for the length of the pieces in which the rest arrives (0: all at once; with the upper bit nothing
//! that we write is read before the end), then what follows the connection preface.

use unwired_core::http2::Role;

use super::end;

/// Runs one input.
pub fn run(data: &[u8]) {
    end::play(Role::Server, data);
}
