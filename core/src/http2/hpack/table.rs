//! The dynamic table (RFC 7541 §2.3.2 and §4).

use std::collections::VecDeque;

use crate::http2::fields::{FIELD_OVERHEAD, Line};

/// Lines in order of their insertion, the oldest evicted first, each with a `Tag` that its owner gave it.
///
/// All names and values lie in one arena, in order. Evicted lines leave a gap at its beginning, closed once it is as
/// large as what lives: so each byte is moved at most about once, and the arena is at most twice the table's capacity.
#[derive(Debug)]
pub(super) struct Table<Tag> {
    /// The oldest line first.
    lines: VecDeque<Entry<Tag>>,
    arena: Vec<u8>,
    /// Bytes at the beginning of `arena` that belong to no line any more.
    gap: usize,
    /// Position of the first byte of `arena` in all bytes ever inserted; it wraps around.
    base: u32,
    /// Sum of the sizes of all lines (RFC 7541 §4.1). `size <= capacity`.
    size: usize,
    capacity: usize,
    /// How often lines came or went.
    changes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry<Tag> {
    /// Position of name and value in all bytes ever inserted.
    start: u32,
    name_len: u32,
    text_len: u32,
    tag: Tag,
}

impl<Tag: Copy + PartialEq> Table<Tag> {
    /// An empty table for lines of `capacity` bytes (RFC 7541 §4.1). It allocates with the first line.
    pub(super) const fn new(capacity: usize) -> Self {
        Self { lines: VecDeque::new(), arena: Vec::new(), gap: 0, base: 0, size: 0, capacity, changes: 0 }
    }

    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// A number that is another one whenever indices mean something else.
    pub(super) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Evicts what no longer fits into `capacity` (RFC 7541 §4.3).
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.changes = self.changes.wrapping_add(1);
        self.evict_to(capacity);
    }

    /// Inserts a line as the newest. A line that does not fit at all empties the table, which is no error (RFC 7541 §4.4).
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "`gap <= arena.len() <= isize::MAX`; `size <= room`, which leads to `capacity`"
    )]
    pub(super) fn insert(&mut self, line: Line<'_, Tag>) {
        self.changes = self.changes.wrapping_add(1);
        let size = line.text.len().saturating_add(FIELD_OVERHEAD);
        let (Some(room), Ok(name_len), Ok(text_len)) =
            (self.capacity.checked_sub(size), u32::try_from(line.name_len), u32::try_from(line.text.len()))
        else {
            self.evict_to(0);
            return;
        };
        self.evict_to(room);
        if self.gap * 2 >= self.arena.len() {
            self.close_gap();
        }
        let start = self.base.wrapping_add(self.arena.len() as u32);
        self.arena.extend_from_slice(line.text);
        self.lines.push_back(Entry { start, name_len, text_len, tag: line.tag });
        self.size += size;
    }

    /// The line at `index`, which counts from 0, the newest.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<Line<'_, Tag>> {
        let at = self.lines.len().checked_sub(index)?.checked_sub(1)?;
        self.line(self.lines.get(at)?)
    }

    /// The index of the newest line with this tag, name and value.
    pub(super) fn find(&self, wanted: Line<'_, Tag>) -> Option<usize> {
        self.position(|entry| {
            // The tag first: it tells nearly all lines apart without a look at the arena.
            entry.tag == wanted.tag
                && entry.name_len as usize == wanted.name_len
                && self.line(entry).is_some_and(|line| line.text == wanted.text)
        })
    }

    /// The index of the newest line with this name.
    pub(super) fn find_name(&self, name: &[u8]) -> Option<usize> {
        self.position(|entry| {
            entry.name_len as usize == name.len() && self.line(entry).is_some_and(|line| line.name() == name)
        })
    }

    fn position(&self, wanted: impl FnMut(&Entry<Tag>) -> bool) -> Option<usize> {
        self.lines.iter().rev().position(wanted)
    }

    /// Gives back memory that the lines do not need.
    pub(super) fn shrink(&mut self) {
        self.close_gap();
        self.arena.shrink_to_fit();
        self.lines.shrink_to_fit();
    }

    /// Bytes of memory held.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub(super) fn memory(&self) -> usize {
        self.arena.capacity() + self.lines.capacity() * size_of::<Entry<Tag>>()
    }

    /// A digest of capacity and lines, the newest first (FNV-1a).
    pub(super) fn digest(&self) -> u64 {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            for &byte in bytes {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        add(&(self.capacity as u64).to_be_bytes());
        for line in self.lines.iter().rev().filter_map(|entry| self.line(entry)) {
            add(&(line.name_len as u64).to_be_bytes());
            add(&(line.text.len() as u64).to_be_bytes());
            add(line.text);
        }
        digest
    }

    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "the text of a line is within the arena")]
    fn line(&self, entry: &Entry<Tag>) -> Option<Line<'_, Tag>> {
        let start = entry.start.wrapping_sub(self.base) as usize;
        let text = self.arena.get(start..start + entry.text_len as usize)?;
        Some(Line { text, name_len: entry.name_len as usize, tag: entry.tag })
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "`size` is the sum over the lines, and the gap and their texts are the arena"
    )]
    fn evict_to(&mut self, size: usize) {
        while self.size > size
            && let Some(entry) = self.lines.pop_front()
        {
            self.size -= entry.text_len as usize + FIELD_OVERHEAD;
            self.gap += entry.text_len as usize;
        }
    }

    fn close_gap(&mut self) {
        self.arena.drain(..self.gap);
        self.base = self.base.wrapping_add(self.gap as u32);
        self.gap = 0;
    }
}

#[cfg(test)]
mod tests;
