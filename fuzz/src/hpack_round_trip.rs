//! Fields of any kind through our encoder and our decoder, in tables of any size.
//!
//! What is sent comes, in order and however the blocks are cut; what is secret comes as a secret and is in no table; both
//! tables stay alike, and neither holds more memory than its limit gives reason for.
//!
//! Input: our bound of the encoder's table in two octets; then operations, each behind an octet that says which: see
//! [`run`].

use unwired_core::http2::Fields;
use unwired_core::http2::hpack::{Decoder, DecoderLimits, Encoder, Progress};

use super::input::{Input, pieces};

/// More than any input can reach.
const ANY: usize = 1 << 20;
const LIMITS: DecoderLimits = DecoderLimits { list_size: ANY, fields: ANY, decoded: ANY, block_wire: ANY };
/// Fields that are remembered to be sent again.
const REMEMBERED: usize = 64;

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let Some(cap) = input.short() else { return };
    let mut ends = Ends::new(cap.into());
    let mut known: Vec<Line> = Vec::new();
    let mut fields = Fields::new();
    while let Some(operation) = input.octet() {
        match operation % 8 {
            // A new field; with the upper bit a secret.
            0..=2 => {
                let (Some(name), Some(value)) = (input.piece(), input.piece()) else { return };
                let line = Line { name: name.to_vec(), value: value.to_vec(), secret: operation >= 0x80 };
                line.put(&mut fields);
                if known.len() < REMEMBERED {
                    known.push(line);
                }
            }
            // A field that was there before; with the upper bit another value.
            3 | 4 => {
                let Some(which) = input.octet() else { return };
                let Some(mut line) = known.get(usize::from(which) % known.len().max(1)).cloned() else {
                    continue;
                };
                if operation >= 0x80 {
                    let Some(value) = input.piece() else { return };
                    line.value = value.to_vec();
                }
                line.put(&mut fields);
            }
            // The end of a block, and the length of its fragments.
            5 => {
                let Some(step) = input.octet() else { return };
                ends.carry(&fields, step);
                fields.clear();
            }
            // The peer's table may be so large from now on.
            6 => {
                let Some(limit) = input.short() else { return };
                ends.set_limit(u32::from(limit));
            }
            _ => ends.shrink(),
        }
    }
    ends.carry(&fields, 0);
}

#[derive(Clone)]
struct Line {
    name: Vec<u8>,
    value: Vec<u8>,
    secret: bool,
}

impl Line {
    fn put(&self, fields: &mut Fields) {
        if self.secret {
            fields.push_sensitive(&self.name, &self.value);
        } else {
            fields.push(&self.name, &self.value);
        }
    }
}

struct Ends {
    encoder: Encoder,
    decoder: Decoder,
    cap: usize,
}

impl Ends {
    fn new(cap: u32) -> Self {
        Self { encoder: Encoder::new(cap), decoder: Decoder::new(LIMITS), cap: cap as usize }
    }

    fn set_limit(&mut self, limit: u32) {
        self.encoder.set_table_limit(limit);
        self.decoder.set_table_limit(limit);
    }

    fn shrink(&mut self) {
        let digests = (self.encoder.table_digest(), self.decoder.table_digest());
        self.encoder.shrink();
        self.decoder.shrink();
        assert_eq!(
            (self.encoder.table_digest(), self.decoder.table_digest()),
            digests,
            "a table has changed"
        );
    }

    fn carry(&mut self, sent: &Fields, step: u8) {
        let mut block = Vec::new();
        self.encoder.encode(sent, &mut block);
        let mut came = Fields::new();
        let fragments = pieces(&block, step).count();
        let mut progress = None;
        for (at, fragment) in pieces(&block, step).enumerate() {
            progress = Some(self.decoder.decode(fragment, at + 1 == fragments, &mut came));
        }
        // An empty block has no fragment, and is one.
        let progress = progress.unwrap_or_else(|| self.decoder.decode(&[], true, &mut came));
        assert_eq!(progress, Ok(Progress::Complete), "our own block is refused");
        assert_eq!(sent.len(), came.len(), "a field is lost");
        for (sent, came) in sent.iter().zip(&came) {
            assert_eq!((sent.name, sent.value), (came.name, came.value), "a field has changed");
            assert!(came.sensitive || !sent.sensitive, "a secret told");
        }
        assert_eq!(self.encoder.table_digest(), self.decoder.table_digest(), "the tables differ");
        // Text twice over in the arena, which grows by doubling; a line of the least size costs about as much again. And one
        // section with its block, which may come again.
        assert!(
            self.encoder.capacity() <= 8 * self.cap.max(64) + (4 << 10),
            "the encoder holds {}",
            self.encoder.capacity()
        );
    }
}
