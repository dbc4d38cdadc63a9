use core::time::Duration;

use super::{HedgingPolicy, RetryPolicy};

/// What holds for the calls of a method. What a call itself asks for goes before it, except that it lengthens no deadline and
/// raises no limit.
#[derive(Clone, Debug, Default)]
pub struct MethodConfig {
    pub(crate) timeout: Option<Duration>,
    pub(crate) waits_for_ready: Option<bool>,
    pub(crate) max_request: Option<usize>,
    pub(crate) max_response: Option<usize>,
    pub(crate) attempts: Attempts,
}

/// How often a call is sent. Whatever it says, a call that no server has acted on is sent again.
#[derive(Clone, Debug, Default)]
pub enum Attempts {
    /// Once.
    #[default]
    One,
    /// Again after it has failed.
    Retry(RetryPolicy),
    /// Again before it has been answered.
    Hedge(HedgingPolicy),
}

impl MethodConfig {
    /// One that says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls end after `timeout`, unless they ask for less.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Whether calls wait while no server can be reached, unless they say themselves whether they do.
    #[must_use]
    pub const fn wait_for_ready(mut self, waits: bool) -> Self {
        self.waits_for_ready = Some(waits);
        self
    }

    /// The longest message of a request, bytes.
    #[must_use]
    pub const fn max_request_message_size(mut self, bytes: usize) -> Self {
        self.max_request = Some(bytes);
        self
    }

    /// The longest message of a response, bytes.
    #[must_use]
    pub const fn max_response_message_size(mut self, bytes: usize) -> Self {
        self.max_response = Some(bytes);
        self
    }

    /// Sends calls again that have failed.
    #[must_use]
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.attempts = Attempts::Retry(policy);
        self
    }

    /// Sends calls several times, and takes the first answer, or the first stream of answers that begins. What is sent of a
    /// stream of requests is kept for that, its first message and more up to 256 KiB: with more, the first that has sent that
    /// much is the only one.
    #[must_use]
    pub const fn hedge(mut self, policy: HedgingPolicy) -> Self {
        self.attempts = Attempts::Hedge(policy);
        self
    }
}
