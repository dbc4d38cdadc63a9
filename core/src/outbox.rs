use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, BufMut, Bytes};

/// Payloads of at most this many bytes are copied into the arena: cheaper than a reference count and a slice of their
/// own in the gathered write.
const COPY_AT_MOST: usize = 1024;

/// Bytes on their way to the socket: frame heads and small payloads in one arena, large payloads shared.
///
/// The outbox belongs to the driver's thread and is lent to [`poll_transmit`]; a driver writes it with one gathered
/// write ([`Buf::chunks_vectored`]) and [`advance`]s it by what the socket took.
///
/// [`poll_transmit`]: crate::http2::Connection::poll_transmit
/// [`advance`]: Buf::advance
#[derive(Debug, Default)]
pub struct Outbox {
    arena: Vec<u8>,
    /// Everything before this index of `arena` has been sent. `sent <= arena.len()`.
    sent: usize,
    /// Shared payloads in order of sending, each after the arena bytes that end at `after`; `after` never falls.
    shared: VecDeque<Shared>,
    /// All bytes not yet sent.
    remaining: usize,
}

#[derive(Debug)]
struct Shared {
    after: usize,
    payload: Bytes,
}

impl Outbox {
    /// An empty outbox. It allocates with the first byte.
    pub const fn new() -> Self {
        Self { arena: Vec::new(), sent: 0, shared: VecDeque::new(), remaining: 0 }
    }

    /// Bytes not yet sent.
    pub const fn len(&self) -> usize {
        self.remaining
    }

    /// Whether nothing waits to be sent.
    pub const fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.shared.clear();
        self.sent = 0;
        self.remaining = 0;
    }

    /// Moves all that is unsent to the end of `rest`, in order.
    pub fn move_to(&mut self, rest: &mut Self) {
        while self.has_remaining() {
            let n = if let Some(shared) = self.shared.front_mut()
                && shared.after == self.sent
            {
                let payload = core::mem::take(&mut shared.payload);
                let n = payload.len();
                rest.put_bytes(payload);
                n
            } else {
                let chunk = self.chunk();
                rest.put_slice(chunk);
                chunk.len()
            };
            self.pass(n);
        }
        self.clear();
    }

    /// Gives back memory beyond `capacity` bytes, as far as nothing unsent is in it.
    #[expect(clippy::arithmetic_side_effects, reason = "it has a size")]
    pub fn shrink_to(&mut self, capacity: usize) {
        if self.is_empty() {
            self.clear();
        }
        self.arena.shrink_to(capacity);
        self.shared.shrink_to(capacity / size_of::<Shared>());
    }

    /// Appends a copy of `bytes`.
    #[expect(clippy::arithmetic_side_effects, reason = "what goes out at once is a budget and a frame")]
    pub(crate) fn put_slice(&mut self, bytes: &[u8]) {
        self.arena.put_slice(bytes);
        self.remaining += bytes.len();
    }

    /// Appends `payload`: a copy where it is small, a reference where it is not.
    #[expect(clippy::arithmetic_side_effects, reason = "what goes out at once is a budget and a frame")]
    pub(crate) fn put_bytes(&mut self, payload: Bytes) {
        if payload.len() <= COPY_AT_MOST {
            self.put_slice(&payload);
        } else {
            self.remaining += payload.len();
            self.shared.push_back(Shared { after: self.arena.len(), payload });
        }
    }

    /// Lets `write` append to the arena and answers how many bytes it appended.
    ///
    /// `write` must only append: what is there already may be half sent.
    #[expect(clippy::arithmetic_side_effects, reason = "what goes out at once is a budget and a frame")]
    pub(crate) fn write_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let before = self.arena.len();
        write(&mut self.arena);
        let written = self.arena.len().saturating_sub(before);
        self.remaining += written;
        written
    }

    /// The arena bytes that go next, up to the next shared payload.
    fn arena_chunk(&self) -> &[u8] {
        let end = self.shared.front().map_or(self.arena.len(), |shared| shared.after);
        self.arena.get(self.sent..end).unwrap_or_default()
    }

    /// `n` bytes of the current chunk are gone.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a chunk is part of what remains, and of the arena if it lies there"
    )]
    fn pass(&mut self, n: usize) {
        self.remaining -= n;
        if let Some(shared) = self.shared.front_mut()
            && shared.after == self.sent
        {
            if n >= shared.payload.len() {
                self.shared.pop_front();
            } else {
                shared.payload.advance(n);
            }
        } else {
            self.sent += n;
        }
        if self.remaining == 0 {
            self.clear();
        }
    }
}

impl Buf for Outbox {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        match self.shared.front() {
            Some(shared) if shared.after == self.sent => &shared.payload,
            _ => self.arena_chunk(),
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "a step is at most `n`")]
    fn advance(&mut self, mut n: usize) {
        assert!(n <= self.remaining, "cannot advance past the end of the outbox");
        while n > 0 {
            let step = n.min(self.chunk().len());
            self.pass(step);
            n -= step;
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "no more than there are slices")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut at = self.sent;
        let mut shared = self.shared.iter();
        loop {
            let next = shared.next();
            let end = next.map_or(self.arena.len(), |shared| shared.after);
            let from_arena = self.arena.get(at..end).unwrap_or_default();
            for chunk in [from_arena, next.map_or(&[][..], |shared| &shared.payload[..])] {
                if !chunk.is_empty() {
                    let Some(slot) = slices.get_mut(filled) else { return filled };
                    *slot = IoSlice::new(chunk);
                    filled += 1;
                }
            }
            if next.is_none() {
                return filled;
            }
            at = end;
        }
    }
}

#[cfg(test)]
mod tests;
