//! The Huffman code of string literals (RFC 7541 §5.2 and Appendix B).
//!
//! The code is canonical: ordered by length and then by symbol, each code is the one before plus one. So the lengths say
//! all, and a code is decoded by the range of its length that it falls into.

use super::Error;

/// How many bits the code of each byte has (RFC 7541 Appendix B).
#[rustfmt::skip]
static LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// The longest code has 30 bits; so has EOS, thirty ones, the last code of all.
const MAX_LENGTH: usize = 30;

/// A code in the low bits, and how many they are.
#[derive(Clone, Copy)]
struct Code {
    bits: u32,
    length: u8,
}

/// All codes of one length, in the order of their symbols.
#[derive(Clone, Copy)]
struct Range {
    length: u8,
    /// The first code, moved to the top of 32 bits.
    first: u32,
    /// Place of the first code's symbol in `Tables::symbols`.
    place: u8,
}

/// As many bits are looked up at once: two codes of letters or digits.
const SHORT_BITS: usize = 12;

/// One symbol or two whose codes fit into [`SHORT_BITS`]; none where the first code is longer.
#[derive(Clone, Copy)]
struct Short {
    /// The first symbol in the low byte.
    symbols: u16,
    /// How many bits the first code has; 0 where there is none.
    first: u8,
    /// How many bits the codes have together, and in the two highest bits how many symbols there are.
    all: u8,
}

impl Short {
    const NONE: Self = Self { symbols: 0, first: 0, all: 0 };
    const BITS: u8 = 0x3f;

    const fn bits(self) -> u32 {
        (self.all & Self::BITS) as u32
    }

    const fn count(self) -> u32 {
        (self.all >> 6) as u32
    }
}

/// The tables that follow from the lengths.
struct Tables {
    codes: [Code; 256],
    /// The bytes in the order of their codes.
    symbols: [u8; 256],
    /// One entry for each length, the longest first. A length without codes begins where the next one does.
    ranges: [Range; MAX_LENGTH + 1],
    /// What the next twelve bits begin with, as nearly all of real fields do. 16 KiB, of which text uses a fraction.
    short: [Short; 1 << SHORT_BITS],
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static TABLES: Tables = {
    let mut tables = Tables {
        codes: [Code { bits: 0, length: 0 }; 256],
        symbols: [0; 256],
        ranges: [Range { length: 0, first: 0, place: 0 }; MAX_LENGTH + 1],
        short: [Short::NONE; 1 << SHORT_BITS],
    };
    let (mut length, mut next, mut place) = (1, 0_u32, 0);
    while length <= MAX_LENGTH {
        tables.ranges[MAX_LENGTH - length] =
            Range { length: length as u8, first: next << (32 - length), place: place as u8 };
        let mut symbol = 0;
        while symbol < 256 {
            if LENGTHS[symbol] as usize == length {
                tables.codes[symbol] = Code { bits: next, length: length as u8 };
                tables.symbols[place] = symbol as u8;
                let mut tail = 0;
                while length <= SHORT_BITS && tail < 1 << (SHORT_BITS - length) {
                    let one =
                        Short { symbols: symbol as u16, first: length as u8, all: 1 << 6 | length as u8 };
                    tables.short[((next as usize) << (SHORT_BITS - length)) | tail] = one;
                    tail += 1;
                }
                next += 1;
                place += 1;
            }
            symbol += 1;
        }
        next <<= 1;
        length += 1;
    }
    // What is left of the twelve bits may hold a second code.
    let singles = tables.short;
    let mut at = 0;
    while at < singles.len() {
        let first = singles[at];
        let second = singles[(at << first.first) & (singles.len() - 1)];
        let bits = first.first + second.first;
        if first.first > 0 && second.first > 0 && bits as usize <= SHORT_BITS {
            let symbols = first.symbols | second.symbols << 8;
            tables.short[at] = Short { symbols, first: first.first, all: 2 << 6 | bits };
        }
        at += 1;
    }
    tables
};

/// Appends what `input` stands for to `out`: at most 8 bytes for each 5 of it.
///
/// # Errors
///
/// [`Error::Huffman`] for EOS anywhere, and for padding that has 8 bits or a zero in it.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "`count` is at most 30 before a word of 32 bits or a rest of 24 is added; no code is longer than `count`"
)]
pub(super) fn decode(mut input: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    // The shortest code has five bits. `input` is what has arrived, not what was announced.
    out.reserve(input.len().saturating_mul(8) / 5);
    // The next bits of the input at the top, `count` of them, and zeros below.
    let (mut window, mut count) = (0_u64, 0_u32);
    let mut symbols = Symbols::default();
    // Whatever code comes next is there in full.
    while let Some((bytes, rest)) = input.split_first_chunk::<4>() {
        window |= u64::from(u32::from_be_bytes(*bytes)) << (32 - count);
        count += 32;
        input = rest;
        while count > MAX_LENGTH as u32 {
            let short = short(window);
            let bits = if short.first != 0 {
                symbols.put(short.symbols, short.count(), out);
                short.bits()
            } else {
                let (symbol, length) = decode_long((window >> 32) as u32)?;
                symbols.put(u16::from(symbol), 1, out);
                u32::from(length)
            };
            window <<= bits;
            count -= bits;
        }
    }
    for &byte in input {
        window |= u64::from(byte) << (56 - count);
        count += 8;
    }
    // The end: a code may be cut off, or what follows it be padding.
    while count > 0 {
        let short = short(window);
        let (symbol, length, number) = match short.first {
            0 => decode_long((window >> 32) as u32).map(|(symbol, length)| (u16::from(symbol), length, 1))?,
            _ if short.bits() <= count => (short.symbols, short.bits() as u8, short.count()),
            first => (short.symbols & 0xff, first, 1),
        };
        let Some(left) = count.checked_sub(u32::from(length)) else {
            break;
        };
        symbols.put(symbol, number, out);
        window <<= length;
        count = left;
    }
    symbols.end(out);
    // RFC 7541 §5.2: what is left is padding, fewer than 8 bits and the beginning of EOS.
    let ones = !(u64::MAX >> count);
    if count < 8 && window == ones { Ok(()) } else { Err(Error::Huffman) }
}

fn short(window: u64) -> Short {
    TABLES.short.get((window >> (64 - SHORT_BITS)) as usize).copied().unwrap_or(Short::NONE)
}

/// Symbols that were decoded, gathered so that the output grows by six at a time.
#[derive(Default)]
struct Symbols {
    /// The oldest in the low byte, and zeros above the last.
    word: u64,
    /// Bits of `word`, below [`Self::FULL`] between calls.
    bits: u32,
}

impl Symbols {
    const FULL: u32 = 48;

    /// `number` symbols, one or two, the first in the low byte.
    #[expect(clippy::arithmetic_side_effects, reason = "`bits` is below 48, and 16 more are below 64")]
    fn put(&mut self, symbols: u16, number: u32, out: &mut Vec<u8>) {
        self.word |= u64::from(symbols) << self.bits;
        self.bits += 8 * number;
        if self.bits >= Self::FULL {
            let [bytes @ .., _, _] = self.word.to_le_bytes();
            out.extend_from_slice(&bytes);
            self.word >>= Self::FULL;
            self.bits -= Self::FULL;
        }
    }

    fn end(self, out: &mut Vec<u8>) {
        let bytes = self.word.to_le_bytes();
        out.extend_from_slice(bytes.get(..(self.bits / 8) as usize).unwrap_or_default());
    }
}

/// The symbol of the code at the top of `window`, and its length.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "`first <= window`; lengths are 5 to 30, since the range of five bits begins at 0; 257 symbols"
)]
fn decode_long(window: u32) -> Result<(u8, u8), Error> {
    let range = TABLES.ranges.iter().find(|range| window >= range.first).ok_or(Error::Huffman)?;
    let nth = (window - range.first) >> (32 - u32::from(range.length));
    // EOS is the one code behind the last symbol.
    let symbol = TABLES.symbols.get(usize::from(range.place) + nth as usize).ok_or(Error::Huffman)?;
    Ok((*symbol, range.length))
}

/// How many bytes [`encode`] makes of `input`; `usize::MAX` when that is more than memory can hold.
#[expect(clippy::arithmetic_side_effects, reason = "thirty bits for each byte of a slice are far below 2^64")]
pub(super) fn encoded_len(input: &[u8]) -> usize {
    let bits = input.iter().fold(0_u64, |bits, &byte| {
        bits + LENGTHS.get(usize::from(byte)).map_or(0, |&length| u64::from(length))
    });
    usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
}

/// Appends the code of `input` to `out`.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "`count` is below 32 between codes, and a code has at most 30 bits"
)]
pub(super) fn encode(input: &[u8], out: &mut Vec<u8>) {
    // The last `count` bits of `window` wait to be written, fewer than 32 between codes.
    let (mut window, mut count) = (0_u64, 0_u32);
    for &byte in input {
        let Some(&Code { bits, length }) = TABLES.codes.get(usize::from(byte)) else {
            continue;
        };
        window = (window << length) | u64::from(bits);
        count += u32::from(length);
        if count >= 32 {
            count -= 32;
            out.extend_from_slice(&((window >> count) as u32).to_be_bytes());
        }
    }
    while count >= 8 {
        count -= 8;
        out.push((window >> count) as u8);
    }
    if count > 0 {
        out.push((window << (8 - count)) as u8 | (0xff_u8 >> count));
    }
}

#[cfg(test)]
mod tests;
