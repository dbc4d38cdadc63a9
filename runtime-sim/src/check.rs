//! Many seeds.

use core::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::Sim;

/// Runs `test` with each of `seeds`; with the seed of `UNWIRED_SIM_SEED` alone, if that is set.
///
/// # Panics
///
/// As the first seed that fails does, after it was told how to run that one again.
pub fn check(seeds: impl IntoIterator<Item = u64>, test: impl Fn(&Sim)) {
    if let Some(seed) = number("UNWIRED_SIM_SEED") {
        return test(&Sim::new(seed));
    }
    for seed in seeds {
        // What fails is dropped, and nobody looks at it again.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(&Sim::new(seed)))) {
            eprintln!("seed {seed} failed; run again with UNWIRED_SIM_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

/// The first `default` seeds; as many as `UNWIRED_SIM_SEEDS` says, if that is set.
///
/// # Panics
///
/// When `UNWIRED_SIM_SEEDS` is no number.
pub fn seeds(default: u64) -> Range<u64> {
    0..number("UNWIRED_SIM_SEEDS").unwrap_or(default)
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value} is no number")))
}
