//! Notes that travellers leave at places, for whoever comes by.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::Point;

/// How much is remembered. What is over a limit is forgotten, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Notes at one place.
    pub per_place: usize,
    /// Notes at all places together.
    pub notes: usize,
    /// Bytes of text of all notes together.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_place: 100, notes: 10_000, bytes: 16 * 1024 * 1024 }
    }
}

/// The notes of all callers. One value serves any number of them at a time: a note is added, and the notes before it are seen,
/// in one step.
#[derive(Debug, Default)]
pub struct Notes {
    limits: Limits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The notes at each place, oldest first; no place without a note.
    places: HashMap<Point, VecDeque<Note>>,
    /// Where each note is, oldest first. Holds exactly the numbers in `places`.
    order: BTreeMap<u64, Point>,
    /// The sum of the lengths of all texts.
    bytes: usize,
    next_number: u64,
}

#[derive(Debug)]
struct Note {
    number: u64,
    text: Arc<str>,
}

impl Notes {
    /// No notes yet, and at most `limits` of them ever.
    pub fn new(limits: Limits) -> Self {
        Self { limits, kept: Mutex::default() }
    }

    /// Leaves a note at a place; gives the notes that were there before it, oldest first.
    pub fn leave(&self, place: Point, text: &str) -> Vec<Arc<str>> {
        let text = Arc::from(text);
        // No code that could panic halfway runs under the lock: what a panic elsewhere left behind is whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).leave(&self.limits, place, text)
    }
}

impl Kept {
    fn leave(&mut self, limits: &Limits, place: Point, text: Arc<str>) -> Vec<Arc<str>> {
        let number = self.next_number;
        self.next_number += 1;
        self.bytes += text.len();
        self.order.insert(number, place);
        let here = self.places.entry(place).or_default();
        let earlier = here.iter().map(|note| Arc::clone(&note.text)).collect();
        here.push_back(Note { number, text });
        if here.len() > limits.per_place {
            self.forget_oldest_at(place);
        }
        while self.order.len() > limits.notes || self.bytes > limits.bytes {
            let Some((_, &place)) = self.order.first_key_value() else { break };
            self.forget_oldest_at(place);
        }
        earlier
    }

    fn forget_oldest_at(&mut self, place: Point) {
        let Some(here) = self.places.get_mut(&place) else { return };
        if let Some(note) = here.pop_front() {
            self.order.remove(&note.number);
            self.bytes -= note.text.len();
        }
        if here.is_empty() {
            self.places.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Point = Point::new(0, 1);
    const THERE: Point = Point::new(1, 0);

    fn leave(notes: &Notes, place: Point, text: &str) -> Vec<String> {
        notes.leave(place, text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn earlier_notes_of_the_same_place_in_order() {
        let notes = Notes::default();
        assert!(leave(&notes, HERE, "one").is_empty());
        assert!(leave(&notes, THERE, "elsewhere").is_empty());
        assert_eq!(leave(&notes, HERE, "two"), ["one"]);
        assert_eq!(leave(&notes, HERE, "two"), ["one", "two"]);
        assert_eq!(leave(&notes, HERE, ""), ["one", "two", "two"]);
    }

    #[test]
    fn a_full_place_forgets_its_oldest() {
        let notes = Notes::new(Limits { per_place: 2, ..Limits::default() });
        leave(&notes, THERE, "stays");
        for text in ["1", "2", "3"] {
            leave(&notes, HERE, text);
        }
        assert_eq!(leave(&notes, HERE, "4"), ["2", "3"]);
        assert_eq!(leave(&notes, THERE, "more"), ["stays"]);
    }

    #[test]
    fn a_full_memory_forgets_the_oldest_of_all() {
        let notes = Notes::new(Limits { notes: 2, ..Limits::default() });
        leave(&notes, HERE, "oldest");
        leave(&notes, THERE, "1");
        leave(&notes, THERE, "2");
        assert!(leave(&notes, HERE, "again").is_empty());
        assert_eq!(leave(&notes, THERE, "3"), ["2"]);
    }

    #[test]
    fn a_note_over_the_limit_is_not_kept() {
        let notes = Notes::new(Limits { bytes: 10, ..Limits::default() });
        leave(&notes, HERE, "short");
        assert_eq!(leave(&notes, HERE, "much too long to keep"), ["short"]);
        assert!(leave(&notes, HERE, "x").is_empty());
    }

    #[test]
    fn many_callers_each_see_every_note_before_theirs() {
        let notes = Notes::new(Limits { per_place: 1_000, ..Limits::default() });
        let mut seen: Vec<usize> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..100).map(|_| notes.leave(HERE, "hi").len()).collect::<Vec<_>>()))
                .collect();
            callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
        });
        seen.sort_unstable();
        assert_eq!(seen, (0..800).collect::<Vec<_>>());
    }

    proptest! {
        /// Against the plainest model: one list of all notes, from which the limits take the oldest.
        #[test]
        fn keeps_what_a_plain_list_would(
            per_place in 1usize..4,
            notes in 1usize..8,
            bytes in 0usize..20,
            left in prop::collection::vec((0..4, "[a-z]{0,6}"), 0..60),
        ) {
            let limits = Limits { per_place, notes, bytes };
            let subject = Notes::new(limits);
            let mut model: Vec<(Point, String)> = Vec::new();
            for (place, text) in left {
                let place = Point::new(place, 0);
                let earlier: Vec<String> =
                    model.iter().filter(|(at, _)| *at == place).map(|(_, text)| text.clone()).collect();
                prop_assert_eq!(leave(&subject, place, &text), earlier.clone());
                model.push((place, text));
                if earlier.len() + 1 > per_place {
                    let oldest = model.iter().position(|(at, _)| *at == place).unwrap();
                    model.remove(oldest);
                }
                while model.len() > notes || model.iter().map(|(_, text)| text.len()).sum::<usize>() > bytes {
                    model.remove(0);
                }
            }
            let kept = subject.kept.lock().unwrap();
            prop_assert_eq!(kept.order.len(), model.len());
            prop_assert_eq!(kept.places.values().map(VecDeque::len).sum::<usize>(), model.len());
            prop_assert_eq!(kept.bytes, model.iter().map(|(_, text)| text.len()).sum::<usize>());
            prop_assert!(kept.places.values().all(|place| !place.is_empty()));
        }
    }
}
