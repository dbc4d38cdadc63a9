use std::io;
use std::sync::Arc;

use unwired_core::Instant;

use super::Backoff;
use crate::channel::Endpoint;

/// Why a server was not reached.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) why: String,
    pub(crate) error: Option<Arc<io::Error>>,
}

impl Failure {
    pub(crate) fn new(why: impl Into<String>, error: Option<io::Error>) -> Self {
        Self { why: why.into(), error: error.map(Arc::new) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string(), Some(error))
    }
}

/// What is being done to connect to a server.
#[derive(Debug)]
pub(super) enum Effort {
    /// Nothing.
    None,
    /// A try that began then.
    Connecting { attempt: u64, begun: Instant },
    /// Its last connection ended as soon as it was there: the next try waits a little.
    Resting { until: Instant },
    /// The last try failed; the next may begin at that time.
    Failed { until: Instant, failure: Failure },
}

/// One server of a channel.
#[derive(Debug)]
pub(super) struct Server<C> {
    pub(super) endpoint: Endpoint,
    pub(super) connections: Vec<C>,
    /// Connections that get no calls: it was asked for its health there and has not answered, or does not serve and says why.
    pub(super) held_back: Vec<(C, Option<Failure>)>,
    pub(super) effort: Effort,
    pub(super) backoff: Backoff,
    /// When the connection was begun that came last.
    pub(super) begun: Instant,
}

impl<C> Server<C> {
    pub(super) fn new(endpoint: Endpoint, seed: u64) -> Self {
        Self {
            endpoint,
            connections: Vec::new(),
            held_back: Vec::new(),
            effort: Effort::None,
            backoff: Backoff::new(seed),
            begun: Instant::ZERO,
        }
    }

    /// Whether there is a connection, one that gets no calls included.
    pub(super) const fn is_connected(&self) -> bool {
        !self.connections.is_empty() || !self.held_back.is_empty()
    }

    /// All connections.
    pub(super) fn all_connections(&self) -> impl Iterator<Item = &C> {
        self.connections.iter().chain(self.held_back.iter().map(|(lane, _)| lane))
    }

    /// Takes all connections out.
    pub(super) fn take_connections(&mut self) -> impl Iterator<Item = C> {
        self.connections.drain(..).chain(self.held_back.drain(..).map(|(lane, _)| lane))
    }

    /// Whether a try may begin at `now`.
    pub(super) fn may_connect(&self, now: Instant) -> bool {
        match self.effort {
            Effort::None => true,
            Effort::Connecting { .. } => false,
            Effort::Resting { until } | Effort::Failed { until, .. } => until <= now,
        }
    }

    /// When a try may begin that may not yet.
    pub(super) const fn pauses_until(&self) -> Option<Instant> {
        match self.effort {
            Effort::Resting { until } | Effort::Failed { until, .. } => Some(until),
            Effort::None | Effort::Connecting { .. } => None,
        }
    }

    pub(super) const fn is_connecting(&self) -> bool {
        matches!(self.effort, Effort::Connecting { .. })
    }
}
