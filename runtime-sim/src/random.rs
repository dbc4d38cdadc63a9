//! Random numbers that are the same for the same seed, on every machine.

use core::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, any seed is a good one.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers of `seed` that have nothing to do with those of another `purpose`: what one of them is asked for more
    /// often changes nothing for the others.
    pub(crate) fn stream(seed: u64, purpose: u64) -> Self {
        Self(mix(seed ^ mix(purpose)))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`; 0 when there is none.
    pub fn below(&mut self, end: usize) -> usize {
        // The upper half of a product: as even as 64 bits make it.
        ((u128::from(self.next_u64()) * end as u128) >> 64) as usize
    }

    /// True with that probability: never for 0, always for 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        // What never happens takes no number.
        probability > 0.0 && ((self.next_u64() >> 11) as f64) * (0.5_f64).powi(53) < probability
    }

    /// A time from nothing up to `most`.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        if nanos == 0 {
            return Duration::ZERO;
        }
        Duration::from_nanos(((u128::from(self.next_u64()) * (u128::from(nanos) + 1)) >> 64) as u64)
    }
}

/// Spreads the bits of `word`: every bit of the result depends on every bit of it.
pub(crate) const fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(expected.map(|_| random.next_u64()), expected);
    }

    #[test]
    fn numbers_stay_in_their_bounds_and_reach_them() {
        let mut random = Random::new(7);
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[random.below(5)] += 1;
            assert!(random.up_to(Duration::from_nanos(3)) <= Duration::from_nanos(3));
            assert!(random.chance(1.0) && !random.chance(0.0));
        }
        assert!(seen.iter().all(|&times| times > 100), "{seen:?}");
        assert_eq!((random.below(0), random.below(1)), (0, 0));
        assert!((0..1000).filter(|_| random.chance(0.5)).count().abs_diff(500) < 100);
    }
}
