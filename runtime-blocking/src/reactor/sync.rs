//! What threads share, in one place: `tests/duty.rs` puts loom's there instead, which tries the interleavings.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::{self, Thread};

use std::sync::PoisonError;

/// Locks. Foreign code never runs under the locks of this crate, and none guards what a panic could leave half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
