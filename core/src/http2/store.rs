use std::collections::VecDeque;

use super::recv_buffer::RecvBuffer;
use super::sections::Sections;
use super::stream::Stream;
use super::{Fields, StreamId};

/// Names a stream of one connection, before and after it has a number on the wire.
///
/// A key stays good until [`release`](super::Connection::release); after that it names nothing, also when its place is
/// used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamKey {
    slot: u32,
    generation: u32,
}

impl StreamKey {
    /// What names the one stream of whoever has no more.
    pub(crate) const FIRST: Self = Self { slot: 0, generation: 0 };

    /// A small number, unique among the streams of the connection that are not released: an index for side tables.
    pub const fn index(self) -> usize {
        self.slot as usize
    }

    /// The key of a stream that nobody opened.
    #[cfg(test)]
    pub(crate) const fn made_up(slot: u32) -> Self {
        Self { slot, generation: 1 }
    }
}

/// A queue that streams stand in. One stream is in at most one queue of each lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Queue {
    /// Something to encode that needs no window.
    Heads,
    /// DATA that the stream's window allows.
    Data,
    /// DATA that waits for a window worth sending into.
    Dribble,
    /// Credit to tell the peer of.
    Updates,
}

impl Queue {
    const COUNT: usize = 4;

    const fn lane(self) -> usize {
        match self {
            Self::Heads | Self::Data | Self::Dribble => 0,
            Self::Updates => 1,
        }
    }
}

const LANES: usize = 2;
const NONE: u32 = u32::MAX;

/// A stream's places in the queues.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Links([Link; LANES]);

#[derive(Clone, Copy, Debug)]
struct Link {
    queue: Option<Queue>,
    before: u32,
    after: u32,
}

impl Default for Link {
    fn default() -> Self {
        Self { queue: None, before: NONE, after: NONE }
    }
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u32,
    last: u32,
}

/// All streams of a connection: slots that are used again, a table of wire numbers, and the queues through the slots.
#[derive(Debug)]
pub(crate) struct Store {
    slots: Vec<Slot>,
    free: Vec<u32>,
    ids: IdTable,
    ends: [Ends; Queue::COUNT],
    sections: Sections,
    /// Counts the streams of the connection, so that a slot never has a generation twice, also after it was given back.
    generation: u32,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    used: bool,
    stream: Stream,
}

impl Store {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            ids: IdTable::new(seed),
            ends: [Ends { first: NONE, last: NONE }; Queue::COUNT],
            sections: Sections::default(),
            generation: 0,
        }
    }

    /// Takes a slot for a new stream.
    pub(crate) fn insert(&mut self) -> StreamKey {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.slots.get_mut(slot as usize)
        {
            place.used = true;
            place.generation = generation;
            return StreamKey { slot, generation };
        }
        // Slots are bounded by the limits on concurrent streams and by what the application does not release.
        let slot = self.slots.len() as u32;
        self.slots.push(Slot { generation, used: true, stream: Stream::new() });
        StreamKey { slot, generation }
    }

    /// Frees the slot of `key`.
    pub(crate) fn remove(&mut self, key: StreamKey) {
        if self.get(key).is_none() {
            return;
        }
        self.unlink(key.slot, 0);
        self.unlink(key.slot, 1);
        self.unbind(key);
        if let Some(place) = self.slots.get_mut(key.slot as usize) {
            let recv = &mut place.stream.recv;
            if recv.head.is_some() || recv.trailers.is_some() {
                self.sections.forget([&mut recv.head, &mut recv.trailers]);
            }
            place.stream.renew();
            place.used = false;
            self.free.push(key.slot);
        }
    }

    pub(crate) fn get(&self, key: StreamKey) -> Option<&Stream> {
        self.slots
            .get(key.slot as usize)
            .filter(|slot| slot.used && slot.generation == key.generation)
            .map(|slot| &slot.stream)
    }

    pub(crate) fn get_mut(&mut self, key: StreamKey) -> Option<&mut Stream> {
        slot_of(&mut self.slots, key).map(|slot| &mut slot.stream)
    }

    /// Keeps the head of a message until it is taken.
    #[inline]
    pub(crate) fn put_head(&mut self, key: StreamKey, fields: Fields) {
        if let Some(slot) = slot_of(&mut self.slots, key) {
            self.sections.put(&mut slot.stream.recv.head, fields);
        }
    }

    /// Keeps the trailers of a message until they are taken.
    #[inline]
    pub(crate) fn put_trailers(&mut self, key: StreamKey, fields: Fields) {
        if let Some(slot) = slot_of(&mut self.slots, key) {
            self.sections.put(&mut slot.stream.recv.trailers, fields);
        }
    }

    /// The head that was put there, then the trailers; each once.
    #[inline]
    pub(crate) fn take_section(&mut self, key: StreamKey) -> Option<Fields> {
        let recv = &mut slot_of(&mut self.slots, key)?.stream.recv;
        self.sections.take(&mut recv.head).or_else(|| self.sections.take(&mut recv.trailers))
    }

    /// The stream that has the number `id` on the wire now.
    pub(crate) fn find(&self, id: StreamId) -> Option<StreamKey> {
        let slot = self.ids.get(id)?;
        Some(StreamKey { slot, generation: self.slots.get(slot as usize)?.generation })
    }

    /// Gives the stream its number.
    pub(crate) fn bind(&mut self, key: StreamKey, id: StreamId) {
        if let Some(stream) = self.get_mut(key) {
            stream.id = Some(id);
            self.ids.insert(id, key.slot);
        }
    }

    /// The number is not in use any more. The stream still knows it.
    pub(crate) fn unbind(&mut self, key: StreamKey) {
        if let Some(id) = self.get(key).and_then(|stream| stream.id)
            && self.ids.get(id) == Some(key.slot)
        {
            self.ids.remove(id);
        }
    }

    /// The keys of all streams that are not released.
    pub(crate) fn keys(&self) -> Vec<StreamKey> {
        let keys = self.slots.iter().zip(0..).filter(|(slot, _)| slot.used);
        keys.map(|(slot, index)| StreamKey { slot: index, generation: slot.generation }).collect()
    }

    /// All streams that are not released.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (StreamKey, &mut Stream)> {
        self.slots
            .iter_mut()
            .zip(0..)
            .filter(|(slot, _)| slot.used)
            .map(|(slot, index)| (StreamKey { slot: index, generation: slot.generation }, &mut slot.stream))
    }

    /// Puts the stream at the end of `queue`, out of the queue of the same lane that it was in.
    pub(crate) fn push(&mut self, queue: Queue, key: StreamKey) {
        if self.get(key).is_none_or(|stream| {
            stream.links.0.get(queue.lane()).is_some_and(|link| link.queue == Some(queue))
        }) {
            return;
        }
        self.unlink(key.slot, queue.lane());
        let Some(ends) = self.ends.get_mut(queue as usize) else { return };
        let before = core::mem::replace(&mut ends.last, key.slot);
        if before == NONE {
            ends.first = key.slot;
        } else if let Some(link) = self.link(before, queue.lane()) {
            link.after = key.slot;
        }
        if let Some(link) = self.link(key.slot, queue.lane()) {
            *link = Link { queue: Some(queue), before, after: NONE };
        }
    }

    /// The first stream of `queue`.
    pub(crate) fn first(&self, queue: Queue) -> Option<StreamKey> {
        let slot = self.ends.get(queue as usize)?.first;
        Some(StreamKey { slot, generation: self.slots.get(slot as usize)?.generation })
    }

    /// Takes the first stream out of `queue`.
    pub(crate) fn pop(&mut self, queue: Queue) -> Option<StreamKey> {
        let key = self.first(queue)?;
        self.unlink(key.slot, queue.lane());
        Some(key)
    }

    /// Whether the stream stands in `queue`.
    pub(crate) fn is_in(&self, queue: Queue, key: StreamKey) -> bool {
        let link = self.get(key).and_then(|stream| stream.links.0.get(queue.lane()));
        link.is_some_and(|link| link.queue == Some(queue))
    }

    pub(crate) fn is_queue_empty(&self, queue: Queue) -> bool {
        self.ends.get(queue as usize).is_none_or(|ends| ends.first == NONE)
    }

    /// Takes the stream out of the queues of `queue`'s lane.
    pub(crate) fn leave(&mut self, queue: Queue, key: StreamKey) {
        if self.get(key).is_some() {
            self.unlink(key.slot, queue.lane());
        }
    }

    /// Gives back the memory of what is empty, also that of streams which go on, and of slots that were used in a burst.
    pub(crate) fn shrink(&mut self) {
        self.sections.shrink();
        let kept = self.slots.iter().rposition(|slot| slot.used).map_or(0, |last| last.saturating_add(1));
        self.slots.truncate(kept);
        self.slots.shrink_to_fit();
        for slot in &mut self.slots {
            if slot.stream.send.items.is_empty() {
                slot.stream.send.items = VecDeque::new();
            }
            if slot.stream.recv.buffer.data.is_empty() {
                slot.stream.recv.buffer = RecvBuffer::default();
            }
        }
        self.free.retain(|&slot| (slot as usize) < kept);
        self.free.shrink_to_fit();
        self.ids.shrink();
    }

    /// Bytes of memory held besides what is in the streams.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub(crate) fn capacity(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.free.capacity() * size_of::<u32>()
            + self.ids.capacity()
            + self.sections.capacity()
    }

    fn link(&mut self, slot: u32, lane: usize) -> Option<&mut Link> {
        self.slots.get_mut(slot as usize)?.stream.links.0.get_mut(lane)
    }

    fn unlink(&mut self, slot: u32, lane: usize) {
        let Some(link) = self.link(slot, lane) else { return };
        let Link { queue: Some(queue), before, after } = core::mem::take(link) else { return };
        if let Some(link) = self.link(before, lane) {
            link.after = after;
        } else if let Some(ends) = self.ends.get_mut(queue as usize) {
            ends.first = after;
        }
        if let Some(link) = self.link(after, lane) {
            link.before = before;
        } else if let Some(ends) = self.ends.get_mut(queue as usize) {
            ends.last = before;
        }
    }
}

/// The slot of `key`, for as long as that names a stream.
fn slot_of(slots: &mut [Slot], key: StreamKey) -> Option<&mut Slot> {
    slots.get_mut(key.slot as usize).filter(|slot| slot.used && slot.generation == key.generation)
}

/// Wire numbers to slots: open addressing, multiplicative hashing, at most a quarter full.
///
/// Numbers come in sequence and most of them are odd, which a plain remainder would crowd together.
#[derive(Debug)]
struct IdTable {
    /// `id` 0 marks an empty place: it is the connection's.
    places: Vec<(u32, u32)>,
    len: usize,
    factor: u32,
}

impl IdTable {
    const SMALLEST: usize = 16;

    const fn new(seed: u64) -> Self {
        // An odd factor keeps all numbers apart; the seed keeps a peer from choosing numbers that meet.
        Self { places: Vec::new(), len: 0, factor: (0x9e37_79b9 ^ (seed as u32 ^ (seed >> 32) as u32)) | 1 }
    }

    fn home(&self, id: u32) -> usize {
        let bits = self.places.len().trailing_zeros();
        (id.wrapping_mul(self.factor) >> u32::BITS.saturating_sub(bits)) as usize
    }

    /// The place of `id`, or the empty place where it would go.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a place takes 8 bytes of memory, and at most a quarter of them is used"
    )]
    fn place(&self, id: u32) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        let mut at = self.home(id);
        while let Some(&(there, _)) = self.places.get(at) {
            if there == id || there == 0 {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn get(&self, id: StreamId) -> Option<u32> {
        let &(there, slot) = self.places.get(self.place(id.get())?)?;
        (there != 0).then_some(slot)
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a place takes 8 bytes of memory, and at most a quarter of them is used"
    )]
    fn insert(&mut self, id: StreamId, slot: u32) {
        if (self.len + 1) * 4 > self.places.len() {
            self.resize(self.places.len().max(Self::SMALLEST / 2) * 2);
        }
        if let Some(at) = self.place(id.get())
            && let Some(place) = self.places.get_mut(at)
        {
            self.len += usize::from(place.0 == 0);
            *place = (id.get(), slot);
        }
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "`place` finds none in an empty table; a used place is counted"
    )]
    fn remove(&mut self, id: StreamId) {
        let Some(mut hole) = self.place(id.get()) else { return };
        let mask = self.places.len() - 1;
        if self.places.get(hole).is_none_or(|place| place.0 == 0) {
            return;
        }
        self.len -= 1;
        // Those behind move up, unless that would put them before their home.
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some(&place) = self.places.get(at) else { break };
            if place.0 == 0 {
                break;
            }
            let home = self.home(place.0);
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                if let Some(target) = self.places.get_mut(hole) {
                    *target = place;
                }
                hole = at;
            }
        }
        if let Some(place) = self.places.get_mut(hole) {
            *place = (0, 0);
        }
    }

    fn resize(&mut self, places: usize) {
        let old = core::mem::replace(&mut self.places, vec![(0, 0); places]);
        for place in old.into_iter().filter(|place| place.0 != 0) {
            if let Some(at) = self.place(place.0)
                && let Some(target) = self.places.get_mut(at)
            {
                *target = place;
            }
        }
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a place takes 8 bytes of memory, and at most a quarter of them is used"
    )]
    fn shrink(&mut self) {
        if self.len == 0 {
            self.places = Vec::new();
        } else if self.len * 16 < self.places.len() {
            self.resize((self.len * 4).next_power_of_two().max(Self::SMALLEST));
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    fn capacity(&self) -> usize {
        self.places.capacity() * size_of::<(u32, u32)>()
    }
}

#[cfg(test)]
mod tests;
