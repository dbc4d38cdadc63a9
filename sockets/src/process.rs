//! What a process has one of, whichever runtimes are in it.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::time::Instant;

/// When time begins: the same for all runtimes of a process, so that a deadline from one is good in another.
pub fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

/// A number that nobody can guess, another one every time.
pub fn seed() -> u64 {
    RandomState::new().hash_one(0)
}
