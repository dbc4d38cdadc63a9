//! DATA of one stream that the application has not taken, in one piece of memory that never outgrows what the stream's
//! window lets in.

use bytes::BytesMut;

/// From here on a buffer is moved by its allocator where that can be, and not by us: those of this size need not be
/// copied for it.
const MOVED_BY_ALLOCATOR: usize = 64 << 10;

/// From here on there is room for more than what has come, octets.
const LONG: usize = 8 << 10;
/// For how many times as much.
const LONG_AHEAD: usize = 4;
/// From here on there is room for all that may come, octets.
const LARGE: usize = 64 << 10;

#[derive(Debug, Default)]
pub(crate) struct RecvBuffer {
    pub(crate) data: BytesMut,
    /// Where `data` began when memory was last got for it: as long as it still does, nothing of it has been taken.
    start: usize,
}

/// A buffer that is not larger stays with its slot, for the next stream.
const KEPT: usize = 1 << 10;

impl RecvBuffer {
    /// Forgets what is there, and keeps a small buffer.
    pub(crate) fn renew(&mut self) {
        self.data.clear();
        self.tidy();
    }

    /// Lets go of an empty buffer that is not worth keeping. Of one whose beginning was taken nobody can say how much memory
    /// it holds.
    pub(crate) fn tidy(&mut self) {
        let is_whole = self.data.as_ptr() as usize == self.start;
        if self.data.is_empty() && (!is_whole || self.data.capacity() > KEPT) {
            *self = Self::default();
        }
    }

    /// Puts `octets` behind what is there; `to_come` more may follow, as things stand.
    ///
    /// Memory is got by doubling or more, but in steps that meet at what may come in all: a buffer that doubled from
    /// wherever it stands would hold up to twice the window that was given for it.
    #[expect(clippy::arithmetic_side_effects, reason = "a length is at most the capacity")]
    pub(crate) fn extend(&mut self, octets: &[u8], to_come: usize) {
        let Self { data, start } = self;
        // What was taken ahead of it is not used again, though it may have been let go of by now: when it is lies with the
        // application, and what a connection answers must not hang on that.
        if data.capacity() - data.len() < octets.len() {
            let length = data.len().saturating_add(octets.len());
            let most = length.saturating_add(to_come);
            let room = match length {
                // Where so much is here the rest is, too, before long: it is not moved again.
                LARGE.. => most,
                // What comes in long frames goes on.
                LONG.. => step(most, length.saturating_mul(LONG_AHEAD).min(most)),
                // A message that comes in one piece gets exactly that.
                _ if data.is_empty() => length,
                _ => step(most, length),
            };
            // Only a buffer that begins where its memory does gets exactly what it asks for.
            let in_place = data.capacity() >= MOVED_BY_ALLOCATOR
                && room / 2 >= data.capacity()
                && data.as_ptr() as usize == *start;
            if in_place {
                data.reserve(room.saturating_sub(data.len()));
            } else {
                let mut larger = BytesMut::with_capacity(room);
                larger.extend_from_slice(data);
                *data = larger;
            }
            *start = data.as_ptr() as usize;
        }
        data.extend_from_slice(octets);
    }
}

/// Of `most`, a half of it, a quarter and so on, the least that is not below `least`, which is not 0; or `least`, if that is
/// more than all of them.
pub(crate) fn step(most: usize, least: usize) -> usize {
    match most.checked_div(least).and_then(usize::checked_ilog2) {
        Some(halvings) => most >> halvings,
        None => least,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn steps_are_halves_of_the_most() {
        assert_eq!(
            [1, 10, 25, 26, 50, 51, 100, 101].map(|least| step(100, least)),
            [1, 12, 25, 50, 50, 100, 100, 101]
        );
        assert_eq!(step(0, 5), 5);
    }

    proptest! {
        /// Whatever comes and is taken: the octets are right, and the memory is no more than the window.
        #[test]
        fn a_buffer_holds_no_more_than_may_come(
            window in 1..300_000_usize,
            pieces in proptest::collection::vec((1..40_000_usize, 0..50_000_usize), 1..60),
        ) {
            let mut buffer = RecvBuffer::default();
            let (mut came, mut taken) = (0_usize, 0_usize);
            for (length, take) in pieces {
                let length = length.min(window - buffer.data.len());
                let octets: Vec<u8> = (came..came + length).map(|n| n as u8).collect();
                buffer.extend(&octets, window - buffer.data.len() - length);
                came += length;
                prop_assert!(buffer.data.capacity() <= window, "{} of {window}", buffer.data.capacity());
                let take = take.min(buffer.data.len());
                prop_assert!(buffer.data[..take].iter().enumerate().all(|(n, &octet)| octet == (taken + n) as u8));
                buffer.data.advance(take);
                taken += take;
            }
        }
    }
}
