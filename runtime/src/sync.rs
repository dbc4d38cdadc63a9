//! Locks. What is tried in all interleavings takes them from here: its tests put loom's in this place.

use std::sync::PoisonError;
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Locks, also after a panic under the lock. No foreign code runs there, so that would be a fault of ours; the others go on as
/// far as they can.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
