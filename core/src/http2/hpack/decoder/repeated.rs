//! Header blocks that come again, octet by octet: calls that differ in nothing but their messages have the same all the
//! time. For as long as the table has not changed they stand for the same fields, which need no decoding then.

use crate::http2::Fields;
use crate::http2::field::Classes;

/// A block that is longer, or stands for more, is decoded each time; bytes.
const MOST: usize = 512;
const MOST_DECODED: usize = 2048;

/// How many blocks are remembered: the head and the trailers of a response, or the heads of a few methods.
const PLACES: usize = 4;

/// Blocks that came lately and changed nothing.
#[derive(Debug)]
pub(super) struct Repeated {
    /// What the table counted then.
    changes: u64,
    /// Digests of the last blocks that were decoded. One is kept when it comes a second time: most that come once never do.
    candidates: [u64; PLACES],
    /// How many candidates there were: each takes the place of the oldest.
    noted: usize,
    /// The oldest first.
    blocks: Vec<Block>,
}

/// A block, and what it stands for.
#[derive(Debug)]
struct Block {
    encoded: Vec<u8>,
    fields: Fields,
    classes: Classes,
}

impl Repeated {
    pub(super) const NONE: Self = Self { changes: 0, candidates: [0; PLACES], noted: 0, blocks: Vec::new() };

    /// Fills `out` with the fields of the block and answers their classes, if it is remembered and the table is as it was.
    pub(super) fn find(&self, encoded: &[u8], changes: u64, out: &mut Fields) -> Option<Classes> {
        if self.changes != changes {
            return None;
        }
        let block = self.blocks.iter().find(|block| block.encoded == encoded)?;
        out.copy_from(&block.fields);
        Some(block.classes)
    }

    /// Says what a block stands for that left the table as it was.
    pub(super) fn note(&mut self, encoded: &[u8], changes: u64, classes: Classes, fields: &Fields) {
        if encoded.len() > MOST {
            return;
        }
        let candidate = digest(encoded, changes);
        if !self.candidates.contains(&candidate) {
            if let Some(place) = self.candidates.get_mut(self.noted % PLACES) {
                *place = candidate;
            }
            self.noted = self.noted.wrapping_add(1);
            return;
        }
        if fields.list_size() > MOST_DECODED {
            return;
        }
        if self.changes != changes {
            self.changes = changes;
            self.blocks.clear();
        }
        let mut kept = Fields::new();
        kept.copy_from(fields);
        let block = Block { encoded: encoded.to_vec(), fields: kept, classes };
        if self.blocks.len() == PLACES {
            self.blocks.remove(0);
        }
        self.blocks.push(block);
    }

    /// Bytes of memory held.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub(super) fn capacity(&self) -> usize {
        let each = |block: &Block| block.encoded.capacity() + block.fields.capacity();
        self.blocks.capacity() * size_of::<Block>() + self.blocks.iter().map(each).sum::<usize>()
    }
}

/// Tells blocks apart, if not always: who makes two alike has a block remembered in vain.
fn digest(block: &[u8], changes: u64) -> u64 {
    let (words, rest) = block.as_chunks::<8>();
    let words = words.iter().map(|&octets| u64::from_le_bytes(octets));
    let rest = rest.iter().fold(0, |word, &octet| word << 8 | u64::from(octet));
    words.chain([rest, changes]).fold(block.len() as u64, |digest, word| {
        (digest.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}
