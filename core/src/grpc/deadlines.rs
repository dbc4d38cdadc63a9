use core::cmp::Reverse;
use std::collections::BinaryHeap;

use super::CallId;
use crate::Instant;

/// Deadlines of calls. Those of calls that have ended are left in the heap until they come up, and swept out when they
/// are most of it.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, CallId)>>,
    /// Deadlines that are still meant.
    live: usize,
}

/// So many stale deadlines are never worth a sweep.
const SWEEP_FROM: usize = 64;

impl Deadlines {
    #[expect(clippy::arithmetic_side_effects, reason = "no more than calls")]
    pub(crate) fn add(&mut self, at: Instant, call: CallId) {
        self.heap.push(Reverse((at, call)));
        self.live += 1;
    }

    /// A call with a deadline has ended; `is_live` tells whether another has.
    #[expect(clippy::arithmetic_side_effects, reason = "each was added")]
    pub(crate) fn forget_one(&mut self, is_live: impl Fn(CallId) -> bool) {
        self.live -= 1;
        if self.live == 0 {
            self.heap.clear();
        } else if self.heap.len() > SWEEP_FROM && self.heap.len() / 2 > self.live {
            self.heap.retain(|&Reverse((_, call))| is_live(call));
        }
    }

    /// The earliest deadline; perhaps that of a call that has ended.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|&Reverse((at, _))| at)
    }

    /// Takes a call whose deadline is due at `now`; perhaps it has ended.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<CallId> {
        let &Reverse((at, call)) = self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop();
        Some(call)
    }

    pub(crate) fn shrink(&mut self) {
        if self.heap.is_empty() {
            self.heap.shrink_to_fit();
        }
    }
}
