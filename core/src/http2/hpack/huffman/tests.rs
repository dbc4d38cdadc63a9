use proptest::prelude::*;

use super::*;

fn code(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(text, &mut out);
    assert_eq!(out.len(), encoded_len(text));
    out
}

fn text(code: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    decode(code, &mut out).map(|()| out)
}

/// Writes `(bits, length)` codes one after the other, padded with ones.
fn bits(codes: &[(u32, u32)]) -> Vec<u8> {
    let mut string: String =
        codes.iter().map(|&(bits, len)| format!("{bits:0len$b}", len = len as usize)).collect();
    while !string.len().is_multiple_of(8) {
        string.push('1');
    }
    string
        .as_bytes()
        .chunks(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

/// The strings of RFC 7541 Appendix C.4 and C.6.
#[test]
fn huffman_codes_of_rfc_7541_appendix_c() {
    for (string, hex) in [
        ("www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"),
        ("no-cache", "a8eb10649cbf"),
        ("custom-key", "25a849e95ba97d7f"),
        ("custom-value", "25a849e95bb8e8b4bf"),
        ("302", "6402"),
        ("private", "aec3771a4b"),
        ("Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"),
        ("https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"),
        (
            "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        ),
    ] {
        assert_eq!(code(string.as_bytes()), crate::http2::hpack::tests::hex(hex), "{string}");
        assert_eq!(text(&crate::http2::hpack::tests::hex(hex)).unwrap(), string.as_bytes());
    }
}

/// A few rows of RFC 7541 Appendix B, the longest codes among them.
#[test]
fn huffman_codes_of_rfc_7541_appendix_b() {
    for (byte, code, length) in [
        (0, 0x1ff8, 13),
        (b'\n', 0x3fff_fffc, 30),
        (b'\r', 0x3fff_fffd, 30),
        (22, 0x3fff_fffe, 30),
        (b' ', 0x14, 6),
        (b'0', 0x0, 5),
        (b'\\', 0x7fff0, 19),
        (b'z', 0x7b, 7),
        (127, 0xfff_fffc, 28),
        (128, 0xfffe6, 20),
        (255, 0x3ff_ffee, 26),
    ] {
        let found = TABLES.codes[usize::from(byte)];
        assert_eq!((found.bits, found.length), (code, length), "{byte}");
    }
}

/// 7541-48
/// Obligations: 48.
#[test]
fn huffman_round_trips_all_octets_and_the_empty_string() {
    assert_eq!(code(b""), b"");
    assert_eq!(text(b"").unwrap(), b"");
    for byte in 0..=u8::MAX {
        // Alone, behind every alignment, and next to itself: each of the paths of a long code.
        for before in 0..8 {
            let mut string = vec![b'0'; before];
            string.extend([byte; 9]);
            string.extend(vec![b'a'; before]);
            assert_eq!(text(&code(&string)).unwrap(), string, "{byte} behind {before}");
        }
    }
    let all: Vec<u8> = (0..=u8::MAX).chain((0..=u8::MAX).rev()).collect();
    assert_eq!(text(&code(&all)).unwrap(), all);
}

/// 7541-48
/// Obligations: 48.
#[test]
fn huffman_eos_is_refused_wherever_it_is() {
    let (eos, zero, newline) = ((0x3fff_ffff, 30), (0, 5), (0x3fff_fffc, 30));
    assert_eq!(text(&bits(&[eos])), Err(Error::Huffman));
    for before in 1..16 {
        let mut codes = vec![zero; before];
        assert!(text(&bits(&codes)).is_ok());
        codes.push(eos);
        assert_eq!(text(&bits(&codes)), Err(Error::Huffman), "behind {before}");
        codes.push(newline);
        assert_eq!(text(&bits(&codes)), Err(Error::Huffman), "inside, behind {before}");
    }
}

/// 7541-48
/// Obligations: 48.
#[test]
fn huffman_padding_of_eight_bits_or_more_is_refused() {
    for string in [&b""[..], b"0", b"00", b"000", b"0000", b"00000000", b"&&&&&&&&", b"\n"] {
        let mut padded = code(string);
        for _ in 0..8 {
            padded.push(0xff);
            assert_eq!(text(&padded), Err(Error::Huffman), "{padded:02x?}");
        }
    }
}

/// 7541-48
/// Obligations: 48.
#[test]
fn huffman_padding_that_is_not_all_ones_is_refused() {
    for len in 1..16 {
        let string = vec![b'0'; len];
        let padding = (8 - len * 5 % 8) % 8;
        let good = code(&string);
        assert_eq!(text(&good).unwrap(), string);
        // Up to four bits cannot be the beginning of a code unless they are ones; with five or more, some are a code.
        for wrong in 0..(1_u8 << padding).saturating_sub(1) {
            let mut bad = good.clone();
            let last = bad.last_mut().unwrap();
            *last = *last & !((1 << padding) - 1) | wrong;
            match text(&bad) {
                Err(error) => assert_eq!(error, Error::Huffman),
                Ok(longer) => {
                    assert!(padding >= 5 && longer.len() == len + 1 && code(&longer) == bad, "{bad:02x?}");
                }
            }
        }
    }
}

/// Whatever decodes is what an encoder would have written: no two codes for one string.
#[test]
fn huffman_decodes_only_what_encodes_to_the_same() {
    let mut seed = 7_u64;
    for len in 0..4000 {
        let bytes: Vec<u8> = (0..len % 24)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            })
            .collect();
        if let Ok(string) = text(&bytes) {
            assert_eq!(code(&string), bytes);
        }
    }
}

/// RFC 7541 §5.2, bit by bit.
fn plainly(octets: &[u8]) -> Option<Vec<u8>> {
    let bits = octets.iter().flat_map(|octet| (0..8).rev().map(move |at| u32::from(octet >> at & 1)));
    let (mut out, mut code, mut length) = (Vec::new(), 0_u32, 0_u8);
    for bit in bits {
        (code, length) = (code << 1 | bit, length + 1);
        let symbol = TABLES.codes.iter().position(|known| (known.bits, known.length) == (code, length));
        if let Some(symbol) = symbol {
            out.push(symbol as u8);
            (code, length) = (0, 0);
        } else if length == 30 {
            return None;
        }
    }
    (length < 8 && code == (1 << length) - 1).then_some(out)
}

proptest! {
    #[test]
    fn any_octets_survive(octets: Vec<u8>) {
        let coded = code(&octets);
        prop_assert_eq!(text(&coded), Ok(octets.clone()));
        prop_assert_eq!(plainly(&coded), Some(octets));
    }

    /// Codes of any symbols, with some bits wrong, or with anything.
    #[test]
    fn any_octets_are_read_as_bit_by_bit(
        symbols: Vec<u8>, wrong in proptest::option::of((any::<usize>(), any::<u8>())), anything: Vec<u8>,
    ) {
        let mut nearly = code(&symbols);
        if let Some((at, wrong)) = wrong && !nearly.is_empty() {
            let at = at % nearly.len();
            nearly[at] ^= wrong;
        }
        for octets in [nearly, anything] {
            prop_assert_eq!(text(&octets).ok(), plainly(&octets));
        }
    }
}
