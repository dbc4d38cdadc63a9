//! What is to happen, by time.

use core::task::Waker;
use std::collections::BTreeMap;

use unwired::Instant;

use crate::network::{ConnectionId, HostId, Side};
use crate::random::Random;

/// What happens at its time.
#[derive(Debug)]
pub(crate) enum Due {
    /// A timer rings.
    Timer(Waker),
    /// The next segment from that side is where it goes.
    Deliver(ConnectionId, Side),
    /// What that side has sent was not acknowledged for too long.
    GiveUp(ConnectionId, Side),
    /// A partition that came by chance ends.
    Heal(HostId, HostId),
}

impl Due {
    /// Whether it happens by itself: a simulation with such things to come is not idle.
    const fn is_on_its_way(&self) -> bool {
        matches!(self, Self::Deliver(..) | Self::Heal(..))
    }
}

/// Where something stands on the agenda. What is due at the same time comes in an order that the seed decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    tie: u64,
    number: u64,
}

/// All that is to happen.
#[derive(Debug)]
pub(crate) struct Agenda {
    entries: BTreeMap<Entry, Due>,
    random: Random,
    numbers: u64,
    on_their_way: usize,
}

impl Agenda {
    pub(crate) const fn new(random: Random) -> Self {
        Self { entries: BTreeMap::new(), random, numbers: 0, on_their_way: 0 }
    }

    pub(crate) fn add(&mut self, at: Instant, due: Due) -> Entry {
        self.numbers += 1;
        self.on_their_way += usize::from(due.is_on_its_way());
        let entry = Entry { at, tie: self.random.next_u64(), number: self.numbers };
        self.entries.insert(entry, due);
        entry
    }

    /// Takes an entry off, if it is still there.
    pub(crate) fn remove(&mut self, entry: Entry) -> Option<Due> {
        let due = self.entries.remove(&entry)?;
        self.on_their_way -= usize::from(due.is_on_its_way());
        Some(due)
    }

    /// When the next thing happens.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|(entry, _)| entry.at)
    }

    /// The next thing that is due at `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Due> {
        let (&entry, _) = self.entries.first_key_value().filter(|(entry, _)| entry.at <= now)?;
        self.remove(entry)
    }

    /// Whether anything happens without a timer.
    pub(crate) const fn has_more_on_its_way(&self) -> bool {
        self.on_their_way > 0
    }

    pub(crate) fn clear(&mut self) -> Vec<Due> {
        self.on_their_way = 0;
        core::mem::take(&mut self.entries).into_values().collect()
    }
}
