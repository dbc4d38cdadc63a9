use std::collections::BTreeMap;
use std::sync::Mutex;
use std::task::Waker;

use unwired::Instant;

use super::sync::lock;

/// Who is to be woken, and when.
#[derive(Debug, Default)]
pub(super) struct Timers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<Key, Waker>,
    next: u64,
}

/// One that waits: of several at one time the number tells which.
pub(crate) type Key = (Instant, u64);

impl Timers {
    /// Wakes `waker` at that time. The answer says whether it is the first of all now.
    pub(super) fn add(&self, at: Instant, waker: &Waker) -> (Key, bool) {
        let mut state = lock(&self.0);
        let key = (at, state.next);
        state.next += 1;
        state.waiting.insert(key, waker.clone());
        (key, state.waiting.first_key_value().is_some_and(|(first, _)| *first == key))
    }

    /// Changes whom to wake. Answers whether the timer still waits.
    pub(super) fn update(&self, key: Key, waker: &Waker) -> bool {
        let mut state = lock(&self.0);
        let Some(there) = state.waiting.get_mut(&key) else { return false };
        if there.will_wake(waker) {
            return true;
        }
        let replaced = std::mem::replace(there, waker.clone());
        drop(state);
        drop(replaced);
        true
    }

    /// Forgets it.
    pub(super) fn remove(&self, key: Key) {
        let removed = lock(&self.0).waiting.remove(&key);
        drop(removed);
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        lock(&self.0).waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes those that are due.
    pub(super) fn take_due(&self, now: Instant, woken: &mut Vec<Waker>) {
        let mut state = lock(&self.0);
        while let Some(entry) = state.waiting.first_entry()
            && entry.key().0 <= now
        {
            woken.push(entry.remove());
        }
    }
}
