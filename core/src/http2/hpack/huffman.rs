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

/// The tables that follow from the lengths.
struct Tables {
    codes: [Code; 256],
    /// The bytes in the order of their codes.
    symbols: [u8; 256],
    /// One entry for each length, the longest first. A length without codes begins where the next one does.
    ranges: [Range; MAX_LENGTH + 1],
    /// For each first byte of a code, symbol and length of the code when that has at most eight bits, as nearly all of
    /// real fields have; length 0 when it has more.
    short: [(u8, u8); 256],
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static TABLES: Tables = {
    let mut tables = Tables {
        codes: [Code { bits: 0, length: 0 }; 256],
        symbols: [0; 256],
        ranges: [Range { length: 0, first: 0, place: 0 }; MAX_LENGTH + 1],
        short: [(0, 0); 256],
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
                while length <= 8 && tail < 1 << (8 - length) {
                    tables.short[((next as usize) << (8 - length)) | tail] = (symbol as u8, length as u8);
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
    tables
};

/// Appends what `input` stands for to `out`: at most 8 bytes for each 5 of it.
///
/// # Errors
///
/// [`Error::Huffman`] for EOS anywhere, and for padding that has 8 bits or a zero in it.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "`count` is at most 30 before a word of 32 bits or a rest of 24 is added"
)]
pub(super) fn decode(mut input: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    // The shortest code has five bits. `input` is what has arrived, not what was announced.
    out.reserve(input.len().saturating_mul(8) / 5);
    // The next bits of the input at the top, `count` of them, and zeros below.
    let (mut window, mut count) = (0_u64, 0_u32);
    loop {
        if let Some((bytes, rest)) = input.split_first_chunk::<4>() {
            window |= u64::from(u32::from_be_bytes(*bytes)) << (32 - count);
            count += 32;
            input = rest;
        } else {
            for &byte in input {
                window |= u64::from(byte) << (56 - count);
                count += 8;
            }
            input = &[];
        }
        // Whatever code comes next is here in full, except at the end of the input.
        let floor = if input.is_empty() { 0 } else { MAX_LENGTH as u32 };
        while count > floor {
            let short = TABLES.short.get((window >> 56) as usize).copied().unwrap_or_default();
            let (symbol, length) = if short.1 != 0 { short } else { decode_long((window >> 32) as u32)? };
            let Some(left) = count.checked_sub(u32::from(length)) else {
                break;
            };
            out.push(symbol);
            window <<= length;
            count = left;
        }
        if input.is_empty() {
            break;
        }
    }
    // RFC 7541 §5.2: what is left is padding, fewer than 8 bits and the beginning of EOS.
    let ones = !(u64::MAX >> count);
    if count < 8 && window == ones { Ok(()) } else { Err(Error::Huffman) }
}

/// The symbol of the code of more than eight bits at the top of `window`, and its length.
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
