use core::sync::atomic::{AtomicU32, Ordering};

use crate::channel::RetryThrottling;

const TOKEN: u32 = 1000;

/// Counts whether calls of a channel fail too often to be sent again (gRFC A6), in thousandths of tokens.
#[derive(Debug)]
pub(crate) struct Throttle {
    tokens: AtomicU32,
    settings: RetryThrottling,
}

impl Throttle {
    pub(crate) const fn new(settings: RetryThrottling) -> Self {
        Self { tokens: AtomicU32::new(settings.max_tokens * TOKEN), settings }
    }

    pub(crate) const fn settings(&self) -> RetryThrottling {
        self.settings
    }

    const fn most(&self) -> u32 {
        self.settings.max_tokens * TOKEN
    }

    fn change(&self, change: impl Fn(u32) -> u32) -> u32 {
        let changed =
            self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| Some(change(tokens)));
        change(changed.unwrap_or_default())
    }

    /// An attempt has failed in a way that lets it be sent again. Answers whether it may be.
    pub(crate) fn on_failure(&self) -> bool {
        self.change(|tokens| tokens.saturating_sub(TOKEN)) > self.most() / 2
    }

    /// An attempt has not failed.
    pub(crate) fn on_success(&self) {
        self.change(|tokens| tokens.saturating_add(self.settings.earned).min(self.most()));
    }

    /// Whether attempts may be added now.
    pub(crate) fn is_open(&self) -> bool {
        self.tokens.load(Ordering::Relaxed) > self.most() / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_close_it_at_half_and_successes_open_it_again() {
        let throttle = Throttle::new(RetryThrottling::new(10, 0.5));
        let allowed = (0..20).filter(|_| throttle.on_failure()).count();
        assert_eq!(allowed, 4, "9, 8, 7 and 6 of 10 tokens are more than half");
        assert!(!throttle.is_open());
        for _ in 0..11 {
            throttle.on_success();
        }
        assert!(throttle.is_open());
        for _ in 0..100 {
            throttle.on_success();
        }
        assert!(throttle.on_failure(), "there are never more tokens than at first");
        assert_eq!((0..20).filter(|_| throttle.on_failure()).count(), 3);
    }
}
