//! Percent coding of `grpc-message` (gRPC, `PROTOCOL-HTTP2.md`): 0x20-0x24 and 0x26-0x7E stand for themselves.

use std::borrow::Cow;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

const fn is_plain(octet: u8) -> bool {
    matches!(octet, b' '..=b'~') && octet != b'%'
}

/// Encodes `text`.
#[expect(clippy::arithmetic_side_effects, reason = "half as much again as a text in memory")]
pub(crate) fn encode(text: &str) -> Cow<'_, [u8]> {
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 2);
    for octet in text.bytes() {
        if is_plain(octet) {
            out.push(octet);
        } else {
            let digit = |n: u8| HEX.get(usize::from(n)).copied().unwrap_or(b'0');
            out.extend([b'%', digit(octet >> 4), digit(octet & 0xf)]);
        }
    }
    Cow::Owned(out)
}

/// Decodes `text` and never fails: an escape that is none stands for itself, and what is no UTF-8 is replaced.
pub(crate) fn decode(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        let escaped = match after {
            [high, low, ..] if octet == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => out.push(octet),
        }
    }
    match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

fn hex(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_protocol_names_stands_for_itself_and_all_else_is_escaped() {
        for octet in 0..=0x7f_u8 {
            let text = char::from(octet).to_string();
            let plain = (0x20..=0x24).contains(&octet) || (0x26..=0x7e).contains(&octet);
            let expected = if plain { text.clone() } else { format!("%{octet:02X}") };
            assert_eq!(encode(&text), expected.as_bytes());
        }
    }

    #[test]
    fn broken_escapes_and_broken_utf8_lose_no_text() {
        assert_eq!(decode(b"100%"), "100%");
        assert_eq!(decode(b"100%4"), "100%4");
        assert_eq!(decode(b"%zz%41"), "%zzA");
        assert_eq!(decode(b"a%ffb"), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn any_text_survives(text: String) {
            let encoded = encode(&text);
            prop_assert!(encoded.iter().all(|octet| matches!(octet, b' '..=b'~')));
            prop_assert_eq!(decode(&encoded), text);
        }

        /// What is no escape stays, and what is no UTF-8 is replaced.
        #[test]
        fn any_octets_are_read_as_a_plain_reader_does(octets: Vec<u8>, near in "([a-c]|%[0-9a-fA-G]{0,2}){0,9}") {
            for text in [&octets[..], near.as_bytes()] {
                let (mut out, mut at) = (Vec::new(), 0);
                while at < text.len() {
                    let digits = text.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
                    if let (b'%', Some(digits)) = (text[at], digits) {
                        let digits = core::str::from_utf8(digits).expect("ASCII");
                        out.push(u8::from_str_radix(digits, 16).expect("two digits"));
                        at += 3;
                    } else {
                        out.push(text[at]);
                        at += 1;
                    }
                }
                prop_assert_eq!(decode(text), String::from_utf8_lossy(&out));
            }
        }
    }
}
