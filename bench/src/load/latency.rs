//! How long calls took, without keeping each of them.

use std::time::Duration;

/// What half of the calls stayed below, and 99 in a hundred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Steps between one power of two and the next: figures are off by 1.6% at most.
const STEPS: u64 = 64;

/// How often each duration came, in steps that grow with it.
#[derive(Default)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(super) fn add(&mut self, nanos: u64) {
        let step = step(nanos);
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(step) {
            *count += 1;
        }
        self.total += 1;
    }

    pub(super) fn latency(&self) -> Latency {
        Latency { p50: self.quantile(50), p99: self.quantile(99) }
    }

    fn quantile(&self, percent: u64) -> Duration {
        let rank = (self.total * percent).div_ceil(100);
        let mut below = 0;
        let found = self.counts.iter().position(|count| {
            below += count;
            below >= rank
        });
        Duration::from_nanos(found.map_or(0, beginning))
    }
}

/// The first steps have one nanosecond each; then there are as many to each power of two.
fn step(nanos: u64) -> usize {
    let power = (nanos | STEPS).ilog2() - STEPS.ilog2();
    (u64::from(power) * STEPS + (nanos >> power)) as usize
}

fn beginning(step: usize) -> u64 {
    let step = step as u64;
    match (step / STEPS).checked_sub(1) {
        Some(power) => (STEPS + step % STEPS) << power,
        None => step,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_begins_where_the_one_before_it_ends() {
        for nth in 0..20 * STEPS as usize {
            assert_eq!(step(beginning(nth)), nth);
            assert_eq!(step(beginning(nth + 1) - 1), nth);
        }
    }

    #[test]
    fn half_of_the_calls_and_nearly_all() {
        let mut histogram = Histogram::default();
        (1..=100).for_each(|micros| histogram.add(micros * 1000));
        let Latency { p50, p99 } = histogram.latency();
        assert!((49_000..=50_000).contains(&p50.as_nanos()), "{p50:?}");
        assert!((97_000..=99_000).contains(&p99.as_nanos()), "{p99:?}");
    }
}
