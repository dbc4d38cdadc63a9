//! Header blocks that come again, octet by octet: a client whose calls differ in nothing but their messages sends one all the
//! time. For as long as the table has not changed they stand for the same fields, which need no decoding then.

use crate::http2::Fields;
use crate::http2::field::Classes;

/// A block that is longer, or stands for more, is decoded each time; bytes.
const MOST: usize = 512;
const MOST_DECODED: usize = 2048;

/// The last block that changed nothing.
#[derive(Debug)]
pub(super) struct Repeated {
    /// What the table counted then.
    changes: u64,
    /// A digest of the last block that was decoded. It is kept when it comes a second time: most that come once never do.
    candidate: u64,
    encoded: Vec<u8>,
    fields: Fields,
    classes: Classes,
}

impl Repeated {
    pub(super) const NONE: Self =
        Self { changes: 0, candidate: 0, encoded: Vec::new(), fields: Fields::new(), classes: Classes::NONE };

    /// Fills `out` with the fields of the block and answers their classes, if it is the one and the table is as it was.
    pub(super) fn find(&self, block: &[u8], changes: u64, out: &mut Fields) -> Option<Classes> {
        if self.changes != changes || self.encoded.is_empty() || self.encoded != block {
            return None;
        }
        out.copy_from(&self.fields);
        Some(self.classes)
    }

    /// Says what a block stands for that left the table as it was.
    pub(super) fn note(&mut self, block: &[u8], changes: u64, classes: Classes, fields: &Fields) {
        if block.len() > MOST {
            return;
        }
        let candidate = digest(block, changes);
        if self.candidate != candidate {
            self.candidate = candidate;
            return;
        }
        if fields.list_size() > MOST_DECODED {
            return;
        }
        self.changes = changes;
        self.classes = classes;
        self.encoded.clear();
        self.encoded.reserve_exact(block.len());
        self.encoded.extend_from_slice(block);
        self.fields.copy_from(fields);
    }

    /// Bytes of memory held.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub(super) fn capacity(&self) -> usize {
        self.encoded.capacity() + self.fields.capacity()
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
