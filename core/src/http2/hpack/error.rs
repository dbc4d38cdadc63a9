use core::fmt;

/// Why a header block cannot be decoded.
///
/// Any of them ends the connection, since the compression tables of the two ends no longer agree (RFC 9113 §4.3): with
/// ENHANCE_YOUR_CALM when [`is_excess`](Self::is_excess), with COMPRESSION_ERROR otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Error {
    /// An integer of more than five continuation bytes, or above 2^28 (RFC 7541 §5.1 asks for limits).
    Integer,
    /// Index zero, or one beyond both tables (RFC 7541 §2.3.3, §6.1).
    Index,
    /// A Huffman code with EOS in it, or padding that is longer than 7 bits or not all ones (RFC 7541 §5.2).
    Huffman,
    /// The block ends inside a representation.
    Truncated,
    /// A table size update behind a field, or a third one (RFC 7541 §4.2).
    SizeUpdatePosition,
    /// A table size update above the limit that the peer has acknowledged (RFC 7541 §6.3).
    SizeUpdateTooLarge,
    /// The limit was lowered and acknowledged, and the next block does not begin with an update that honours it
    /// (RFC 9113 §4.3.1).
    SizeUpdateMissing,
    /// The block is, or says that it will be, longer than [`DecoderLimits::block_wire`](super::DecoderLimits::block_wire).
    BlockTooLong,
    /// The block decodes to more than [`DecoderLimits::decoded`](super::DecoderLimits::decoded).
    DecodesTooLarge,
}

impl Error {
    /// Whether the block was well formed and merely too much.
    pub const fn is_excess(self) -> bool {
        matches!(self, Self::BlockTooLong | Self::DecodesTooLarge)
    }

    /// The reason in a few words, for GOAWAY debug data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Integer => "HPACK integer out of range",
            Self::Index => "HPACK index out of range",
            Self::Huffman => "HPACK Huffman code invalid",
            Self::Truncated => "HPACK block truncated",
            Self::SizeUpdatePosition => "HPACK table size update out of place",
            Self::SizeUpdateTooLarge => "HPACK table size update too large",
            Self::SizeUpdateMissing => "HPACK table size update missing",
            Self::BlockTooLong => "header block too long",
            Self::DecodesTooLarge => "header block decodes too large",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for Error {}
