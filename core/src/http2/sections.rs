use core::num::NonZeroU32;

use super::Fields;

/// Sections that were announced and not taken. They lie here and not with their streams, which most of the time have none.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    places: Vec<Fields>,
    /// Places that are empty.
    free: Vec<SectionPlace>,
}

/// Where a section lies, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SectionPlace(NonZeroU32);

impl SectionPlace {
    const fn index(self) -> usize {
        (self.0.get() - 1) as usize
    }
}

impl Sections {
    /// Keeps `fields` in `place`, instead of what may be there.
    #[inline]
    pub(crate) fn put(&mut self, place: &mut Option<SectionPlace>, fields: Fields) {
        // Two of each stream at most: memory ends sooner than the numbers do.
        let next =
            || NonZeroU32::new(u32::try_from(self.places.len()).ok()?.checked_add(1)?).map(SectionPlace);
        let Some(found) = place.or_else(|| self.free.pop()).or_else(next) else { return };
        match self.places.get_mut(found.index()) {
            Some(there) => *there = fields,
            None => self.places.push(fields),
        }
        *place = Some(found);
    }

    /// Takes what is in `place`, which names nothing after that.
    #[inline]
    pub(crate) fn take(&mut self, place: &mut Option<SectionPlace>) -> Option<Fields> {
        let place = place.take()?;
        let fields = self.places.get_mut(place.index()).map(core::mem::take)?;
        self.free.push(place);
        Some(fields)
    }

    /// Nobody takes what is in `places`.
    #[cold]
    pub(crate) fn forget(&mut self, places: [&mut Option<SectionPlace>; 2]) {
        for place in places {
            self.take(place);
        }
    }

    /// Gives back what was used in a burst, if nothing of it is.
    pub(crate) fn shrink(&mut self) {
        if self.free.len() == self.places.len() {
            *self = Self::default();
        }
    }

    /// Bytes of memory held, but that of sections which are there.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub(crate) fn capacity(&self) -> usize {
        self.places.capacity() * size_of::<Fields>() + self.free.capacity() * size_of::<SectionPlace>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Fields {
        [("name", text)].into_iter().collect()
    }

    #[test]
    fn each_section_is_had_once_and_its_place_used_again() {
        let mut sections = Sections::default();
        let [mut a, mut b, mut c] = [None; 3];
        sections.put(&mut a, section("a"));
        sections.put(&mut b, section("b"));
        sections.shrink();
        assert_eq!(sections.take(&mut a), Some(section("a")));
        assert_eq!((sections.take(&mut a), sections.take(&mut c)), (None, None));
        sections.put(&mut c, section("c"));
        assert_eq!(sections.places.len(), 2);
        assert_eq!((sections.take(&mut b), sections.take(&mut c)), (Some(section("b")), Some(section("c"))));
        sections.shrink();
        assert_eq!(sections.capacity(), 0);
    }

    #[test]
    fn a_section_takes_the_place_of_the_one_before() {
        let (mut sections, mut place) = (Sections::default(), None);
        sections.put(&mut place, section("a"));
        sections.put(&mut place, section("b"));
        assert_eq!((sections.take(&mut place), sections.take(&mut place)), (Some(section("b")), None));
    }
}
