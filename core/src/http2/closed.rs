use super::StreamId;

/// How a stream came to its end (RFC 9113 §5.1, "closed").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Closing {
    /// END_STREAM of the peer: anything more on it is an error of the connection.
    PeerEnded,
    /// RST_STREAM of the peer: it sent that last, so nothing was under way.
    PeerReset,
    /// RST_STREAM of ours: what was under way then is let pass.
    Reset,
}

/// What is known of a stream number that is not in use and not above all that were.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Past {
    Closed(Closing),
    /// Never used: a higher number came first (RFC 9113 §5.1.1).
    Skipped,
    /// Too long ago to tell.
    Forgotten,
}

/// What is remembered of the last streams that were closed.
///
/// A stream's number is its place, so that the ring forgets by distance in numbers and not by what happened in between:
/// streams that the peer ended and streams that were reset never push each other out, and a number that is near enough
/// and has no entry was never used.
#[derive(Debug)]
pub(crate) struct ClosedStreams {
    /// Half the number, and how it was closed in the two lowest bits; 0 for none.
    ring: Vec<u32>,
    size: u32,
    /// The highest number that was ever closed.
    highest: StreamId,
    /// Numbers up to this one are forgotten.
    horizon: StreamId,
}

/// The two lowest bits of an entry. None is 0, which an empty one is.
const CLOSINGS: [Closing; 3] = [Closing::PeerEnded, Closing::PeerReset, Closing::Reset];

#[expect(clippy::arithmetic_side_effects, reason = "1 to 3")]
const fn entry(id: StreamId, closing: Closing) -> u32 {
    // Numbers of one side differ in half their value, and that has 30 bits.
    ((id.get() / 2) << 2) | (closing as u32 + 1)
}

impl ClosedStreams {
    /// Remembers the last `size` numbers of one side. Memory comes with the first closed stream.
    pub(crate) const fn new(size: u32) -> Self {
        let size = if size == 0 { 1 } else { size };
        Self { ring: Vec::new(), size, highest: StreamId::CONNECTION, horizon: StreamId::CONNECTION }
    }

    pub(crate) fn remember(&mut self, id: StreamId, closing: Closing) {
        if self.ring.is_empty() {
            self.ring = vec![0; self.size as usize];
        }
        self.highest = self.highest.max(id);
        if self.is_forgotten(id) {
            return;
        }
        let place = self.place(id);
        if let Some(place) = self.ring.get_mut(place) {
            *place = entry(id, closing);
        }
    }

    /// What became of `id`, which is not in use and not above all that were.
    pub(crate) fn recall(&self, id: StreamId) -> Past {
        if self.is_forgotten(id) {
            return Past::Forgotten;
        }
        let kept = self.ring.get(self.place(id)).copied().unwrap_or(0);
        let closing = CLOSINGS.into_iter().find(|&closing| entry(id, closing) == kept);
        closing.map_or(Past::Skipped, Past::Closed)
    }

    /// Forgets all and gives the memory back.
    pub(crate) fn forget(&mut self) {
        self.ring = Vec::new();
        self.horizon = self.highest;
    }

    fn is_forgotten(&self, id: StreamId) -> bool {
        id <= self.horizon || self.highest.get().saturating_sub(id.get()) / 2 >= self.size
    }

    #[expect(clippy::arithmetic_side_effects, reason = "`size` is at least 1")]
    const fn place(&self, id: StreamId) -> usize {
        (id.get() / 2 % self.size) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: u32) -> StreamId {
        StreamId::from_wire((2 * n + 1).to_be_bytes())
    }

    fn closing(n: u32) -> Closing {
        CLOSINGS[n as usize % CLOSINGS.len()]
    }

    #[test]
    fn the_last_streams_are_remembered_and_older_ones_forgotten() {
        let mut closed = ClosedStreams::new(8);
        for n in (0..20).filter(|n| n % 5 != 4) {
            closed.remember(id(n), closing(n));
        }
        for n in 0..19 {
            let expected = match n {
                0..=10 => Past::Forgotten,
                _ if n % 5 == 4 => Past::Skipped,
                _ => Past::Closed(closing(n)),
            };
            assert_eq!(closed.recall(id(n)), expected, "stream {n}");
        }
    }

    #[test]
    fn what_was_forgotten_is_not_taken_for_skipped() {
        let mut closed = ClosedStreams::new(8);
        closed.remember(id(3), Closing::Reset);
        closed.forget();
        assert_eq!(closed.recall(id(3)), Past::Forgotten);
        closed.remember(id(4), Closing::Reset);
        assert_eq!(closed.recall(id(2)), Past::Forgotten);
        assert_eq!(closed.recall(id(4)), Past::Closed(Closing::Reset));
    }

    proptest! {
        /// Against a map of all that was ever closed: near enough it says what became of a stream, further away nothing.
        #[test]
        fn remembers_as_a_map_does_but_for_what_is_long_past(
            size in 1..12_u32,
            ops in proptest::collection::vec((0..40_u32, prop_oneof![9 => (0..3_u32).prop_map(Some), 1 => Just(None)]), 0..60),
        ) {
            let mut closed = ClosedStreams::new(size);
            let mut map = std::collections::BTreeMap::new();
            let (mut highest, mut horizon) = (0, 0);
            for (n, how) in ops {
                match how {
                    Some(how) if !map.contains_key(&n) => {
                        closed.remember(id(n), closing(how));
                        map.insert(n, closing(how));
                        highest = highest.max(n);
                    }
                    Some(_) => {}
                    None => {
                        closed.forget();
                        horizon = if map.is_empty() { 0 } else { highest + 1 };
                    }
                }
                for n in 0..=highest {
                    let expected = match map.get(&n) {
                        _ if n < horizon || highest - n >= size => Past::Forgotten,
                        Some(&closing) => Past::Closed(closing),
                        None => Past::Skipped,
                    };
                    prop_assert_eq!(closed.recall(id(n)), expected, "stream {} of {}", n, highest);
                }
            }
        }
    }
}
