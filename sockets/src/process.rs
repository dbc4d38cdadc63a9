//! What a process has one of, whichever runtimes are in it.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::time::Instant as StdInstant;

use unwired::Instant;

/// When time begins: the same for all runtimes of a process, so that a deadline from one is good in another.
pub fn epoch() -> StdInstant {
    static EPOCH: OnceLock<StdInstant> = OnceLock::new();
    *EPOCH.get_or_init(StdInstant::now)
}

/// The time since the [`epoch`].
pub fn now() -> Instant {
    Instant::ZERO + epoch().elapsed()
}

/// A number that nobody can guess, another one every time.
pub fn seed() -> u64 {
    RandomState::new().hash_one(0)
}
