//! What was received.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::route_guide::Feature;

/// What is taken and how much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest id of a delivery, in bytes.
    pub id: usize,
    /// The longest name of a feature, in bytes.
    pub name: usize,
    /// How many ids are remembered. Of more, the oldest are forgotten: a delivery that comes again so late counts as a new one.
    pub remembered: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { id: 64, name: 1_024, remembered: 100_000 }
    }
}

/// Counts features. One value serves any number of callers at a time.
#[derive(Debug, Default)]
pub struct Ledger {
    limits: Limits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    received: u64,
    /// The ids of the last deliveries, oldest first.
    order: VecDeque<Arc<str>>,
    /// The same ids.
    ids: HashSet<Arc<str>>,
}

/// A feature was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many there are, each counted once.
    pub count: u64,
    /// Whether this one was there already.
    pub repeated: bool,
}

/// Why a delivery is not received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no id to recognise it by.
    NoId,
    /// The id has more bytes than are remembered.
    LongId(usize),
    /// The feature is nowhere on the globe.
    OffTheGlobe(Feature),
    /// The name has too many bytes.
    LongName(usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoId => f.write_str("the delivery has no id"),
            Self::LongId(length) => write!(f, "an id of {length} bytes is too long"),
            Self::OffTheGlobe(feature) => write!(f, "{} is not on the globe", feature.location),
            Self::LongName(length) => write!(f, "a name of {length} bytes is too long"),
        }
    }
}

impl std::error::Error for Refusal {}

impl Ledger {
    /// Nothing received yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, kept: Mutex::default() }
    }

    /// How many features were received, each counted once.
    pub fn count(&self) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).received
    }

    /// Receives a feature, unless the delivery of that id was received before.
    ///
    /// # Errors
    /// [`Refusal`], and nothing is counted, when the id or the feature is not as it should be.
    pub fn receive(&self, id: &str, feature: Feature) -> Result<Received, Refusal> {
        if id.is_empty() {
            return Err(Refusal::NoId);
        }
        if id.len() > self.limits.id {
            return Err(Refusal::LongId(id.len()));
        }
        if feature.name.len() > self.limits.name {
            return Err(Refusal::LongName(feature.name.len()));
        }
        if !feature.location.is_on_the_globe() {
            return Err(Refusal::OffTheGlobe(feature));
        }
        // Nothing that holds the lock can leave it half changed.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let repeated = kept.ids.contains(id);
        if !repeated {
            kept.received += 1;
            kept.remember(id.into(), self.limits.remembered);
        }
        Ok(Received { count: kept.received, repeated })
    }
}

impl Kept {
    fn remember(&mut self, id: Arc<str>, most: usize) {
        self.order.push_back(Arc::clone(&id));
        self.ids.insert(id);
        if self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route_guide::Point;

    fn feature(name: &str, latitude: i32) -> Feature {
        Feature { location: Point::new(latitude, 0), name: name.to_owned() }
    }

    fn received(count: u64, repeated: bool) -> Result<Received, Refusal> {
        Ok(Received { count, repeated })
    }

    #[test]
    fn each_delivery_counts_once() {
        let ledger = Ledger::default();
        assert_eq!(ledger.receive("a", feature("here", 1)), received(1, false));
        assert_eq!(ledger.receive("b", feature("here", 1)), received(2, false));
        assert_eq!(ledger.receive("a", feature("here", 1)), received(2, true));
        assert_eq!(ledger.receive("c", feature("", 2)), received(3, false));
        assert_eq!(ledger.count(), 3);
    }

    #[test]
    fn what_is_refused_is_not_counted() {
        let ledger = Ledger::new(Limits { id: 2, name: 3, remembered: 1 });
        for (id, feature, refusal) in [
            ("", feature("x", 1), Refusal::NoId),
            ("abc", feature("x", 1), Refusal::LongId(3)),
            ("a", feature("four", 1), Refusal::LongName(4)),
            ("a", feature("x", 900_000_001), Refusal::OffTheGlobe(feature("x", 900_000_001))),
        ] {
            assert_eq!(ledger.receive(id, feature), Err(refusal));
        }
        // Nor was its id taken.
        assert_eq!(ledger.receive("a", feature("abc", 1)), received(1, false));
    }

    #[test]
    fn the_oldest_ids_are_forgotten() {
        let ledger = Ledger::new(Limits { remembered: 2, ..Limits::default() });
        for id in ["a", "b", "c"] {
            ledger.receive(id, feature("", 0)).unwrap();
        }
        assert_eq!(ledger.receive("b", feature("", 0)), received(3, true));
        assert_eq!(ledger.receive("c", feature("", 0)), received(3, true));
        assert_eq!(ledger.receive("a", feature("", 0)), received(4, false));
        assert_eq!(ledger.kept.lock().unwrap().ids.len(), 2);
    }

    #[test]
    fn of_many_callers_with_one_id_one_counts() {
        let ledger = Ledger::default();
        let new: usize = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let receive = |n: &u32| ledger.receive(&n.to_string(), feature("", 0)).unwrap();
                        (0..100).map(|n| receive(&n)).filter(|received| !received.repeated).count()
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).sum()
        });
        assert_eq!((new, ledger.count()), (100, 100));
    }
}
