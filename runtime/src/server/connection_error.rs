use core::fmt;
use std::sync::Arc;

use crate::transport::Peer;

/// What ended a connection before its time: a handshake that failed, a peer that broke a rule or crossed a limit. Calls
/// that it took along have their statuses; this is for the server's log.
#[derive(Clone, Debug)]
pub struct ConnectionError {
    pub(super) peer: Peer,
    pub(super) why: String,
}

impl ConnectionError {
    /// Who was connected.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.peer.remote {
            Some(address) => write!(f, "connection of {address}: {}", self.why),
            None => write!(f, "connection: {}", self.why),
        }
    }
}

impl std::error::Error for ConnectionError {}

/// Who is told of such an end.
pub(crate) type OnConnectionError = Arc<dyn Fn(&ConnectionError) + Send + Sync>;
