use super::Error;
use crate::http2::Fields;

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
}

impl Decoder {
    /// A decoder with an empty table and the table limit of RFC 9113 §6.5.2, 4096 bytes. It allocates nothing yet.
    pub fn new(limits: DecoderLimits) -> Self {
        Self { limits }
    }

    /// Says that the peer has acknowledged our SETTINGS_HEADER_TABLE_SIZE, in bytes.
    ///
    /// When that is less than the table holds room for now, the next block must begin with a size update (RFC 9113
    /// §4.3.1).
    pub fn set_table_limit(&mut self, size: u32) {
        let _ = (size, self.limits);
    }

    /// Decodes the next `fragment` of a header block and appends its fields to `out`; `end` says that it is the last.
    ///
    /// Fragments may be cut anywhere. What a cut leaves over of a field is kept, at most
    /// [`block_wire`](DecoderLimits::block_wire) bytes, and looked at again only when it can be decoded.
    ///
    /// # Errors
    ///
    /// Every [`Error`] ends the connection; the decoder is of no use after it.
    pub fn decode(&mut self, fragment: &[u8], end: bool, out: &mut Fields) -> Result<Progress, Error> {
        let _ = (fragment, end, out);
        Ok(Progress::Complete)
    }

    /// Gives memory back that decoding does not need until the next block; the table keeps its fields.
    pub fn shrink(&mut self) {}

    /// Bytes of memory held.
    pub fn capacity(&self) -> usize {
        0
    }

    /// A digest of the table: its capacity and its fields in order. Decoders in the same state give the same digest.
    pub fn table_digest(&self) -> u64 {
        0
    }
}
