/// Values under numbers that rise: they come at the end or nearly, go from anywhere, and are seen in the order of their numbers.
///
/// Each takes a logarithm of their number, over time. A tree of the standard library does so too; five of them were a sixth of
/// what the compiler made of this crate.
#[derive(Debug)]
pub(crate) struct Numbered<V> {
    /// In the order of the numbers. `None` is gone: there are no more of those than of the others.
    entries: Vec<(u64, Option<V>)>,
    /// The first `gone` are all gone, and the next is not.
    gone: usize,
    live: usize,
    next: u64,
}

impl<V> Default for Numbered<V> {
    fn default() -> Self {
        Self { entries: Vec::new(), gone: 0, live: 0, next: 0 }
    }
}

impl<V> Numbered<V> {
    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Adds a value under the next number, and says which that is.
    pub(crate) fn push(&mut self, value: V) -> u64 {
        let number = self.next;
        self.insert(number, value);
        number
    }

    /// Puts a value under that number, in place of what may be there.
    pub(crate) fn insert(&mut self, number: u64, value: V) {
        self.next = self.next.max(number.saturating_add(1));
        let place = self.entries.partition_point(|(before, _)| *before < number);
        self.gone = self.gone.min(place);
        match self.entries.get_mut(place) {
            Some((there, held)) if *there == number => {
                self.live += usize::from(held.is_none());
                *held = Some(value);
            }
            _ => {
                self.live += 1;
                self.entries.insert(place, (number, Some(value)));
            }
        }
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut V> {
        self.place(number)?.as_mut()
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<V> {
        let value = self.place(number)?.take()?;
        self.live -= 1;
        self.tidy();
        Some(value)
    }

    /// The lowest number.
    pub(crate) fn first(&self) -> Option<u64> {
        self.entries.get(self.gone).map(|(number, _)| *number)
    }

    /// Takes the value of the lowest number.
    pub(crate) fn pop_first(&mut self) -> Option<V> {
        self.remove(self.first()?)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().filter_map(|(_, value)| value.as_ref())
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().filter_map(|(_, value)| value.as_mut())
    }

    fn place(&mut self, number: u64) -> Option<&mut Option<V>> {
        let place = self.entries.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&mut self.entries.get_mut(place)?.1)
    }

    /// Finds the first again, and lets go of the memory of those that are gone where they are more than the others.
    fn tidy(&mut self) {
        if self.entries.len() > self.live.saturating_mul(2) {
            self.entries.retain(|(_, value)| value.is_some());
            self.entries.shrink_to(self.live.saturating_mul(2));
            self.gone = 0;
        }
        while let Some((_, None)) = self.entries.get(self.gone) {
            self.gone += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Push,
        Insert(u64),
        Change(u64),
        Remove(u64),
        PopFirst,
    }

    fn op() -> impl Strategy<Value = Op> {
        let number = 0..40_u64;
        prop_oneof![
            4 => Just(Op::Push),
            1 => number.clone().prop_map(Op::Insert),
            1 => number.clone().prop_map(Op::Change),
            4 => number.prop_map(Op::Remove),
            1 => Just(Op::PopFirst),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_map(ops in prop::collection::vec(op(), 0..200)) {
            let (mut numbered, mut map) = (Numbered::default(), BTreeMap::new());
            for (value, op) in ops.into_iter().enumerate() {
                match op {
                    Op::Push => {
                        let number = numbered.push(value);
                        prop_assert!(map.keys().all(|key| *key < number));
                        map.insert(number, value);
                    }
                    Op::Insert(number) => {
                        numbered.insert(number, value);
                        map.insert(number, value);
                    }
                    Op::Change(number) => {
                        let there = numbered.get_mut(number).map(|there| core::mem::replace(there, value));
                        prop_assert_eq!(there, map.get_mut(&number).map(|there| core::mem::replace(there, value)));
                    }
                    Op::Remove(number) => prop_assert_eq!(numbered.remove(number), map.remove(&number)),
                    Op::PopFirst => prop_assert_eq!(numbered.pop_first(), map.pop_first().map(|(_, value)| value)),
                }
                prop_assert_eq!((numbered.len(), numbered.is_empty()), (map.len(), map.is_empty()));
                prop_assert_eq!(numbered.first(), map.keys().next().copied());
                prop_assert!(numbered.values().eq(map.values()) && numbered.values_mut().eq(map.values_mut()));
                prop_assert!(numbered.entries.len() <= 2 * numbered.len());
            }
        }
    }

    #[test]
    fn one_that_stays_does_not_hold_on_to_those_that_go() {
        let mut numbered = Numbered::default();
        for _ in 0..1000 {
            numbered.push(());
        }
        for number in 1..1000 {
            numbered.remove(number);
        }
        for _ in 0..1000 {
            let number = numbered.push(());
            numbered.remove(number);
        }
        assert_eq!((numbered.len(), numbered.first()), (1, Some(0)));
        assert!(numbered.entries.capacity() < 10, "room for {}", numbered.entries.capacity());
    }
}
