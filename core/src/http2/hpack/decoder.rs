mod repeated;

use core::mem;

use self::repeated::Repeated;
use super::table::Table;
use super::{DEFAULT_TABLE_SIZE, Error, huffman, integer, static_table};
use crate::http2::Fields;
use crate::http2::field::{Classes, Known, Meaning};
use crate::http2::fields::{FIELD_OVERHEAD, Line};

/// What one header block may cost. Each limit is inclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecoderLimits {
    /// Bytes of one section, each field with 32 added (RFC 9113 §6.5.2): what is beyond is decoded but not stored, and
    /// the section is [`Progress::TooLarge`]. 16 KiB.
    pub list_size: usize,
    /// Fields of one section, cookie crumbs counted singly; beyond it as for `list_size`. 128.
    pub fields: usize,
    /// Bytes that one block may decode to, counted like `list_size`, before it is [`Error::DecodesTooLarge`]. 64 KiB.
    pub decoded: usize,
    /// Compressed bytes of one block, before it is [`Error::BlockTooLong`]. 32 KiB.
    pub block_wire: usize,
}

impl Default for DecoderLimits {
    fn default() -> Self {
        Self { list_size: 16 * 1024, fields: 128, decoded: 64 * 1024, block_wire: 32 * 1024 }
    }
}

/// How far a header block is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Progress {
    /// The block goes on in the next fragment.
    Partial,
    /// The block is over and every field is stored.
    Complete,
    /// The block is over and went past [`DecoderLimits::list_size`] or [`DecoderLimits::fields`]: only the first fields
    /// are stored. The tables of both ends agree still, so the connection goes on.
    TooLarge,
}

/// The receiving end of one connection's header compression.
#[derive(Debug)]
pub struct Decoder {
    limits: DecoderLimits,
    table: Table<Known>,
    meaning: Meaning,
    /// The largest capacity that the peer may give the table: our setting, once acknowledged.
    table_limit: usize,
    /// The peer owes a size update to at most this, at the beginning of the next block (RFC 9113 §4.3.1).
    update_due: Option<usize>,
    block: Block,
    /// Of the block that was complete last.
    classes: Classes,
    /// The beginning of a representation that the last fragment cut off.
    held: Vec<u8>,
    /// `held` is not worth a look before it has this many bytes.
    needed: usize,
    /// The block that came last, if it may come again.
    repeated: Repeated,
    /// Literals that were seen last, each at a place of its own hash.
    seen: Vec<Seen>,
}

/// The block that is being decoded: `consumed <= wire <= DecoderLimits::block_wire`, and each field counts 32 or more
/// in `decoded`.
#[derive(Default, Debug)]
struct Block {
    /// Compressed bytes taken.
    wire: usize,
    /// Compressed bytes of the representations that are done.
    consumed: usize,
    /// What the fields count, 32 for each included.
    decoded: usize,
    fields: usize,
    size_updates: u8,
    too_large: bool,
    classes: Classes,
}

impl Decoder {
    /// A decoder with an empty table and the table limit of RFC 9113 §6.5.2, 4096 bytes. It allocates nothing yet.
    pub const fn new(limits: DecoderLimits) -> Self {
        let classes = Classes::NONE;
        let block =
            Block { wire: 0, consumed: 0, decoded: 0, fields: 0, size_updates: 0, too_large: false, classes };
        let table_limit = DEFAULT_TABLE_SIZE as usize;
        let table = Table::new(table_limit);
        Self {
            limits,
            table,
            meaning: |_, _, _| 0,
            table_limit,
            update_due: None,
            block,
            classes,
            held: Vec::new(),
            needed: 0,
            repeated: Repeated::NONE,
            seen: Vec::new(),
        }
    }

    /// Asks `meaning` what to make of each line that comes as text.
    pub(crate) const fn set_meaning(&mut self, meaning: Meaning) {
        self.meaning = meaning;
    }

    /// Says that the peer has acknowledged our SETTINGS_HEADER_TABLE_SIZE, in bytes. Not for the middle of a block.
    ///
    /// When that is less than the capacity that the peer has given the table, the next block must begin with a size
    /// update (RFC 9113 §4.3.1).
    pub fn set_table_limit(&mut self, size: u32) {
        self.table_limit = size as usize;
        if self.table_limit < self.table.capacity() {
            let lowest = self.update_due.map_or(self.table_limit, |due| due.min(self.table_limit));
            self.update_due = Some(lowest);
        }
    }

    /// Decodes the next `fragment` of a header block and appends its fields to `out`; `end` says that it is the last.
    ///
    /// Fragments may be cut anywhere. What a cut leaves over of a field is kept, at most
    /// [`block_wire`](DecoderLimits::block_wire) bytes, and looked at again only when there is enough of it to go on: the
    /// work is in proportion to the bytes of the block and of what it stands for, however it is cut.
    ///
    /// # Errors
    ///
    /// Every [`Error`] ends the connection; the decoder is of no use after it.
    pub fn decode(&mut self, fragment: &[u8], end: bool, out: &mut Fields) -> Result<Progress, Error> {
        let changes = self.table.changes();
        let is_whole = end && self.block.wire == 0 && self.update_due.is_none() && out.is_empty();
        if is_whole && let Some(classes) = self.repeated.find(fragment, changes, out) {
            self.classes = classes;
            return Ok(Progress::Complete);
        }
        let progress = self.decode_fragment(fragment, end, out)?;
        if is_whole && progress == Progress::Complete && changes == self.table.changes() {
            self.repeated.note(fragment, changes, self.classes, out);
        }
        Ok(progress)
    }

    fn decode_fragment(&mut self, fragment: &[u8], end: bool, out: &mut Fields) -> Result<Progress, Error> {
        // What is beyond the limit is not looked at, so that it matters to no error how the block was cut.
        let room = self.limits.block_wire.saturating_sub(self.block.wire);
        let within = fragment.get(..room).unwrap_or(fragment);
        #[expect(
            clippy::arithmetic_side_effects,
            reason = "at most `room` more, which leads to `block_wire`"
        )]
        {
            self.block.wire += within.len();
        }
        let rest = self.decode_held(within, out)?;
        self.decode_all(rest, out)?;
        if within.len() < fragment.len() {
            return Err(Error::BlockTooLong);
        }
        if !end {
            return Ok(Progress::Partial);
        }
        if !self.held.is_empty() {
            return Err(Error::Truncated);
        }
        if self.update_due.is_some() {
            return Err(Error::SizeUpdateMissing);
        }
        let block = mem::take(&mut self.block);
        self.classes = block.classes;
        Ok(if block.too_large { Progress::TooLarge } else { Progress::Complete })
    }

    /// Gives memory back that decoding does not need until the next block; the table keeps its fields.
    pub fn shrink(&mut self) {
        self.seen = Vec::new();
        self.repeated = Repeated::NONE;
        self.held.shrink_to_fit();
        self.table.shrink();
    }

    /// Bytes of memory held.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub fn capacity(&self) -> usize {
        let seen =
            self.seen.iter().map(|seen| size_of::<Seen>() + seen.encoded.capacity() + seen.text.capacity());
        self.held.capacity() + self.repeated.capacity() + self.table.memory() + seen.sum::<usize>()
    }

    /// The classes of the lines of the block that was complete last.
    pub(crate) const fn classes(&self) -> Classes {
        self.classes
    }

    /// A digest of the table: its capacity and its fields in order. Decoders in the same state give the same digest.
    pub fn table_digest(&self) -> u64 {
        self.table.digest()
    }

    /// Completes the representation that the last fragment cut off, and answers what remains of `fragment`.
    fn decode_held<'a>(&mut self, mut fragment: &'a [u8], out: &mut Fields) -> Result<&'a [u8], Error> {
        while !self.held.is_empty() {
            let missing = self.needed.saturating_sub(self.held.len());
            let (more, rest) = fragment.split_at_checked(missing).unwrap_or((fragment, &[]));
            self.held.extend_from_slice(more);
            fragment = rest;
            if self.held.len() < self.needed {
                break;
            }
            let mut held = mem::take(&mut self.held);
            match self.decode_one(&held, out)? {
                // `held` never has more than was needed, so nothing of it remains.
                Parsed::Whole(..) => held.clear(),
                Parsed::Cut { needed } => self.needed = needed,
            }
            self.held = held;
        }
        Ok(fragment)
    }

    /// Decodes whole representations straight from `fragment` and holds what remains.
    #[expect(clippy::arithmetic_side_effects, reason = "no more is consumed than came")]
    fn decode_all(&mut self, mut fragment: &[u8], out: &mut Fields) -> Result<(), Error> {
        while let Some((&first, rest)) = fragment.split_first() {
            // Nearly all of what comes again and again: an index in a single byte.
            if matches!(first, 0x80..=0xfe) && self.update_due.is_none() {
                self.block.consumed += 1;
                self.indexed(usize::from(first & 0x7f), out)?;
                fragment = rest;
                continue;
            }
            match self.decode_one(fragment, out)? {
                Parsed::Whole((), len) => fragment = fragment.get(len..).unwrap_or_default(),
                Parsed::Cut { needed } => {
                    self.held.extend_from_slice(fragment);
                    self.needed = needed;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Decodes the representation at the beginning of `input`.
    #[expect(clippy::arithmetic_side_effects, reason = "`consumed + len <= wire <= block_wire`")]
    fn decode_one(&mut self, input: &[u8], out: &mut Fields) -> Result<Parsed<()>, Error> {
        let (representation, len) = match Representation::parse(input)? {
            Parsed::Whole(representation, len) => (representation, len),
            Parsed::Cut { needed } if needed > self.limits.block_wire - self.block.consumed => {
                return Err(Error::BlockTooLong);
            }
            Parsed::Cut { needed } => return Ok(Parsed::Cut { needed }),
        };
        self.block.consumed += len;
        if self.update_due.is_some() && !matches!(representation, Representation::SizeUpdate(_)) {
            return Err(Error::SizeUpdateMissing);
        }
        match representation {
            Representation::SizeUpdate(size) => self.update_size(size)?,
            Representation::Indexed(index) => self.indexed(index, out)?,
            Representation::Literal { name, value, indexing } => self.literal(name, value, indexing, out)?,
        }
        Ok(Parsed::Whole((), len))
    }

    #[expect(clippy::arithmetic_side_effects, reason = "counts to 2")]
    fn update_size(&mut self, size: usize) -> Result<(), Error> {
        // RFC 7541 §4.2: at the beginning, one for the lowest of several changes and one for the last.
        if self.block.fields > 0 || self.block.size_updates == 2 {
            return Err(Error::SizeUpdatePosition);
        }
        self.block.size_updates += 1;
        if self.update_due.take().is_some_and(|due| size > due) {
            return Err(Error::SizeUpdateMissing);
        }
        if size > self.table_limit {
            return Err(Error::SizeUpdateTooLarge);
        }
        self.table.set_capacity(size);
        Ok(())
    }

    #[inline(always)]
    fn indexed(&mut self, index: usize, out: &mut Fields) -> Result<(), Error> {
        let line = line(&self.table, index)?;
        if self.block.count(line, &self.limits)? {
            out.push_line(line);
        }
        Ok(())
    }

    /// A literal that is not indexed and may have come before.
    fn repeated(&mut self, name: usize, value: Text<'_>, out: &mut Fields) -> Result<(), Error> {
        let place = place(name, value.bytes);
        if let Some(seen) = self.seen.get(place)
            && seen.name == name
            && seen.encoded == value.bytes
            && let Some(line) = seen.line()
        {
            if self.block.count(line, &self.limits)? {
                out.push_line(line);
            }
            return Ok(());
        }
        let mut draft = out.draft();
        draft.bytes().extend_from_slice(line(&self.table, name)?.name());
        draft.end_name();
        let encoded = value.bytes;
        value.decode(draft.bytes())?;
        let line = draft.line().judged(self.meaning);
        let known = line.tag;
        if self.seen.is_empty() {
            self.seen.resize_with(SEEN_PLACES, Seen::default);
        }
        if let Some(seen) = self.seen.get_mut(place) {
            seen.name = name;
            seen.name_len = line.name_len;
            seen.known = Some(known);
            seen.encoded.clear();
            seen.encoded.extend_from_slice(encoded);
            seen.text.clear();
            seen.text.extend_from_slice(line.text);
        }
        if self.block.count(line, &self.limits)? {
            draft.commit(known, false);
        }
        Ok(())
    }

    fn literal(
        &mut self,
        name: Name<'_>,
        value: Text<'_>,
        indexing: Indexing,
        out: &mut Fields,
    ) -> Result<(), Error> {
        if indexing == Indexing::Without
            && let Name::Index(name @ ..=static_table::LEN) = name
            && value.huffman
            && (SEEN_LEAST..=SEEN_MOST).contains(&value.bytes.len())
        {
            return self.repeated(name, value, out);
        }
        // Put together where it will stay if it is stored: then it is copied once, and the name may well come from an
        // entry that the insertion evicts (RFC 7541 §4.4).
        let mut draft = out.draft();
        match name {
            Name::Text(text) => text.decode(draft.bytes())?,
            Name::Index(index) => draft.bytes().extend_from_slice(line(&self.table, index)?.name()),
        }
        draft.end_name();
        value.decode(draft.bytes())?;
        let line = draft.line().judged(self.meaning);
        let known = line.tag;
        if indexing == Indexing::Incremental {
            self.table.insert(line);
        }
        if self.block.count(line, &self.limits)? {
            draft.commit(known, indexing == Indexing::Never);
        }
        Ok(())
    }
}

/// A literal that is shorter is decoded sooner than found, bytes; one that is longer is not remembered.
const SEEN_LEAST: usize = 8;
const SEEN_MOST: usize = 128;
/// How many literals are remembered.
const SEEN_PLACES: usize = 8;

/// A literal, and what it decodes to: clients that do not index the paths of their calls send the same few all the time.
#[derive(Clone, Default, Debug)]
struct Seen {
    /// Index of its name in the static table; 0 for a place that is empty.
    name: usize,
    encoded: Vec<u8>,
    /// Name and value.
    text: Vec<u8>,
    name_len: usize,
    known: Option<Known>,
}

impl Seen {
    fn line(&self) -> Option<Line<'_, Known>> {
        Some(Line { text: &self.text, name_len: self.name_len, tag: self.known? })
    }
}

/// The place of a literal among those that are remembered. Whoever makes literals meet there has them decoded, as those
/// that are new.
fn place(name: usize, encoded: &[u8]) -> usize {
    let word = |octets: Option<&[u8; 8]>| octets.map_or(0, |&octets| u64::from_le_bytes(octets));
    let ends = word(encoded.first_chunk()).rotate_left(29) ^ word(encoded.last_chunk());
    let hash = (ends ^ (encoded.len() as u64) << 8 ^ name as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 32) as usize % SEEN_PLACES
}

/// The line at `index` of the static table and the dynamic one behind it (RFC 7541 §2.3.3).
fn line(table: &Table<Known>, index: usize) -> Result<Line<'_, Known>, Error> {
    let line = match index.checked_sub(static_table::LEN + 1) {
        Some(index) => table.get(index),
        None => static_table::get(index).map(|line| line.tagged(line.tag.into())),
    };
    line.ok_or(Error::Index)
}

impl Block {
    /// Counts a field and answers whether it is to be stored.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "no text is longer than `isize::MAX`; `32 * fields <= decoded`"
    )]
    fn count(&mut self, line: Line<'_, Known>, limits: &DecoderLimits) -> Result<bool, Error> {
        self.classes.add(line.tag.class);
        let decoded =
            self.decoded.checked_add(line.text.len() + FIELD_OVERHEAD).filter(|&sum| sum <= limits.decoded);
        self.decoded = decoded.ok_or(Error::DecodesTooLarge)?;
        self.fields += 1;
        self.too_large |= self.decoded > limits.list_size || self.fields > limits.fields;
        Ok(!self.too_large)
    }
}

/// What was parsed and how many bytes it took; or there must be at least so many bytes to go on.
enum Parsed<T> {
    Whole(T, usize),
    Cut { needed: usize },
}

/// One field or instruction of a block (RFC 7541 §6), still compressed.
enum Representation<'a> {
    Indexed(usize),
    Literal { name: Name<'a>, value: Text<'a>, indexing: Indexing },
    SizeUpdate(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Indexing {
    Incremental,
    Without,
    Never,
}

enum Name<'a> {
    Index(usize),
    Text(Text<'a>),
}

/// A string literal (RFC 7541 §5.2).
struct Text<'a> {
    huffman: bool,
    bytes: &'a [u8],
}

impl<'a> Representation<'a> {
    /// Parses the representation at the beginning of `input`. Whatever the length of its strings, this looks at a few
    /// bytes only.
    #[expect(clippy::arithmetic_side_effects, reason = "no slice is longer than `isize::MAX`")]
    fn parse(input: &'a [u8]) -> Result<Parsed<Self>, Error> {
        let Some(&first) = input.first() else {
            return Ok(Parsed::Cut { needed: 1 });
        };
        let (prefix, indexing) = match first {
            0x80.. => (7, None),
            0x40..=0x7f => (6, Some(Indexing::Incremental)),
            0x20..=0x3f => (5, None),
            0x10..=0x1f => (4, Some(Indexing::Never)),
            0x00..=0x0f => (4, Some(Indexing::Without)),
        };
        let Some((number, mut len)) = integer::decode(prefix, input)? else {
            return Ok(Parsed::Cut { needed: input.len() + 1 });
        };
        let Some(indexing) = indexing else {
            let representation = if prefix == 7 { Self::Indexed(number) } else { Self::SizeUpdate(number) };
            return Ok(Parsed::Whole(representation, len));
        };
        let name = if number > 0 {
            Name::Index(number)
        } else {
            match Text::parse(input, len)? {
                Parsed::Whole(text, end) => {
                    len = end;
                    Name::Text(text)
                }
                Parsed::Cut { needed } => return Ok(Parsed::Cut { needed }),
            }
        };
        Ok(match Text::parse(input, len)? {
            Parsed::Whole(value, end) => Parsed::Whole(Self::Literal { name, value, indexing }, end),
            Parsed::Cut { needed } => Parsed::Cut { needed },
        })
    }
}

impl<'a> Text<'a> {
    /// Parses the string at `start` of `input`; lengths count from the beginning of `input`.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "`start + prefix <= input.len() <= isize::MAX`, and integers are at most 2^28"
    )]
    fn parse(input: &'a [u8], start: usize) -> Result<Parsed<Self>, Error> {
        let Some((&first, _)) = input.get(start..).and_then(<[u8]>::split_first) else {
            return Ok(Parsed::Cut { needed: start + 1 });
        };
        let Some((len, prefix)) = integer::decode(7, input.get(start..).unwrap_or_default())? else {
            return Ok(Parsed::Cut { needed: input.len() + 1 });
        };
        let begin = start + prefix;
        let end = begin + len;
        Ok(match input.get(begin..end) {
            Some(bytes) => Parsed::Whole(Self { huffman: first & 0x80 != 0, bytes }, end),
            None => Parsed::Cut { needed: end },
        })
    }

    fn decode(self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.huffman {
            return huffman::decode(self.bytes, out);
        }
        out.extend_from_slice(self.bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
