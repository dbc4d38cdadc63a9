use core::time::Duration;

use crate::Code;

/// gRFC A6: more are not made, whatever a policy says.
const MOST_ATTEMPTS: u32 = 5;
/// gRFC A6: throttling counts up to that many tokens at most.
const MOST_TOKENS: u32 = 1000;

/// Codes, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Codes(u32);

impl Codes {
    pub(crate) fn contains(self, code: Code) -> bool {
        self.0 & (1 << (code as u32)) != 0
    }
}

impl FromIterator<Code> for Codes {
    fn from_iter<I: IntoIterator<Item = Code>>(codes: I) -> Self {
        Self(codes.into_iter().fold(0, |set, code| set | 1 << (code as u32)))
    }
}

/// Calls that have failed are sent again, as long as nothing of the answer has come (gRFC A6).
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) codes: Codes,
    pub(crate) initial_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) multiplier: f32,
}

impl RetryPolicy {
    /// At most `max_attempts` attempts in all, taken for 2 if it is less and for 5 if it is more; another follows one that
    /// ended with one of `codes`. The pause before the first of them is up to 100 ms, each further one twice as long, up to
    /// 1 s.
    pub fn new(max_attempts: u32, codes: impl IntoIterator<Item = Code>) -> Self {
        Self {
            max_attempts: max_attempts.clamp(2, MOST_ATTEMPTS),
            codes: codes.into_iter().collect(),
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            multiplier: 2.0,
        }
    }

    /// The pause before the second attempt, the longest pause, and how much longer each is than the one before it. Each is
    /// drawn anew from 0.8 to 1.2 times that. A multiplier that is no number above 0 is taken for 1.
    #[must_use]
    pub fn backoff(mut self, initial: Duration, max: Duration, multiplier: f32) -> Self {
        self.initial_backoff = initial;
        self.max_backoff = max;
        self.multiplier = if multiplier.is_finite() && multiplier > 0.0 { multiplier } else { 1.0 };
        self
    }
}

/// A call is sent again before it has been answered, and the first answer counts (gRFC A6). For methods that may be carried
/// out several times.
#[derive(Clone, Debug)]
pub struct HedgingPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) delay: Duration,
    pub(crate) non_fatal: Codes,
}

impl HedgingPolicy {
    /// At most `max_attempts` attempts in all, taken for 2 if it is less and for 5 if it is more, `delay` apart. One that ends
    /// with one of the codes `non_fatal` lets the next begin at once; one that ends with another code ends the call.
    pub fn new(max_attempts: u32, delay: Duration, non_fatal: impl IntoIterator<Item = Code>) -> Self {
        Self {
            max_attempts: max_attempts.clamp(2, MOST_ATTEMPTS),
            delay,
            non_fatal: non_fatal.into_iter().collect(),
        }
    }
}

/// Suspends retries and hedging while a server is in trouble (gRFC A6). The channel has `max_tokens` at first; a call that fails
/// costs one, one that succeeds earns a part of one. While there are no more than half of them, no attempt is added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryThrottling {
    pub(crate) max_tokens: u32,
    /// Thousandths of a token.
    pub(crate) earned: u32,
}

impl RetryThrottling {
    /// `max_tokens` from 1 to 1000, and `token_ratio` of one, to the thousandth, for each call that succeeds.
    pub fn new(max_tokens: u32, token_ratio: f32) -> Self {
        let thousandths = (token_ratio.max(0.0) * 1000.0).min(1_000_000.0);
        Self { max_tokens: max_tokens.clamp(1, MOST_TOKENS), earned: thousandths as u32 }
    }
}
