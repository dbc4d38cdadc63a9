use super::static_table::Match;
use super::table::Table;
use super::{DEFAULT_TABLE_SIZE, huffman, integer, static_table};
use crate::http2::Fields;
use crate::http2::Standing;
use crate::http2::field::{Class, is_credential};
use crate::http2::fields::{FIELD_OVERHEAD, Line};

/// A `-bin` value shorter than this is never indexed unless it is sent in clear anyway: a secret of few bytes could be
/// guessed from the size of blocks (RFC 7541 §7.1).
const SHORT_SECRET: usize = 20;

/// How many values are remembered to tell those that come again from those that do not.
const REMEMBERED: usize = 64;

/// The sending end of one connection's header compression.
///
/// A field is put into the table when it is likely to come again: at once when its name is known for that or is in no
/// table yet, else at the second sight of its value, so that request ids and timeouts, different in every call, push
/// nothing out that repeats. `authorization`, `proxy-authorization`, `cookie`, `set-cookie`, short `-bin` values and
/// whatever is [sensitive](crate::http2::Field::sensitive) are never indexed, here or by anyone who forwards them.
#[derive(Debug)]
pub struct Encoder {
    /// Each line's tag is its [`hash`].
    table: Table<u32>,
    /// Our own bound of the table, in bytes.
    cap: usize,
    /// The capacity that the next block signals as its last.
    wanted: usize,
    /// The lowest capacity since the last block: what that evicts the peer must evict too.
    lowest: usize,
    /// The blocks of standing sections as they were encoded last.
    standing: [Remembered; Standing::COUNT],
    /// The last section that left the table as it was.
    repeated: Repeated,
    /// Hashes of values that were not indexed, each at a place of its own hash; 0 is none.
    seen: [u16; REMEMBERED],
}

impl Encoder {
    /// An encoder whose table never takes more than `cap` bytes, whatever the peer allows. It allocates nothing yet.
    pub const fn new(cap: u32) -> Self {
        let initial = DEFAULT_TABLE_SIZE as usize;
        let cap = cap as usize;
        let wanted = if cap < initial { cap } else { initial };
        Self {
            table: Table::new(initial),
            cap,
            wanted,
            lowest: wanted,
            standing: [Remembered::NOTHING; Standing::COUNT],
            repeated: Repeated::NONE,
            seen: [0; REMEMBERED],
        }
    }

    /// Says that the peer's SETTINGS_HEADER_TABLE_SIZE is `limit` bytes from now on. The next block signals the change
    /// (RFC 7541 §4.2).
    pub fn set_table_limit(&mut self, limit: u32) {
        self.wanted = self.cap.min(limit as usize);
        self.lowest = self.lowest.min(self.wanted);
    }

    /// Appends the header block of `fields` to `out`.
    ///
    /// Blocks must reach the peer in the order in which they were encoded, and every one of them must.
    pub fn encode(&mut self, fields: &Fields, out: &mut Vec<u8>) {
        let at = self.table.changes();
        if self.is_signalled()
            && let Some((lines, block)) = self.repeated.find(at, fields)
        {
            out.extend_from_slice(block);
            self.lines(fields, lines, usize::MAX, out);
            return;
        }
        self.signal_capacity(out);
        let (start, at) = (out.len(), self.table.changes());
        let common = self.repeated.common(at, fields);
        let end = self.lines(fields, 0, common, out);
        if at == self.table.changes() {
            self.repeated.note(at, fields, common, out.get(start..end).unwrap_or_default());
        }
    }

    /// Appends the lines from the `first` on. Answers where those before the line `mark` end.
    fn lines(&mut self, fields: &Fields, first: usize, mark: usize, out: &mut Vec<u8>) -> usize {
        let mut marked = None;
        for (at, (line, sensitive)) in (first..).zip(fields.lines(first)) {
            if at == mark {
                marked = Some(out.len());
            }
            self.line(line, sensitive, out);
        }
        marked.unwrap_or(out.len())
    }

    /// Appends the header block of a section that is always the same.
    pub(crate) fn encode_standing(&mut self, section: &'static Standing, out: &mut Vec<u8>) {
        let is_signalled = self.is_signalled();
        if let Some(Remembered { at, len: len @ 1.., block }) = self.standing.get(section.place)
            && is_signalled
            && *at == self.table.changes()
        {
            return out.extend_from_slice(block.get(..usize::from(*len)).unwrap_or_default());
        }
        self.signal_capacity(out);
        let (start, at) = (out.len(), self.table.changes());
        for &line in section.lines {
            self.line(line, false, out);
        }
        let encoded = out.get(start..).unwrap_or_default();
        // Only what is all indices, each in an octet of its own, means the same when it comes again.
        let mut remembered = Remembered { at, ..Remembered::NOTHING };
        if at == self.table.changes()
            && encoded.iter().all(|octet| matches!(octet, 0x81..=0xfe))
            && let Some(place) = remembered.block.get_mut(..encoded.len())
        {
            place.copy_from_slice(encoded);
            remembered.len = encoded.len() as u8;
        }
        if let Some(place) = self.standing.get_mut(section.place) {
            *place = remembered;
        }
    }

    /// Gives memory back that encoding does not need until the next block; the table keeps its fields.
    pub fn shrink(&mut self) {
        self.table.shrink();
        self.repeated = Repeated::NONE;
    }

    /// Bytes of memory held.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub fn capacity(&self) -> usize {
        self.table.memory() + self.repeated.fields.capacity() + self.repeated.block.capacity()
    }

    /// A digest of the table: its capacity and its fields in order. It equals
    /// [`Decoder::table_digest`](super::Decoder::table_digest) of the peer when that has decoded every block.
    pub fn table_digest(&self) -> u64 {
        self.table.digest()
    }

    /// Whether the peer knows the capacity of the table.
    const fn is_signalled(&self) -> bool {
        self.lowest == self.wanted && self.wanted == self.table.capacity()
    }

    fn signal_capacity(&mut self, out: &mut Vec<u8>) {
        if self.lowest < self.table.capacity() {
            self.set_capacity(self.lowest, out);
        }
        if self.wanted != self.table.capacity() {
            self.set_capacity(self.wanted, out);
        }
        self.lowest = self.wanted;
    }

    fn set_capacity(&mut self, capacity: usize, out: &mut Vec<u8>) {
        self.table.set_capacity(capacity);
        integer::encode(capacity, 5, 0x20, out);
    }

    fn line(&mut self, line: Line<'_, Class>, sensitive: bool, out: &mut Vec<u8>) {
        if sensitive {
            return literal(line, self.name_index(line.name()), Indexing::Never, out);
        }
        if let Some(index) = frequent(line) {
            return out.push(0x80 | index);
        }
        let hashed = Line { text: line.text, name_len: line.name_len, tag: hash(line) };
        if let Some(index) = self.table.find(hashed) {
            return indexed(dynamic(index), out);
        }
        let name_index = match static_table::find(line.name(), line.value()) {
            Some(Match::Line(index)) if !is_secret(line) => return indexed(index, out),
            Some(Match::Line(index) | Match::Name(index)) => Some(index),
            None => self.dynamic_name(line.name()),
        };
        let indexing = self.indexing(line, name_index, hashed.tag);
        literal(line, name_index, indexing, out);
        if indexing == Indexing::Incremental {
            self.table.insert(hashed);
        }
    }

    /// Whether a line that is in no table is to be put there.
    fn indexing(&mut self, line: Line<'_, Class>, name_index: Option<usize>, hash: u32) -> Indexing {
        if is_secret(line) {
            return Indexing::Never;
        }
        let size = line.text.len().saturating_add(FIELD_OVERHEAD);
        if size > self.table.capacity() / 2 || line.tag == Class::ContentLength {
            return Indexing::Without;
        }
        if name_index.is_none_or(repeats) || self.saw(hash) {
            Indexing::Incremental
        } else {
            Indexing::Without
        }
    }

    /// Whether the value was seen not long ago; from now on it was.
    fn saw(&mut self, hash: u32) -> bool {
        let mark = (hash >> 16) as u16 | 1;
        let place = self.seen.get_mut(hash as usize % REMEMBERED);
        place.is_some_and(|place| core::mem::replace(place, mark) == mark)
    }

    fn name_index(&self, name: &[u8]) -> Option<usize> {
        match static_table::find(name, b"") {
            Some(Match::Line(index) | Match::Name(index)) => Some(index),
            None => self.dynamic_name(name),
        }
    }

    fn dynamic_name(&self, name: &[u8]) -> Option<usize> {
        self.table.find_name(name).map(dynamic)
    }
}

/// A block of a few indexed fields, good for as long as the table is as it was.
#[derive(Clone, Copy, Debug)]
struct Remembered {
    /// [`Table::changes`] when it was encoded.
    at: u64,
    /// 0 when there is none.
    len: u8,
    block: [u8; 7],
}

impl Remembered {
    const NOTHING: Self = Self { at: 0, len: 0, block: [0; 7] };
}

/// The lines at the beginning of a section and their part of the block, good for as long as the table is as it was: calls that
/// differ in nothing but their messages have the same head all the time, and others the most of it.
#[derive(Debug)]
struct Repeated {
    /// [`Table::changes`] when it was encoded.
    at: u64,
    /// As long as there is no block, all of the section that came last.
    fields: Fields,
    block: Vec<u8>,
}

impl Repeated {
    const NONE: Self = Self { at: 0, fields: Fields::new(), block: Vec::new() };
    /// A section that is larger is encoded each time; bytes.
    const MOST_DECODED: usize = 2048;
    /// What has fewer lines in common with the section before is not of the same method.
    const LEAST: usize = 5;

    /// How many lines of the section are known, and their part of the block.
    fn find(&self, at: u64, fields: &Fields) -> Option<(usize, &[u8])> {
        let is_it = !self.block.is_empty() && self.at == at && fields.starts_with(&self.fields);
        is_it.then_some((self.fields.len(), &self.block))
    }

    /// How many lines at the beginning are those of the section before, if there are enough.
    fn common(&self, at: u64, fields: &Fields) -> usize {
        if self.at != at || !self.block.is_empty() {
            return 0;
        }
        let common = fields.common_lines(&self.fields);
        if common == fields.len() || common >= Self::LEAST { common } else { 0 }
    }

    /// The block of the first `common` lines is kept when they come a second time: with that a value may have become worth a
    /// place in the table, and then the table is another one.
    fn note(&mut self, at: u64, fields: &Fields, common: usize, block: &[u8]) {
        self.block.clear();
        if common > 0 {
            self.fields.truncate(common);
            self.block.reserve_exact(block.len());
            return self.block.extend_from_slice(block);
        }
        self.fields.clear();
        if fields.list_size() <= Self::MOST_DECODED {
            self.at = at;
            self.fields.copy_from(fields);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Indexing {
    Incremental,
    Without,
    Never,
}

/// The index of a line of the dynamic table, where the newest is `nth` 0 (RFC 7541 §2.3.3).
#[expect(clippy::arithmetic_side_effects, reason = "each line before it takes more than a byte of memory")]
const fn dynamic(nth: usize) -> usize {
    static_table::LEN + 1 + nth
}

/// Index of the fields that nearly every section has, without a search.
fn frequent(line: Line<'_, Class>) -> Option<u8> {
    Some(match (line.tag, line.value()) {
        (Class::Method, b"GET") => 2,
        (Class::Method, b"POST") => 3,
        (Class::Path, b"/") => 4,
        (Class::Scheme, b"http") => 6,
        (Class::Scheme, b"https") => 7,
        (Class::Status, b"200") => 8,
        _ => return None,
    })
}

/// Whether a field with the name at `index` is expected to come again with the same value.
///
/// Names of the dynamic table and the other static ones have to show it first: there are paths with the number of a
/// record in them, dates, lengths, tags.
fn repeats(index: usize) -> bool {
    // :authority, :method, :scheme, :status, accept-charset, accept-encoding, accept-language, accept,
    // content-encoding, content-type, host, server, user-agent
    matches!(index, 1..=3 | 6..=17 | 19 | 26 | 31 | 38 | 54 | 58)
}

/// Whether nobody may find out by trying what the line holds (RFC 7541 §7.1.3), though it is not marked.
fn is_secret<Tag>(line: Line<'_, Tag>) -> bool {
    let name = line.name();
    is_credential(name) || (name.ends_with(b"-bin") && line.value().len() < SHORT_SECRET)
}

/// Appends an indexed field (RFC 7541 §6.1).
#[inline]
fn indexed(index: usize, out: &mut Vec<u8>) {
    if let Ok(index @ ..0x7f) = u8::try_from(index) {
        out.push(0x80 | index);
    } else {
        integer::encode(index, 7, 0x80, out);
    }
}

/// Appends a literal field (RFC 7541 §6.2).
fn literal<Tag>(line: Line<'_, Tag>, name_index: Option<usize>, indexing: Indexing, out: &mut Vec<u8>) {
    let (prefix, flags) = match indexing {
        Indexing::Incremental => (6, 0x40),
        Indexing::Without => (4, 0x00),
        Indexing::Never => (4, 0x10),
    };
    integer::encode(name_index.unwrap_or(0), prefix, flags, out);
    if name_index.is_none() {
        text(line.name(), out);
    }
    text(line.value(), out);
}

/// Appends a string literal, Huffman coded when that is shorter (RFC 7541 §5.2).
fn text(text: &[u8], out: &mut Vec<u8>) {
    let len = huffman::encoded_len(text);
    if len < text.len() {
        integer::encode(len, 7, 0x80, out);
        huffman::encode(text, out);
    } else {
        integer::encode(text.len(), 7, 0, out);
        out.extend_from_slice(text);
    }
}

/// A hash of name and value, to find a line of the table by comparing numbers. It needs no secret: who makes lines
/// collide pays for at most one table of comparisons.
fn hash<Tag>(line: Line<'_, Tag>) -> u32 {
    let mut hash = (line.text.len() as u64) << 32 | line.name_len as u64;
    let mut add = |word: u64| hash = (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, rest) = line.text.as_chunks::<8>();
    for word in words {
        add(u64::from_le_bytes(*word));
    }
    // The last word overlaps the one before it.
    if let Some(word) = line.text.last_chunk::<8>() {
        add(u64::from_le_bytes(*word));
    } else {
        add(rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
    }
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests;
