//! Where the load comes from.

mod h2load;

pub(crate) use h2load::unary;

use std::fmt;
use std::time::Duration;

/// How the calls come in.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    /// Calls in flight on each connection, always.
    pub(crate) in_flight: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}m{}", self.connections, self.in_flight)
    }
}

/// What came of a load whose calls all succeeded.
pub(crate) struct Served {
    pub(crate) calls: u64,
    pub(crate) took: Duration,
}

impl Served {
    /// How many calls last about as long as `length`, by the pace of this load.
    pub(crate) fn calls_in(&self, length: Duration) -> u64 {
        (self.calls as f64 * length.as_secs_f64() / self.took.as_secs_f64()) as u64
    }
}
