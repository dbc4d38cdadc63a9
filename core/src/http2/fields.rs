use core::fmt;

use super::field::{Class, Classes, Known, Meaning, classify, is_credential};

/// RFC 7541 §4.1 and RFC 9113 §6.5.2: what one field counts beyond its name and value.
pub const FIELD_OVERHEAD: usize = 32;

/// Names and values of the head of a usual request, bytes.
const USUAL_BYTES: usize = 256;
/// Fields of the head of a usual request.
const USUAL_FIELDS: usize = 12;

/// One field line: a name, a value, and whether it must never be put into a compression table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Lower-case name; pseudo-header names begin with a colon (RFC 9113 §8.3).
    pub name: &'a [u8],
    /// Value as on the wire, without padding or quoting of any kind.
    pub value: &'a [u8],
    /// A secret: HPACK encodes it as a never-indexed literal (RFC 7541 §6.2.3).
    pub sensitive: bool,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.sensitive || is_credential(self.name);
        let value: &dyn fmt::Display = if hidden { &"(sensitive)" } else { &self.value.escape_ascii() };
        write!(f, "{}: {value}", self.name.escape_ascii())
    }
}

/// A field section (RFC 9113 §8.1): the field lines of one HEADERS, in order, over a single arena.
///
/// Each line is classified once, when it is put in (or once when it enters a compression table), so that the rules of
/// RFC 9113 §8 cost a look at one byte per line after that.
#[derive(Clone, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    index: Vec<Entry>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    name: u32,
    value: u32,
    end: u32,
    known: Known,
    sensitive: bool,
}

impl Fields {
    /// An empty section with room for a usual head. Growing field by field costs more than reading them.
    pub(crate) fn with_room() -> Self {
        Self { bytes: Vec::with_capacity(USUAL_BYTES), index: Vec::with_capacity(USUAL_FIELDS) }
    }

    /// An empty section with room for what one call adds of its own.
    pub(crate) fn with_some_room() -> Self {
        Self { bytes: Vec::with_capacity(USUAL_BYTES / 2), index: Vec::with_capacity(USUAL_FIELDS / 3) }
    }

    /// An empty section. It allocates with the first field.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), index: Vec::new() }
    }

    /// Appends a field line.
    ///
    /// Any bytes are taken; what RFC 9113 §8.2 forbids is refused when the section is sent.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.push_classified(Field { name, value, sensitive: false }, classify(name, value));
    }

    /// Appends a field line that must never enter a compression table: credentials and the like (RFC 7541 §7.1.3).
    pub fn push_sensitive(&mut self, name: &[u8], value: &[u8]) {
        self.push_classified(Field { name, value, sensitive: true }, classify(name, value));
    }

    /// Appends a line whose class is known.
    pub(crate) fn push_classified(&mut self, field: Field<'_>, class: Class) {
        let mut draft = self.draft();
        draft.bytes().extend_from_slice(field.name);
        draft.end_name();
        draft.bytes().extend_from_slice(field.value);
        draft.commit(class.into(), field.sensitive);
    }

    /// Appends a line of which all is known.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "a name is within the arena")]
    pub(crate) fn push_line(&mut self, line: Line<'_, Known>) {
        let name = self.bytes.len();
        self.bytes.extend_from_slice(line.text);
        self.index_from(name, name + line.name_len, line.tag, false);
    }

    /// Makes a line of the end of the arena, given where its name and its value begin.
    #[inline]
    fn index_from(&mut self, name: usize, value: usize, known: Known, sensitive: bool) {
        // 4 GiB of fields is far above every limit a section passes; the offsets saturate and the lines come out empty.
        let offset = |n: usize| n.min(u32::MAX as usize) as u32;
        let (name, value, end) = (offset(name), offset(value), offset(self.bytes.len()));
        self.index.push(Entry { name, value, end, known, sensitive });
    }

    /// Begins a line whose name and value are put together in place. It vanishes unless it is committed.
    pub(crate) fn draft(&mut self) -> Draft<'_> {
        let start = self.bytes.len();
        Draft { start, value: start, fields: self }
    }

    /// The lines in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { bytes: &self.bytes, index: self.index.iter() }
    }

    /// The lines in order, each with its class.
    pub(crate) fn classified(&self) -> impl Iterator<Item = (Class, Field<'_>)> {
        self.index.iter().map(|entry| (entry.known.class, entry.field(&self.bytes)))
    }

    /// What is known of the lines, in order.
    pub(crate) fn known(&self) -> impl Iterator<Item = Known> {
        self.index.iter().map(|entry| entry.known)
    }

    /// Which classes the lines have.
    pub(crate) fn classes(&self) -> Classes {
        let mut classes = Classes::NONE;
        self.index.iter().for_each(|entry| classes.add(entry.known.class));
        classes
    }

    /// The lines in order from the `first` on, each with its class, and whether it is sensitive.
    pub(crate) fn lines(&self, first: usize) -> impl Iterator<Item = (Line<'_, Class>, bool)> {
        self.index.iter().skip(first).map(|entry| {
            let text = self.bytes.get(entry.name as usize..entry.end as usize).unwrap_or_default();
            let name_len = entry.value.saturating_sub(entry.name) as usize;
            (Line { text, name_len, tag: entry.known.class }, entry.sensitive)
        })
    }

    /// The value of the first line called `name` (lower case).
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|field| field.name == name).map(|field| field.value)
    }

    /// The name of the line at that place in the order; empty behind the last.
    pub(crate) fn name(&self, at: usize) -> &[u8] {
        let text = |entry: &Entry| self.bytes.get(entry.name as usize..entry.value as usize);
        self.index.get(at).and_then(text).unwrap_or_default()
    }

    /// The value of the line at that place in the order; empty behind the last.
    pub(crate) fn value(&self, at: usize) -> &[u8] {
        let text = |entry: &Entry| self.bytes.get(entry.value as usize..entry.end as usize);
        self.index.get(at).and_then(text).unwrap_or_default()
    }

    /// Keeps only the lines whose bits are set, the first line's lowest. There are at most 128.
    pub(crate) fn retain_marked(&mut self, mut marks: u128) {
        self.index.retain(|_| {
            let keep = marks & 1 == 1;
            marks >>= 1;
            keep
        });
    }

    /// Keeps only the lines for which `keep` says so.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        let bytes = &self.bytes;
        self.index.retain(|entry| keep(entry.field(bytes)));
    }

    /// Frees the text of lines that [`retain`](Self::retain) took out, once it is more than that of those it kept.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the lines are in one arena, which is no longer than `isize::MAX`"
    )]
    pub(crate) fn compact(&mut self) {
        let kept: usize = self.iter().map(|field| field.name.len() + field.value.len()).sum();
        if self.bytes.len() > 2 * kept.max(USUAL_BYTES) {
            let mut compacted = Self::new();
            compacted.extend_from(self);
            *self = compacted;
        }
    }

    /// Appends the lines of `other`.
    pub(crate) fn extend_from(&mut self, other: &Self) {
        for (class, field) in other.classified() {
            self.push_classified(field, class);
        }
    }

    /// Whether its first lines are those of `other`. It may say no though they are, if lines were taken out of either.
    pub(crate) fn starts_with(&self, other: &Self) -> bool {
        self.bytes.starts_with(&other.bytes) && self.index.starts_with(&other.index)
    }

    /// How many lines at the beginning are the same as those of `other`. It may say less if lines were taken out of either.
    pub(crate) fn common_lines(&self, other: &Self) -> usize {
        let is_same =
            |(own, its): &(&Entry, &Entry)| own == its && own.field(&self.bytes) == its.field(&other.bytes);
        self.index.iter().zip(&other.index).take_while(is_same).count()
    }

    /// Keeps the first lines.
    pub(crate) fn truncate(&mut self, lines: usize) {
        self.index.truncate(lines);
        let end = self.index.last().map_or(0, |entry| entry.end);
        self.bytes.truncate(end as usize);
    }

    /// Becomes what `other` is, in the memory that it has.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.clear();
        // It is kept for long where it is kept at all: no more than it needs.
        self.bytes.reserve_exact(other.bytes.len());
        self.bytes.extend_from_slice(&other.bytes);
        self.index.reserve_exact(other.index.len());
        self.index.extend_from_slice(&other.index);
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no line at all.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// What the section counts against SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 §6.5.2), in bytes.
    pub fn list_size(&self) -> usize {
        let size =
            |entry: &Entry| (entry.end.saturating_sub(entry.name) as usize).saturating_add(FIELD_OVERHEAD);
        self.index.iter().map(size).fold(0, usize::saturating_add)
    }

    /// Bytes of memory held.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity() + self.index.capacity() * size_of::<Entry>()
    }

    /// Forgets the lines and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.index.clear();
    }
}

impl Entry {
    fn field(self, bytes: &[u8]) -> Field<'_> {
        let range = |start: u32, end: u32| bytes.get(start as usize..end as usize).unwrap_or_default();
        Field {
            name: range(self.name, self.value),
            value: range(self.value, self.end),
            sensitive: self.sensitive,
        }
    }
}

/// A field line whose name and value lie one behind the other, as they do in a section and in a compression table, with
/// what its owner knows of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a, Tag> {
    /// The name and behind it the value, so that both are copied at once.
    pub(crate) text: &'a [u8],
    pub(crate) name_len: usize,
    pub(crate) tag: Tag,
}

impl<'a, Tag> Line<'a, Tag> {
    /// The same text with another tag.
    pub(crate) const fn tagged<Other>(self, tag: Other) -> Line<'a, Other>
    where
        Tag: Copy,
    {
        Line { text: self.text, name_len: self.name_len, tag }
    }

    pub(crate) fn name(&self) -> &'a [u8] {
        self.text.get(..self.name_len).unwrap_or_default()
    }

    pub(crate) fn value(&self) -> &'a [u8] {
        self.text.get(self.name_len..).unwrap_or_default()
    }
}

impl<'a> Line<'a, Class> {
    /// The same with all that can be known of it.
    pub(crate) fn judged(self, meaning: Meaning) -> Line<'a, Known> {
        let meaning = meaning(self.tag, self.name(), self.value());
        self.tagged(Known { class: self.tag, meaning })
    }
}

/// A line that is being put together at the end of a section.
pub(crate) struct Draft<'a> {
    fields: &'a mut Fields,
    /// Where the line begins, or where it ends once it is committed.
    start: usize,
    value: usize,
}

impl Draft<'_> {
    /// The end of the arena, to append the name to and then the value.
    #[inline]
    pub(crate) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.fields.bytes
    }

    /// Says that the name is all there.
    pub(crate) const fn end_name(&mut self) {
        self.value = self.fields.bytes.len();
    }

    /// Name and value as they are so far, and what `classify` says of them.
    #[inline]
    pub(crate) fn line(&self) -> Line<'_, Class> {
        let text = self.fields.bytes.get(self.start..).unwrap_or_default();
        let name_len = self.value.saturating_sub(self.start);
        let (name, value) = text.split_at_checked(name_len).unwrap_or_default();
        Line { text, name_len, tag: classify(name, value) }
    }

    /// Makes it a line of the section.
    #[inline]
    pub(crate) fn commit(mut self, known: Known, sensitive: bool) {
        self.fields.index_from(self.start, self.value, known, sensitive);
        self.start = self.fields.bytes.len();
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        self.fields.bytes.truncate(self.start);
    }
}

/// The lines of a [`Fields`], in order.
#[derive(Clone)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    index: core::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        self.index.next().map(|entry| entry.field(self.bytes))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.index.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Fields {
    type Item = Field<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> Extend<(N, V)> for Fields {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, lines: I) {
        for (name, value) in lines {
            self.push(name.as_ref(), value.as_ref());
        }
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(lines: I) -> Self {
        let mut fields = Self::new();
        fields.extend(lines);
        fields
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

#[cfg(test)]
mod tests;
