//! What a peer may do in good faith, but not without end: token buckets, all in one place.

use super::stats::Abuse;
use super::{Limits, Stats};
use crate::Instant;
use crate::http2::error::Fault;
use crate::http2::reason::Reason;

/// Tokens are counted in nanoseconds of a bucket that earns one a second, so that no rate needs a fraction.
const TOKEN: u64 = 1_000_000_000;

#[expect(clippy::arithmetic_side_effects, reason = "2^32 tokens are below 2^62")]
const fn level_of(tokens: u32) -> u64 {
    tokens as u64 * TOKEN
}

/// A token bucket that refills with time and with whatever earns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    level: u64,
    /// Tokens.
    cap: u32,
    /// Tokens a second.
    rate: u32,
    at: Instant,
}

impl Bucket {
    const fn new(burst: u32, cap: u32, rate: u32, now: Instant) -> Self {
        Self { level: level_of(burst), cap, rate, at: now }
    }

    /// Adds `tokens`, up to the cap.
    pub(crate) fn earn(&mut self, tokens: u32) {
        self.level = self.level.saturating_add(level_of(tokens)).min(level_of(self.cap));
    }

    /// Takes a token; `false` when there is none.
    #[must_use]
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let refill = now.as_nanos().saturating_sub(self.at.as_nanos()).saturating_mul(u64::from(self.rate));
        self.level = self.level.saturating_add(refill).min(level_of(self.cap));
        self.at = now.max(self.at);
        match self.level.checked_sub(TOKEN) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }
}

/// The buckets of a connection.
#[derive(Debug)]
pub(crate) struct Buckets {
    pub(crate) reset: Bucket,
    pub(crate) glitch: Bucket,
    pub(crate) settings: Bucket,
    pub(crate) ping: Bucket,
    pub(crate) window_update: Bucket,
    pub(crate) ignored: Bucket,
    pub(crate) empty_data: Bucket,
    /// Streams that ended with our trailers since the last token they earned.
    finished: u8,
}

/// Streams that end well earn a reset token together.
const FINISHED_PER_RESET: u8 = 4;
/// A stream's share of WINDOW_UPDATE frames.
const WINDOW_UPDATES_PER_STREAM: u32 = 4;
/// A sent DATA frame's share of WINDOW_UPDATE frames.
const WINDOW_UPDATES_PER_DATA: u32 = 8;
/// Tokens that can be hoarded where frames earn them: enough for any pattern of good faith, far from a flood.
const EARNED_CAP: u32 = 1 << 20;

impl Buckets {
    pub(crate) const fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            reset: Bucket::new(limits.reset_burst, limits.reset_burst, limits.reset_rate, now),
            glitch: Bucket::new(limits.glitch_burst, limits.glitch_burst, limits.glitch_rate, now),
            settings: Bucket::new(limits.settings_burst, limits.settings_burst, limits.settings_rate, now),
            ping: Bucket::new(limits.ping_burst, limits.ping_cap, limits.ping_rate, now),
            window_update: Bucket::new(
                limits.window_update_burst,
                EARNED_CAP,
                limits.window_update_rate,
                now,
            ),
            ignored: Bucket::new(limits.ignored_burst, EARNED_CAP, limits.ignored_rate, now),
            empty_data: Bucket::new(
                limits.empty_data_burst,
                limits.empty_data_burst,
                limits.empty_data_rate,
                now,
            ),
            finished: 0,
        }
    }

    /// A stream was opened by either side.
    pub(crate) fn on_stream(&mut self, limits: &Limits) {
        self.window_update.earn(WINDOW_UPDATES_PER_STREAM);
        self.ignored.earn(limits.ignored_burst);
    }

    /// HEADERS or DATA went either way.
    pub(crate) fn on_message_frame(&mut self) {
        self.ping.earn(1);
    }

    /// We sent DATA.
    pub(crate) fn on_data_sent(&mut self) {
        self.window_update.earn(WINDOW_UPDATES_PER_DATA);
    }

    /// A stream ended with our END_STREAM.
    #[expect(clippy::arithmetic_side_effects, reason = "counts to 4")]
    pub(crate) fn on_finished(&mut self) {
        self.finished += 1;
        if self.finished == FINISHED_PER_RESET {
            self.finished = 0;
            self.reset.earn(1);
        }
    }
}

/// Ends the connection for `abuse`, and counts it.
pub(crate) fn kill(stats: &mut Stats, abuse: Abuse) -> Fault {
    stats.on_kill(abuse);
    Fault::Connection(Reason::ENHANCE_YOUR_CALM, abuse.name())
}

/// Counts one tolerated act of `abuse` and takes a token for it; a kill when there is none.
pub(crate) fn charge(
    bucket: &mut Bucket,
    stats: &mut Stats,
    abuse: Abuse,
    now: Instant,
) -> Result<(), Fault> {
    if !bucket.take(now) {
        return Err(kill(stats, abuse));
    }
    stats.abuse.count(abuse);
    Ok(())
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the takes are spread: no more than the burst, what was earned and what the time gave; and whoever keeps
        /// to the rate is never refused.
        #[test]
        fn a_bucket_gives_what_it_got_and_no_more(
            burst in 0..20_u32, more in 0..20_u32, rate in 0..1000_u32,
            acts in proptest::collection::vec((0..50_000_000_u64, 0..3_u32), 0..200),
        ) {
            let mut now = Instant::ZERO;
            let mut bucket = Bucket::new(burst, burst + more, rate, now);
            let (mut taken, mut got) = (0_u64, u64::from(burst) * TOKEN);
            for (nanos, earned) in acts {
                now += Duration::from_nanos(nanos);
                bucket.earn(earned);
                got += u64::from(earned) * TOKEN + nanos * u64::from(rate);
                taken += u64::from(bucket.take(now));
                prop_assert!(taken * TOKEN <= got);
            }
            if rate > 0 {
                for _ in 0..50 {
                    now += Duration::from_nanos(TOKEN.div_ceil(u64::from(rate)));
                    prop_assert!(bucket.take(now) || burst + more == 0);
                }
            }
        }
    }
}
