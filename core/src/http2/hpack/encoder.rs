use crate::http2::Fields;

/// The sending end of one connection's header compression.
#[derive(Debug)]
pub struct Encoder {
    cap: u32,
}

impl Encoder {
    /// An encoder whose table never takes more than `cap` bytes, whatever the peer allows. It allocates nothing yet.
    pub fn new(cap: u32) -> Self {
        Self { cap }
    }

    /// Says that the peer's SETTINGS_HEADER_TABLE_SIZE is `limit` bytes from now on. The next block signals the change
    /// (RFC 7541 §4.2).
    pub fn set_table_limit(&mut self, limit: u32) {
        let _ = (limit, self.cap);
    }

    /// Appends the header block of `fields` to `out`.
    ///
    /// Blocks must reach the peer in the order in which they were encoded, and every one of them must.
    pub fn encode(&mut self, fields: &Fields, out: &mut Vec<u8>) {
        let _ = (fields, out);
    }

    /// Gives memory back that encoding does not need until the next block; the table keeps its fields.
    pub fn shrink(&mut self) {}

    /// Bytes of memory held.
    pub fn capacity(&self) -> usize {
        0
    }

    /// A digest of the table: its capacity and its fields in order. It equals
    /// [`Decoder::table_digest`](super::Decoder::table_digest) of the peer when that has decoded every block.
    pub fn table_digest(&self) -> u64 {
        0
    }
}
