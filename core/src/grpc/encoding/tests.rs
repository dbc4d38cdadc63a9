use proptest::prelude::*;

use super::*;
use crate::grpc::Code;

fn compressing() -> Vec<Encoding> {
    Encoding::ALL
        .into_iter()
        .filter(|&encoding| encoding.is_supported() && encoding != Encoding::Identity)
        .collect()
}

#[test]
fn sets_are_written_as_they_are_read() {
    for bits in 0..8_u8 {
        let set = EncodingSet(bits << 1);
        assert_eq!(EncodingSet::parse(set.as_str().as_bytes()), set);
    }
    assert!(EncodingSet::parse(b"br, gzip ,,identity").contains(Encoding::Gzip));
    assert!(EncodingSet::parse(b"").contains(Encoding::Identity));
    assert_eq!(EncodingSet::IDENTITY.with(Encoding::Identity), EncodingSet::IDENTITY);
}

/// Threats: G2.
#[test]
fn a_bomb_is_stopped_one_byte_over_the_limit() {
    let zeros = vec![0; 10 << 20];
    for encoding in compressing() {
        let small = compress(encoding, &zeros).unwrap();
        assert!(small.len() < zeros.len() / 500, "{encoding}");
        assert_eq!(decompress(encoding, &small, zeros.len()).unwrap(), zeros);
        let refused = decompress(encoding, &small, zeros.len() - 1).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{encoding}");
    }
}

/// Threats: G2.
#[test]
fn what_is_cut_off_or_followed_by_something_is_corrupt() {
    for encoding in compressing() {
        let whole = compress(encoding, b"hello, hello, hello").unwrap();
        for end in 0..whole.len() {
            let error = decompress(encoding, &whole[..end], 1000).unwrap_err();
            assert_eq!(error.code(), Code::Internal, "{encoding} cut at {end}");
        }
        let followed = [&whole[..], b"x"].concat();
        assert_eq!(decompress(encoding, &followed, 1000).unwrap_err().code(), Code::Internal, "{encoding}");
    }
}

#[test]
fn an_empty_message_can_be_compressed() {
    for encoding in compressing() {
        assert_eq!(decompress(encoding, &compress(encoding, b"").unwrap(), 0).unwrap(), b""[..]);
    }
}

#[cfg(feature = "gzip")]
#[test]
fn gzip_takes_several_members_and_every_option_of_a_head() {
    let member = compress(Encoding::Gzip, b"ab").unwrap();
    let two = [&member[..], &member[..]].concat();
    assert_eq!(decompress(Encoding::Gzip, &two, 4).unwrap(), b"abab"[..]);
    assert_eq!(decompress(Encoding::Gzip, &two, 3).unwrap_err().code(), Code::ResourceExhausted);
    let most = member.repeat(1024);
    assert_eq!(decompress(Encoding::Gzip, &most, 2048).unwrap().len(), 2048);
    let over = decompress(Encoding::Gzip, &[&most[..], &member[..]].concat(), 9999).unwrap_err();
    assert_eq!(over.code(), Code::Internal);

    let mut rich = vec![0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 0];
    rich.extend(b"\x03\x00xyzname\0comment\0cc");
    rich.extend(&member[10..]);
    assert_eq!(decompress(Encoding::Gzip, &rich, 100).unwrap(), b"ab"[..]);
}

/// Threats: G2.
#[cfg(feature = "zstd")]
#[test]
fn zstd_refuses_a_window_over_8_mebibytes() {
    // Frame header without content size: descriptor 0, window descriptor with exponent 14 (2^24), then an empty last
    // raw block.
    let frame = |exponent: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, 1, 0, 0];
    assert_eq!(decompress(Encoding::Zstd, &frame(13), 100).unwrap(), b""[..]);
    assert_eq!(decompress(Encoding::Zstd, &frame(14), 100).unwrap_err().code(), Code::Internal);
}

proptest! {
    #[test]
    fn any_message_survives(message: Vec<u8>) {
        for encoding in compressing() {
            let small = compress(encoding, &message).unwrap();
            prop_assert_eq!(&decompress(encoding, &small, message.len()).unwrap(), &message);
        }
    }

    #[test]
    fn any_accept_encoding_is_read(octets: Vec<u8>, near in "[a-z, ]{0,30}") {
        for value in [&octets[..], near.as_bytes()] {
            let set = EncodingSet::parse(value);
            prop_assert_eq!(EncodingSet::parse(set.as_str().as_bytes()), set);
        }
    }

    #[test]
    fn any_octets_are_judged(octets: Vec<u8>, limit in 0..1000usize) {
        for encoding in compressing() {
            if let Ok(message) = decompress(encoding, &octets, limit) {
                prop_assert!(message.len() <= limit);
            }
        }
    }
}
