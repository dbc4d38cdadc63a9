use std::collections::HashSet;
use std::hash::Hash;

use unwired_core::Instant;

use crate::octets::{Malformed, Reader};
use crate::recorder::Clock;
use crate::values::Value;

/// A recording that is read while it is played; `K` names calls or streams.
pub(crate) struct Script<'a, K> {
    pub(crate) reader: Reader<'a>,
    clock: Clock,
    /// By number; one that was refused, then or now, is none.
    keys: Vec<Option<K>>,
    known: HashSet<K>,
}

impl<'a, K: Copy + Eq + Hash> Script<'a, K> {
    pub(crate) fn new(reader: Reader<'a>) -> Self {
        Self { reader, clock: Clock(Instant::ZERO), keys: Vec::new(), known: HashSet::new() }
    }

    pub(crate) fn time(&mut self) -> Result<Instant, Malformed> {
        self.clock.read(&mut self.reader)
    }

    pub(crate) fn value<V: Value>(&mut self) -> Result<V, Malformed> {
        V::take(&mut self.reader)
    }

    /// The call or stream that the next number names, if it is there this time as well.
    pub(crate) fn key(&mut self) -> Result<Option<K>, Malformed> {
        let number = self.reader.size()?;
        Ok(self.keys.get(number).copied().flatten())
    }

    pub(crate) fn name(&mut self, key: Option<K>) {
        self.known.extend(key);
        self.keys.push(key);
    }

    pub(crate) fn name_once(&mut self, key: K) {
        if !self.known.contains(&key) {
            self.name(Some(key));
        }
    }
}
