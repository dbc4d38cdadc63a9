use core::time::Duration;

use unwired_core::Instant;

/// gRPC, `connection-backoff.md`.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(120);
/// Each pause is 1.6 times the one before it, give or take a fifth.
const GROWTH_PERCENT: u32 = 160;
const JITTER_PERCENT: u64 = 20;

/// When to try to connect again. Times count from the beginning of a try, not from its failure: a try that took long has
/// waited already.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self { next: FIRST, random: seed | 1 }
    }

    /// A try that began at `begun` has failed: the next may begin at the returned time.
    pub(crate) fn on_failure(&mut self, begun: Instant) -> Instant {
        let percent = 100 - JITTER_PERCENT + self.draw() % (2 * JITTER_PERCENT + 1);
        let pause = self.next / 100 * u32::try_from(percent).unwrap_or(100);
        self.next = (self.next / 100 * GROWTH_PERCENT).min(LONGEST);
        begun + pause
    }

    /// A connection was made.
    pub(crate) fn on_success(&mut self) {
        self.next = FIRST;
    }

    /// Marsaglia's xorshift: channels that failed together shall not try together, and nothing more.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_1_6_up_to_two_minutes_give_or_take_a_fifth() {
        for seed in 0..100 {
            let mut backoff = Backoff::new(seed);
            let mut expected = FIRST.as_secs_f64();
            for _ in 0..20 {
                let pause = (backoff.on_failure(Instant::ZERO) - Instant::ZERO).as_secs_f64();
                assert!(
                    (0.8 * expected - 1e-6..=1.2 * expected + 1e-6).contains(&pause),
                    "{pause} for {expected}"
                );
                expected = (expected * 1.6).min(120.0);
            }
            backoff.on_success();
            assert!(backoff.on_failure(Instant::ZERO) <= Instant::ZERO + FIRST * 6 / 5);
        }
    }

    #[test]
    fn a_try_that_took_long_has_waited_already() {
        let begun = Instant::ZERO + Duration::from_secs(10);
        let next = Backoff::new(1).on_failure(begun);
        assert!(next >= begun + FIRST * 4 / 5 && next <= begun + FIRST * 6 / 5);
    }
}
