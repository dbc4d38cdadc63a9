use crate::http2::StreamKey;

/// Names a call of one connection. It stays good until `release`; after that it names nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallId(pub(crate) StreamKey);

impl CallId {
    /// A call whose carrier carries no other.
    pub const ALONE: Self = Self(StreamKey::FIRST);

    /// A small number, unique among the calls of the connection that are not released: an index for side tables.
    pub const fn index(self) -> usize {
        self.0.index()
    }
}

/// Calls by their ids: the streams' own slots are the index.
#[derive(Debug)]
pub(crate) struct Table<C>(Vec<Option<(CallId, C)>>);

impl<C> Table<C> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "an index has 32 bits, and a table of as many entries would not fit memory that is less"
    )]
    pub(crate) fn insert(&mut self, id: CallId, call: C) {
        if self.0.len() <= id.index() {
            self.0.resize_with(id.index() + 1, || None);
        }
        if let Some(place) = self.0.get_mut(id.index()) {
            *place = Some((id, call));
        }
    }

    pub(crate) fn get(&self, id: CallId) -> Option<&C> {
        self.0.get(id.index())?.as_ref().filter(|(there, _)| *there == id).map(|(_, call)| call)
    }

    pub(crate) fn get_mut(&mut self, id: CallId) -> Option<&mut C> {
        self.0.get_mut(id.index())?.as_mut().filter(|(there, _)| *there == id).map(|(_, call)| call)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &C> {
        self.0.iter().flatten().map(|(_, call)| call)
    }

    pub(crate) fn remove(&mut self, id: CallId) -> Option<C> {
        self.get(id)?;
        self.0.get_mut(id.index())?.take().map(|(_, call)| call)
    }

    /// Gives back the memory of places behind the last that is used.
    pub(crate) fn shrink(&mut self) {
        let used = self.0.iter().rposition(Option::is_some).map_or(0, |last| last.saturating_add(1));
        self.0.truncate(used);
        self.0.shrink_to_fit();
    }
}
