use crate::http2;

/// Counters and gauges of one connection, or the [sum](Self::merge) of several.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Those of the HTTP/2 below.
    pub http2: http2::Stats,
    /// Calls that count against the limit of concurrent streams (gauge). At a server those among them whose handlers run
    /// on though their call is over.
    pub active_calls: usize,
    /// Bytes of credit beyond the initial windows that peers have, or that whole messages keep (gauge): what is used of
    /// [`partial_message_budget`](super::Config::partial_message_budget).
    pub partial_bytes: usize,
    /// At a client: calls that were started, each attempt of a call for itself.
    pub calls_started: u64,
    /// At a client: those that have ended with OK.
    pub calls_succeeded: u64,
    /// At a client: those that have ended otherwise, or were given up.
    pub calls_failed: u64,
    /// At a server: requests that were no call, and were answered unseen.
    pub calls_rejected: u64,
    /// At a server: calls whose client did not say `te: trailers`; they are served all the same.
    pub calls_without_te: u64,
}

impl Stats {
    /// Sets all gauges to 0: of a connection that is over nothing is left but what it has counted.
    pub const fn clear_gauges(&mut self) {
        self.active_calls = 0;
        self.partial_bytes = 0;
        self.http2.buffered_to_send = 0;
    }

    /// Adds what `other` counts.
    pub fn merge(&mut self, other: &Self) {
        self.http2.merge(&other.http2);
        self.active_calls = self.active_calls.saturating_add(other.active_calls);
        self.partial_bytes = self.partial_bytes.saturating_add(other.partial_bytes);
        self.calls_started = self.calls_started.saturating_add(other.calls_started);
        self.calls_succeeded = self.calls_succeeded.saturating_add(other.calls_succeeded);
        self.calls_failed = self.calls_failed.saturating_add(other.calls_failed);
        self.calls_rejected = self.calls_rejected.saturating_add(other.calls_rejected);
        self.calls_without_te = self.calls_without_te.saturating_add(other.calls_without_te);
    }
}
