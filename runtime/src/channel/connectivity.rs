use core::fmt;

/// What a channel is doing about its connections (gRPC, `connectivity-semantics-and-api.md`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Connectivity {
    /// Nothing: there was no call yet, or none for so long, or the connection ended. The next call connects.
    Idle,
    /// It looks for addresses, or connects. Calls wait.
    Connecting,
    /// There is a connection.
    Ready,
    /// No server could be reached; it tries again after a pause. Until then calls fail at once, except those that
    /// [wait for ready](crate::Request::set_wait_for_ready).
    TransientFailure,
    /// It was [closed](super::Channel::close), for good.
    Shutdown,
}

impl fmt::Display for Connectivity {
    /// As gRPC writes it: `TRANSIENT_FAILURE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "IDLE",
            Self::Connecting => "CONNECTING",
            Self::Ready => "READY",
            Self::TransientFailure => "TRANSIENT_FAILURE",
            Self::Shutdown => "SHUTDOWN",
        })
    }
}
