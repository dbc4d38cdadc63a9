//! HPACK (RFC 7541): field sections to header blocks and back.
//!
//! [`Decoder`] and [`Encoder`] are each one direction of one connection and are usable alone. Neither reads a frame:
//! they take and give the bytes of header blocks, which frames may cut anywhere.
//!
//! ```
//! use unwired_core::http2::Fields;
//! use unwired_core::http2::hpack::{Decoder, DecoderLimits, Encoder, Progress};
//!
//! let sent: Fields = [(":method", "POST"), ("te", "trailers")].into_iter().collect();
//! let mut block = Vec::new();
//! Encoder::new(4096).encode(&sent, &mut block);
//!
//! let mut received = Fields::new();
//! let mut decoder = Decoder::new(DecoderLimits::default());
//! let (head, tail) = block.split_at(3);
//! assert_eq!(decoder.decode(head, false, &mut received), Ok(Progress::Partial));
//! assert_eq!(decoder.decode(tail, true, &mut received), Ok(Progress::Complete));
//! assert_eq!(received, sent);
//! ```

mod decoder;
mod encoder;
mod error;
mod huffman;
mod integer;
mod static_table;
mod table;

pub use decoder::{Decoder, DecoderLimits, Progress};
pub use encoder::Encoder;
pub use error::Error;

/// SETTINGS_HEADER_TABLE_SIZE before any SETTINGS frame says otherwise (RFC 9113 §6.5.2), in bytes.
pub const DEFAULT_TABLE_SIZE: u32 = 4096;

#[cfg(test)]
mod tests;
