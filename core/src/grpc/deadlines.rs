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

    /// A call that has a deadline has an earlier one. When the time of the other comes, the call has ended.
    pub(crate) fn bring_forward(&mut self, at: Instant, call: CallId) {
        self.heap.push(Reverse((at, call)));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::http2::StreamKey;

    fn call(n: u32) -> CallId {
        CallId(StreamKey::made_up(n))
    }

    proptest! {
        /// Against a map of the calls that live: none is due late or early, and what ended takes no memory for long.
        #[test]
        fn every_call_that_lives_is_due_in_its_time(
            ops in proptest::collection::vec((0..4_u8, 0..300_u64), 0..400),
        ) {
            let mut deadlines = Deadlines::default();
            let mut live: BTreeMap<CallId, Instant> = BTreeMap::new();
            let (mut now, mut next) = (Instant::ZERO, 0);
            for (what, how) in ops {
                match what {
                    0 | 1 => {
                        let at = now + core::time::Duration::from_nanos(how);
                        deadlines.add(at, call(next));
                        live.insert(call(next), at);
                        next += 1;
                    }
                    2 => {
                        let Some(&ended) = live.keys().nth(how as usize % live.len().max(1)) else { continue };
                        live.remove(&ended);
                        deadlines.forget_one(|call| live.contains_key(&call));
                    }
                    _ => now += core::time::Duration::from_nanos(how / 4),
                }
                while let Some(due) = deadlines.expire(now) {
                    let Some(at) = live.remove(&due) else { continue };
                    prop_assert!(at <= now, "due before its time");
                    deadlines.forget_one(|call| live.contains_key(&call));
                }
                prop_assert!(live.values().all(|&at| at > now), "late");
                prop_assert!(deadlines.next().is_none_or(|next| live.values().all(|&at| next <= at)));
                prop_assert!(deadlines.heap.len() <= SWEEP_FROM.max(2 * live.len() + 1));
            }
        }
    }
}
