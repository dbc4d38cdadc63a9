//! The text of `-bin` metadata (gRPC, `PROTOCOL-HTTP2.md`): unpadded base64 out, padded or unpadded in.

use ::base64::Engine;
use ::base64::alphabet::STANDARD;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(crate) fn encode(octets: &[u8]) -> String {
    ENGINE.encode(octets)
}

/// `None` for what is no base64.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    /// RFC 4648 §4, six bits at a time; bits that are left over mean nothing.
    fn plainly(text: &[u8]) -> Option<Vec<u8>> {
        let end = text.iter().rposition(|&octet| octet != b'=').map_or(0, |last| last + 1);
        let (digits, padding) = text.split_at(end);
        let whole = match digits.len() % 4 {
            0 => padding.is_empty(),
            1 => false,
            // Some padding is as good as all of it.
            left => padding.len() <= 4 - left,
        };
        let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for digit in digits {
            let six = ALPHABET.iter().position(|known| known == digit)?;
            (bits, count) = (bits << 6 | six as u32, count + 6);
            if count >= 8 {
                count -= 8;
                out.push((bits >> count) as u8);
            }
        }
        whole.then_some(out)
    }

    proptest! {
        #[test]
        fn any_octets_survive_without_padding_and_with_it(octets: Vec<u8>) {
            let text = encode(&octets);
            prop_assert!(!text.contains('='));
            let padded = format!("{text:=<width$}", width = text.len().next_multiple_of(4));
            prop_assert_eq!(decode(text.as_bytes()), Some(octets.clone()));
            prop_assert_eq!(decode(padded.as_bytes()), Some(octets));
        }

        #[test]
        fn any_text_is_read_as_the_rfc_says(near in "[A-Za-z0-9+/]{0,9}={0,3}", wrong in "[ -~]{0,6}") {
            for text in [near.as_bytes(), wrong.as_bytes()] {
                prop_assert_eq!(decode(text), plainly(text), "{:?}", text);
            }
        }
    }
}
