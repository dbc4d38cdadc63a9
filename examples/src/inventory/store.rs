//! What is in the store.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many items a store keeps unless it is told otherwise: with [`LONGEST_NAME`], what all callers together can make it hold.
pub const MOST_ITEMS: usize = 10_000;

/// The longest name of an item, in bytes.
pub const LONGEST_NAME: usize = 256;

/// Something in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is called: no two items have the same name.
    pub name: String,
    /// How many of it there are.
    pub quantity: u32,
}

/// Items by their names. One value serves any number of callers at a time.
#[derive(Debug)]
pub struct Store {
    most: usize,
    quantities: Mutex<BTreeMap<String, u32>>,
}

/// Why the store does not do what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An item without a name.
    NoName,
    /// A name of this many bytes, which are more than [`LONGEST_NAME`].
    LongName(usize),
    /// An item of this name is there already.
    Duplicate(String),
    /// No item of this name is there.
    Unknown(String),
    /// The store has this many items, and takes no more.
    Full(usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("an item needs a name"),
            Self::LongName(length) => {
                write!(f, "a name of {length} bytes is too long: {LONGEST_NAME} is the most")
            }
            Self::Duplicate(name) => write!(f, "there is an item {name:?} already"),
            Self::Unknown(name) => write!(f, "there is no item {name:?}"),
            Self::Full(items) => write!(f, "the store is full: it has {items} items"),
        }
    }
}

impl std::error::Error for Refusal {}

impl Default for Store {
    fn default() -> Self {
        Self::new(MOST_ITEMS)
    }
}

impl Store {
    /// A store for `most` items, with none so far.
    pub fn new(most: usize) -> Self {
        Self { most, quantities: Mutex::default() }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.quantities().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an item; gives how many there are with it.
    ///
    /// # Errors
    /// [`Refusal`] for a name that is empty, too long or taken, and when the store is full.
    pub fn add(&self, item: Item) -> Result<usize, Refusal> {
        check(&item.name)?;
        let mut quantities = self.quantities();
        if quantities.contains_key(&item.name) {
            return Err(Refusal::Duplicate(item.name));
        }
        if quantities.len() >= self.most {
            return Err(Refusal::Full(quantities.len()));
        }
        quantities.insert(item.name, item.quantity);
        Ok(quantities.len())
    }

    /// The item of that name.
    ///
    /// # Errors
    /// [`Refusal`] when there is none, or no item can have that name.
    pub fn get(&self, name: &str) -> Result<Item, Refusal> {
        check(name)?;
        match self.quantities().get(name) {
            Some(&quantity) => Ok(Item { name: name.to_owned(), quantity }),
            None => Err(Refusal::Unknown(name.to_owned())),
        }
    }

    /// The items whose names begin with `prefix`, in the order of their names. Each is looked up when its turn comes: a list that is
    /// read slowly holds up nobody and costs no memory.
    pub fn list(&self, prefix: String) -> impl Iterator<Item = Item> + Send + '_ {
        let mut last: Option<String> = None;
        std::iter::from_fn(move || {
            let quantities = self.quantities();
            let from = match &last {
                Some(name) => Bound::Excluded(name.as_str()),
                None => Bound::Included(prefix.as_str()),
            };
            let (name, &quantity) = quantities.range::<str, _>((from, Bound::Unbounded)).next()?;
            // Names that begin alike stand together: the first that does not ends the list.
            let item = name.starts_with(&prefix).then(|| Item { name: name.clone(), quantity })?;
            last = Some(item.name.clone());
            Some(item)
        })
    }

    fn quantities(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        // Nothing that holds the lock can leave the map half changed.
        self.quantities.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an item can have this name. A refusal may quote one that has passed: it is not too long for a status.
fn check(name: &str) -> Result<(), Refusal> {
    match name.len() {
        0 => Err(Refusal::NoName),
        1..=LONGEST_NAME => Ok(()),
        length => Err(Refusal::LongName(length)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(name: &str, quantity: u32) -> Item {
        Item { name: name.to_owned(), quantity }
    }

    fn names(store: &Store, prefix: &str) -> Vec<String> {
        store.list(prefix.to_owned()).map(|item| item.name).collect()
    }

    #[test]
    fn what_was_added_is_there() {
        let store = Store::default();
        assert!(store.is_empty());
        assert_eq!(store.add(item("pear", 3)), Ok(1));
        assert_eq!(store.add(item("apple", 0)), Ok(2));
        assert_eq!(store.get("pear"), Ok(item("pear", 3)));
        assert_eq!(store.get("apple"), Ok(item("apple", 0)));
    }

    #[test]
    fn refusals_change_nothing() {
        let store = Store::new(2);
        store.add(item("pear", 3)).unwrap();
        assert_eq!(store.add(item("pear", 4)), Err(Refusal::Duplicate("pear".to_owned())));
        assert_eq!(store.add(item("", 1)), Err(Refusal::NoName));
        assert_eq!(store.add(item(&"x".repeat(257), 1)), Err(Refusal::LongName(257)));
        assert_eq!(store.get("plum"), Err(Refusal::Unknown("plum".to_owned())));
        assert_eq!(store.get(""), Err(Refusal::NoName));
        assert_eq!(store.get(&"x".repeat(1 << 20)), Err(Refusal::LongName(1 << 20)));
        assert_eq!(store.list(String::new()).collect::<Vec<_>>(), [item("pear", 3)]);
    }

    #[test]
    fn a_full_store_takes_no_more() {
        let store = Store::new(2);
        assert_eq!(store.add(item(&"x".repeat(LONGEST_NAME), 1)), Ok(1));
        assert_eq!(store.add(item("b", 1)), Ok(2));
        assert_eq!(store.add(item("c", 1)), Err(Refusal::Full(2)));
        // Who asks twice for the same is told so rather than that there is no room.
        assert_eq!(store.add(item("b", 1)), Err(Refusal::Duplicate("b".to_owned())));
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn a_list_goes_on_behind_what_it_gave_last() {
        let store = Store::default();
        for name in ["b", "d"] {
            store.add(item(name, 1)).unwrap();
        }
        let mut list = store.list(String::new());
        assert_eq!(list.next(), Some(item("b", 1)));
        store.add(item("a", 1)).unwrap();
        store.add(item("c", 1)).unwrap();
        assert_eq!(list.map(|item| item.name).collect::<Vec<_>>(), ["c", "d"]);
    }

    #[test]
    fn of_many_callers_one_gets_the_name() {
        let store = Store::default();
        let added: usize = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|caller| {
                    let store = &store;
                    scope.spawn(move || {
                        (0..100).filter(|n| store.add(item(&n.to_string(), caller)).is_ok()).count()
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).sum()
        });
        assert_eq!((added, store.len()), (100, 100));
    }

    proptest! {
        #[test]
        fn lists_what_a_sorted_list_would(names_added in prop::collection::btree_set("[ab\u{e9}]{1,4}", 0..20), prefix in "[ab\u{e9}]{0,2}") {
            let store = Store::default();
            for name in names_added.iter().rev() {
                store.add(item(name, 1)).unwrap();
            }
            let expected: Vec<String> =
                names_added.iter().filter(|name| name.starts_with(&prefix)).cloned().collect();
            prop_assert_eq!(names(&store, &prefix), expected);
        }
    }
}
