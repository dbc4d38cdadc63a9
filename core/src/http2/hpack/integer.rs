//! Integers with a prefix (RFC 7541 §5.1).

use super::Error;

/// More continuation bytes than this are refused, even when they add nothing to the value.
const MAX_CONTINUATION: usize = 5;

/// The largest value that is taken: far above any index, length or table size that passes its own limit, and far below
/// what a `usize` holds anywhere.
const MAX: u64 = 1 << 28;

/// Reads the integer at the beginning of `input`, whose first byte holds `prefix` bits of it (1..=8).
///
/// Answers its value and how many bytes it took, or nothing when `input` ends inside it.
///
/// # Errors
///
/// [`Error::Integer`] for more than five continuation bytes or a value above 2^28.
#[inline]
pub(super) fn decode(prefix: u32, input: &[u8]) -> Result<Option<(usize, usize)>, Error> {
    let mask = prefix_mask(prefix);
    match input.first() {
        Some(first) if first & mask != mask => Ok(Some((usize::from(first & mask), 1))),
        Some(_) => decode_long(mask, input),
        None => Ok(None),
    }
}

/// The same of an integer that does not fit into its prefix.
#[expect(clippy::arithmetic_side_effects, reason = "`at < 5`, so that `value` has at most 36 bits")]
fn decode_long(mask: u8, input: &[u8]) -> Result<Option<(usize, usize)>, Error> {
    let rest = input.get(1..).unwrap_or_default();
    let mut value = u64::from(mask);
    for (at, &byte) in rest.iter().take(MAX_CONTINUATION).enumerate() {
        value += u64::from(byte & 0x7f) << (7 * at);
        if value > MAX {
            return Err(Error::Integer);
        }
        if byte & 0x80 == 0 {
            return Ok(Some((value as usize, at + 2)));
        }
    }
    if rest.len() < MAX_CONTINUATION { Ok(None) } else { Err(Error::Integer) }
}

/// Appends `value`; its first byte holds `prefix` bits of it (1..=8) and `flags` above them.
#[expect(clippy::arithmetic_side_effects, reason = "`value >= mask` there")]
pub(super) fn encode(value: usize, prefix: u32, flags: u8, out: &mut Vec<u8>) {
    let mask = prefix_mask(prefix);
    if value < usize::from(mask) {
        out.push(flags | value as u8);
        return;
    }
    out.push(flags | mask);
    let mut rest = value - usize::from(mask);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[expect(clippy::arithmetic_side_effects, reason = "every prefix has 1 to 8 bits")]
const fn prefix_mask(prefix: u32) -> u8 {
    u8::MAX >> (8 - prefix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 7541-47
    /// Obligations: 47.
    #[test]
    fn integers_take_every_prefix_at_its_boundary() {
        for prefix in 4..=7 {
            let full = usize::from(prefix_mask(prefix));
            for value in [0, 1, full - 1, full, full + 1, full + 127, full + 128, 1337, 1 << 27, 1 << 28] {
                let mut bytes = Vec::new();
                encode(value, prefix, 0, &mut bytes);
                assert_eq!(bytes.len() == 1, value < full, "{value} in {prefix} bits");
                assert_eq!(
                    decode(prefix, &bytes),
                    Ok(Some((value, bytes.len()))),
                    "{value} in {prefix} bits"
                );
                for cut in 0..bytes.len() {
                    assert_eq!(
                        decode(prefix, &bytes[..cut]),
                        Ok(None),
                        "{value} in {prefix} bits, cut at {cut}"
                    );
                }
            }
        }
    }

    #[test]
    fn integers_of_rfc_7541_appendix_c_1() {
        for (prefix, value, bytes) in [(5, 10, &[0x0a][..]), (5, 1337, &[0x1f, 0x9a, 0x0a]), (8, 42, &[0x2a])]
        {
            let mut encoded = Vec::new();
            encode(value, prefix, 0, &mut encoded);
            assert_eq!(encoded, bytes);
            assert_eq!(decode(prefix, bytes), Ok(Some((value, bytes.len()))));
        }
    }

    /// 7541-47: zeros pad a value, but not beyond the fifth byte.
    /// Obligations: 47.
    #[test]
    fn integers_are_refused_beyond_five_continuation_bytes() {
        assert_eq!(decode(5, &[0x1f, 0x80, 0x80, 0x00]), Ok(Some((31, 4))));
        assert_eq!(decode(5, &[0x1f, 0x80, 0x80, 0x80, 0x80, 0x00]), Ok(Some((31, 6))));
        assert_eq!(decode(5, &[0x1f, 0x80, 0x80, 0x80, 0x80, 0x80]), Err(Error::Integer));
        assert_eq!(decode(5, &[0x1f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), Err(Error::Integer));
    }

    /// 7541-47: the same on a machine of 32 bits.
    /// Obligations: 47.
    #[test]
    fn integers_above_2_to_the_28_are_refused_without_overflow() {
        assert_eq!(decode(7, &[0x7f, 0x81, 0xff, 0xff, 0x7f]), Ok(Some((1 << 28, 5))));
        assert_eq!(decode(7, &[0x7f, 0x82, 0xff, 0xff, 0x7f]), Err(Error::Integer));
        assert_eq!(decode(7, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0x7f]), Err(Error::Integer));
        assert_eq!(decode(8, &[0xff; 16]), Err(Error::Integer));
    }

    /// RFC 7541 §5.1 in numbers that nothing overflows: value and octets taken, or what is wrong.
    fn plainly(prefix: u32, octets: &[u8]) -> Result<Option<(usize, usize)>, Error> {
        let Some((first, rest)) = octets.split_first() else { return Ok(None) };
        let full = (1_u128 << prefix) - 1;
        let mut value = u128::from(*first) & full;
        if value < full {
            return Ok(Some((value as usize, 1)));
        }
        for (at, octet) in rest.iter().enumerate() {
            value += u128::from(octet & 0x7f) << (7 * at);
            if at >= 5 || value > 1 << 28 {
                return Err(Error::Integer);
            }
            if octet & 0x80 == 0 {
                return Ok(Some((value as usize, at + 2)));
            }
        }
        if rest.len() < 5 { Ok(None) } else { Err(Error::Integer) }
    }

    proptest! {
        #[test]
        fn any_integer_survives_whatever_stands_around_it(
            value in 0..=1_usize << 28, prefix in 1..=8_u32, flags: u8, after: Vec<u8>,
        ) {
            let flags = flags & !prefix_mask(prefix);
            let mut octets = Vec::new();
            encode(value, prefix, flags, &mut octets);
            let length = octets.len();
            prop_assert_eq!(octets[0] & !prefix_mask(prefix), flags);
            octets.extend(after);
            prop_assert_eq!(decode(prefix, &octets), Ok(Some((value, length))));
        }

        #[test]
        fn any_octets_are_read_as_the_rfc_says(
            prefix in 1..=8_u32, first: u8, rest in proptest::collection::vec(prop_oneof![Just(0x80), Just(0xff), any::<u8>()], 0..8),
        ) {
            // Most first octets would not begin a long integer.
            for first in [first, 0xff] {
                let octets = [&[first][..], &rest].concat();
                prop_assert_eq!(decode(prefix, &octets), plainly(prefix, &octets));
            }
        }
    }
}
