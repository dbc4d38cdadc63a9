use proptest::prelude::*;

use super::*;
use crate::http2::hpack::Encoder;
use crate::http2::hpack::tests::hex;

fn decoder() -> Decoder {
    Decoder::new(DecoderLimits::default())
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Fields, Error> {
    let mut out = Fields::new();
    assert_eq!(decoder.decode(block, true, &mut out)?, Progress::Complete);
    Ok(out)
}

fn lines(lines: &[(&str, &str)]) -> Fields {
    lines.iter().copied().collect()
}

/// The dynamic table, the newest line first.
fn table(decoder: &Decoder) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (0..)
        .map_while(|index| decoder.table.get(index))
        .map(|line| (text(line.name()), text(line.value())))
        .collect()
}

fn table_size(decoder: &Decoder) -> usize {
    table(decoder).iter().map(|(name, value)| name.len() + value.len() + FIELD_OVERHEAD).sum()
}

#[test]
fn blocks_that_take_turns_are_all_remembered() {
    let mut d = Decoder::new(DecoderLimits::default());
    let blocks = [&[0x88][..], &[0x88, 0x86], &[0x82], &[0x83]];
    for (round, remembered) in [false, false, true].into_iter().enumerate() {
        for block in blocks {
            let found = d.repeated.find(block, d.table.changes(), &mut Fields::new());
            assert_eq!(found.is_some(), remembered, "{block:02x?} in round {round}");
            assert_eq!(d.decode(block, true, &mut Fields::new()), Ok(Progress::Complete));
        }
    }
    // The oldest makes room.
    for _ in 0..2 {
        assert_eq!(d.decode(&[0x84], true, &mut Fields::new()), Ok(Progress::Complete));
    }
    let found = [blocks[0], blocks[1], &[0x84]]
        .map(|block| d.repeated.find(block, d.table.changes(), &mut Fields::new()).is_some());
    assert_eq!(found, [false, true, true]);
}

#[test]
fn a_block_is_remembered_once_it_came_again_and_until_the_table_changes() {
    let mut d = decoder();
    let block = literal(WITHOUT, b"x-same", b"value");
    for remembered in [false, true, true] {
        assert_eq!(decode(&mut d, &block).unwrap(), lines(&[("x-same", "value")]));
        let found = d.repeated.find(&block, d.table.changes(), &mut Fields::new());
        assert_eq!(found.is_some(), remembered);
    }
    decode(&mut d, &literal(INDEXED, b"x-other", b"1")).unwrap();
    assert_eq!(d.repeated.find(&block, d.table.changes(), &mut Fields::new()), None);
    assert_eq!(d.repeated.find(&block[1..], d.table.changes(), &mut Fields::new()), None);

    // What is long is not kept, on the wire or decoded.
    let before = d.capacity();
    for long in [literal(WITHOUT, b"x-long", &[b'a'; 513]), [&block[..]; 40].concat()] {
        for _ in 0..3 {
            decode(&mut d, &long).unwrap();
        }
        assert_eq!(d.repeated.find(&long, d.table.changes(), &mut Fields::new()), None);
    }
    assert_eq!(d.capacity(), before);
    d.shrink();
    assert!(d.capacity() < before);
}

/// Literal without Huffman.
fn literal(flags: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = vec![flags];
    for text in [name, value] {
        integer::encode(text.len(), 7, 0, &mut out);
        out.extend_from_slice(text);
    }
    out
}

const INDEXED: u8 = 0x40;
const WITHOUT: u8 = 0x00;
const NEVER: u8 = 0x10;

#[test]
fn representations_of_rfc_7541_appendix_c_2() {
    let mut d = decoder();
    let block = hex("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572");
    assert_eq!(decode(&mut d, &block).unwrap(), lines(&[("custom-key", "custom-header")]));
    assert_eq!(table(&d), [("custom-key".into(), "custom-header".into())]);
    assert_eq!(table_size(&d), 55);

    let mut d = decoder();
    let block = hex("040c 2f73 616d 706c 652f 7061 7468");
    assert_eq!(decode(&mut d, &block).unwrap(), lines(&[(":path", "/sample/path")]));
    assert_eq!(table(&d), []);

    let mut d = decoder();
    let fields = decode(&mut d, &hex("1008 7061 7373 776f 7264 0673 6563 7265 74")).unwrap();
    let field = fields.iter().next().unwrap();
    assert_eq!((field.name, field.value, field.sensitive), (&b"password"[..], &b"secret"[..], true));
    assert_eq!(table(&d), []);

    let mut d = decoder();
    assert_eq!(decode(&mut d, &hex("82")).unwrap(), lines(&[(":method", "GET")]));
    assert_eq!(table(&d), []);
}

/// One table through three blocks: C.3 in clear, C.4 Huffman coded.
#[test]
fn requests_of_rfc_7541_appendix_c_3_and_c_4() {
    for blocks in [
        [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ],
        [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ],
    ] {
        let mut d = decoder();
        let get = |scheme, path| {
            let mut fields = lines(&[(":method", "GET"), (":scheme", scheme), (":path", path)]);
            fields.push(b":authority", b"www.example.com");
            fields
        };
        let mut expected = get("http", "/");
        assert_eq!(decode(&mut d, &hex(blocks[0])).unwrap(), expected);
        assert_eq!(table_size(&d), 57);
        expected.push(b"cache-control", b"no-cache");
        assert_eq!(decode(&mut d, &hex(blocks[1])).unwrap(), expected);
        assert_eq!(table_size(&d), 110);
        let mut expected = get("https", "/index.html");
        expected.push(b"custom-key", b"custom-value");
        assert_eq!(decode(&mut d, &hex(blocks[2])).unwrap(), expected);
        assert_eq!(table_size(&d), 164);
        assert_eq!(
            table(&d),
            [
                ("custom-key", "custom-value"),
                ("cache-control", "no-cache"),
                (":authority", "www.example.com")
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}

/// With a table of 256 bytes and evictions: C.5 in clear, C.6 Huffman coded.
#[test]
fn responses_of_rfc_7541_appendix_c_5_and_c_6() {
    for blocks in [
        [
            "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 \
             3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "4803 3330 37c1 c0bf",
            "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 \
             7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 \
             6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        ],
        [
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
             1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
            "4883 640e ffc1 c0bf",
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 \
             e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        ],
    ] {
        let mut d = decoder();
        d.table.set_capacity(256);
        let head = |status, date| {
            lines(&[
                (":status", status),
                ("cache-control", "private"),
                ("date", date),
                ("location", "https://www.example.com"),
            ])
        };
        let date = "Mon, 21 Oct 2013 20:13:21 GMT";
        assert_eq!(decode(&mut d, &hex(blocks[0])).unwrap(), head("302", date));
        assert_eq!((table_size(&d), table(&d).len()), (222, 4));
        assert_eq!(decode(&mut d, &hex(blocks[1])).unwrap(), head("307", date));
        assert_eq!((table_size(&d), table(&d).len()), (222, 4));
        let mut expected = head("200", "Mon, 21 Oct 2013 20:13:22 GMT");
        expected.push(b"content-encoding", b"gzip");
        expected.push(b"set-cookie", b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
        assert_eq!(decode(&mut d, &hex(blocks[2])).unwrap(), expected);
        assert_eq!(table_size(&d), 215);
        let names: Vec<_> = table(&d).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["set-cookie", "content-encoding", "date"]);
    }
}

/// 7541-44
/// Obligations: 44.
#[test]
fn index_zero_or_beyond_both_tables_is_refused() {
    for block in ["80", "be", "ff00", "ff8080808001"] {
        assert!(matches!(decode(&mut decoder(), &hex(block)), Err(Error::Index | Error::Integer)), "{block}");
    }
    assert_eq!(decode(&mut decoder(), &hex("80")), Err(Error::Index));
    assert_eq!(decode(&mut decoder(), &hex("be")), Err(Error::Index));
    // The same as the name of a literal: 62 is 0x7e with six bits of prefix.
    assert_eq!(decode(&mut decoder(), &hex("7e 01 61")), Err(Error::Index));
    assert_eq!(decode(&mut decoder(), &hex("0f 2f 01 61")), Err(Error::Index));

    let mut d = decoder();
    assert!(decode(&mut d, &literal(INDEXED, b"a", b"b")).is_ok());
    assert_eq!(decode(&mut d, &hex("be")).unwrap(), lines(&[("a", "b")]));
    assert_eq!(decode(&mut d, &hex("bf")), Err(Error::Index));
}

/// 7541-44
/// Obligations: 44.
#[test]
fn index_62_after_its_eviction_is_refused() {
    let mut d = decoder();
    assert!(decode(&mut d, &literal(INDEXED, b"a", b"b")).is_ok());
    // Table size zero evicts, and zero back to 4096 brings nothing back.
    assert_eq!(decode(&mut d, &hex("20 3fe11f be")), Err(Error::Index));
    let mut d = decoder();
    d.table.set_capacity(40);
    assert!(decode(&mut d, &literal(INDEXED, b"a", b"b")).is_ok());
    assert!(decode(&mut d, &literal(INDEXED, b"c", b"d")).is_ok());
    assert_eq!(decode(&mut d, &hex("be")).unwrap(), lines(&[("c", "d")]));
    assert_eq!(decode(&mut d, &hex("bf")), Err(Error::Index));
}

/// 7541-45
/// Obligations: 45.
#[test]
fn entry_size_counts_decoded_octets_and_32() {
    // "www.example.com" takes 12 octets on the wire and 15 decoded: with the name 10 + 15 + 32 = 57.
    let block = hex("41 8c f1e3 c2e5 f23a 6ba0 ab90 f4ff");
    for (capacity, len) in [(57, 1), (56, 0)] {
        let mut d = decoder();
        d.table.set_capacity(capacity);
        assert!(decode(&mut d, &block).is_ok());
        assert_eq!(table(&d).len(), len);
    }
}

/// 7541-45
/// Obligations: 45.
#[test]
fn an_entry_larger_than_the_table_empties_it_without_error() {
    let mut d = decoder();
    d.table.set_capacity(100);
    assert!(decode(&mut d, &literal(INDEXED, b"a", b"b")).is_ok());
    let large = [b'x'; 80];
    let fields = decode(&mut d, &literal(INDEXED, b"large", &large)).unwrap();
    assert_eq!(fields.get(b"large"), Some(&large[..]));
    assert_eq!(table(&d), []);
    assert!(decode(&mut d, &literal(INDEXED, b"c", b"d")).is_ok());
    assert_eq!(table(&d).len(), 1);
}

/// 7541-45
/// Obligations: 45.
#[test]
fn an_insert_may_name_the_entry_that_it_evicts() {
    let mut d = decoder();
    d.table.set_capacity(64);
    assert!(decode(&mut d, &literal(INDEXED, b"some-name", b"first")).is_ok());
    // 0x7e: literal with indexing, its name that of index 62.
    let mut block = vec![0x7e, 20];
    block.extend([b'v'; 20]);
    assert_eq!(decode(&mut d, &block).unwrap().get(b"some-name"), Some(&[b'v'; 20][..]));
    assert_eq!(table(&d), [("some-name".to_owned(), "v".repeat(20))]);
}

/// 7541-46
/// Threats: H4.
/// Obligations: 46.
#[test]
fn size_updates_come_only_first_and_at_most_twice() {
    assert!(decode(&mut decoder(), &hex("20 3fe11f 82")).is_ok());
    assert!(decode(&mut decoder(), &hex("20")).is_ok());
    assert_eq!(decode(&mut decoder(), &hex("20 20 20 82")), Err(Error::SizeUpdatePosition));
    assert_eq!(decode(&mut decoder(), &hex("82 20")), Err(Error::SizeUpdatePosition));
    assert_eq!(decode(&mut decoder(), &hex("20 82 20")), Err(Error::SizeUpdatePosition));
    // Each block begins anew.
    let mut d = decoder();
    for _ in 0..3 {
        assert!(decode(&mut d, &hex("20 20 82")).is_ok());
    }
}

/// 7541-46
/// Obligations: 46.
#[test]
fn size_update_above_the_acknowledged_limit_is_refused() {
    assert!(decode(&mut decoder(), &hex("3fe11f")).is_ok(), "4096");
    assert_eq!(decode(&mut decoder(), &hex("3fe21f")), Err(Error::SizeUpdateTooLarge), "4097");
    let mut d = decoder();
    d.set_table_limit(8192);
    assert!(decode(&mut d, &hex("3fe13f")).is_ok(), "8192");
    assert_eq!(decode(&mut d, &hex("3fe23f")), Err(Error::SizeUpdateTooLarge), "8193");
}

/// 9113-6
/// Obligations: 6.
#[test]
fn the_block_after_an_acknowledged_decrease_begins_with_a_size_update() {
    let lowered = |limits: &[u32]| {
        let mut d = decoder();
        for &limit in limits {
            d.set_table_limit(limit);
        }
        d
    };
    for block in ["82", ""] {
        assert_eq!(decode(&mut lowered(&[100]), &hex(block)), Err(Error::SizeUpdateMissing), "{block}");
    }
    assert_eq!(decode(&mut lowered(&[100]), &hex("3fe11f 82")), Err(Error::SizeUpdateMissing), "4096");
    let mut d = lowered(&[100]);
    assert!(decode(&mut d, &hex("3f45 82")).is_ok(), "100");
    assert!(decode(&mut d, &hex("82")).is_ok(), "once is enough");
    d.set_table_limit(100);
    assert!(decode(&mut d, &hex("82")).is_ok(), "not lower than the table is");
    // Lowered and raised between two blocks: the lowest counts.
    assert_eq!(decode(&mut lowered(&[100, 4096]), &hex("3fe11f 82")), Err(Error::SizeUpdateMissing));
    assert!(decode(&mut lowered(&[100, 4096]), &hex("3f45 3fe11f 82")).is_ok());
    assert_eq!(decode(&mut lowered(&[100, 200]), &hex("3fa901 82")), Err(Error::SizeUpdateMissing), "200");
    assert!(decode(&mut lowered(&[100, 200]), &hex("3f45 3fa901 82")).is_ok());
    assert!(decode(&mut lowered(&[200, 100]), &hex("3f45 82")).is_ok());
    // Nothing is owed for a rise.
    assert!(decode(&mut lowered(&[8192, 4096]), &hex("82")).is_ok());
}

/// 7541-47
/// Threats: H5.
/// Obligations: 47.
#[test]
fn integers_out_of_range_are_refused_wherever_they_stand() {
    let long = "ffffffffff";
    for start in ["ff", "7f", "3f", "1f", "0f", "40ff", "407f", "4001617f", "400161ff"] {
        assert_eq!(decode(&mut decoder(), &hex(&format!("{start}{long}"))), Err(Error::Integer), "{start}");
    }
}

/// 7541-48
/// Obligations: 48.
#[test]
fn huffman_errors_end_the_block() {
    // 00011 is "a". Zeros as padding, EOS, eleven ones as padding, zeros in the padding of a name.
    for block in ["418218 00", "4184 ffffffff", "4182 1fff", "00 81 18 00"] {
        assert_eq!(decode(&mut decoder(), &hex(block)), Err(Error::Huffman), "{block}");
    }
    assert_eq!(decode(&mut decoder(), &hex("4180")).unwrap(), lines(&[(":authority", "")]), "empty string");
}

/// 7541-49
/// Threats: H7.
/// Obligations: 49.
#[test]
fn never_indexed_fields_stay_sensitive() {
    let mut d = decoder();
    let mut block = literal(NEVER, b"token", b"abc");
    block.extend(literal(WITHOUT, b"plain", b"abc"));
    let fields = decode(&mut d, &block).unwrap();
    assert_eq!(fields.iter().map(|field| field.sensitive).collect::<Vec<_>>(), [true, false]);
    assert_eq!(table(&d), []);
    // Forwarded, it is still a never-indexed literal.
    let mut forwarded = Vec::new();
    Encoder::new(4096).encode(&fields, &mut forwarded);
    assert_eq!(forwarded[0] & 0xf0, 0x10);
    assert!(decode(&mut decoder(), &forwarded).unwrap().iter().next().unwrap().sensitive);
}

#[test]
fn a_truncated_block_is_refused_at_every_cut() {
    let block = hex("4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf");
    assert!(decode(&mut decoder(), &block).is_ok());
    assert_eq!(decode(&mut decoder(), b"").unwrap(), Fields::new());
    for cut in 1..block.len() {
        assert_eq!(decode(&mut decoder(), &block[..cut]), Err(Error::Truncated), "at {cut}");
    }
}

fn limits(list_size: usize, fields: usize, decoded: usize, block_wire: usize) -> DecoderLimits {
    DecoderLimits { list_size, fields, decoded, block_wire }
}

/// H2, H3: each soft limit crossed by exactly one. The table goes on all the same.
/// Threats: H2, H6.
#[test]
fn beyond_the_soft_limits_nothing_is_stored_and_the_table_goes_on() {
    let mut block = literal(WITHOUT, b"a", b"1");
    block.extend(literal(INDEXED, b"b", b"2"));
    for (limits, progress, stored) in [
        (limits(68, 2, 1000, 1000), Progress::Complete, 2),
        (limits(67, 2, 1000, 1000), Progress::TooLarge, 1),
        (limits(68, 1, 1000, 1000), Progress::TooLarge, 1),
        (limits(0, 2, 1000, 1000), Progress::TooLarge, 0),
    ] {
        let mut d = Decoder::new(limits);
        let mut out = Fields::new();
        assert_eq!(d.decode(&block, true, &mut out), Ok(progress), "{limits:?}");
        assert_eq!(out.len(), stored);
        assert_eq!(out.list_size(), stored * 34);
        assert_eq!(table(&d), [("b".to_owned(), "2".to_owned())]);
        // The next section is judged by itself.
        assert_eq!(d.decode(&[], true, &mut out), Ok(Progress::Complete));
    }
}

/// H2: the hard limit, crossed by exactly one.
#[test]
fn a_block_that_decodes_beyond_the_hard_limit_is_excess() {
    let mut block = literal(INDEXED, b"a", &[b'x'; 67]);
    block.extend([0xbe; 9]);
    assert!(decode(&mut Decoder::new(limits(1000, 128, 1000, 1000)), &block).is_ok());
    let error = decode(&mut Decoder::new(limits(999, 128, 999, 1000)), &block).unwrap_err();
    assert_eq!(error, Error::DecodesTooLarge);
    assert!(error.is_excess());
}

/// H1: the compressed bytes, crossed by exactly one, however they are cut.
#[test]
fn a_block_longer_than_its_wire_limit_is_excess() {
    let block = [0x82; 11];
    for cut in 0..=11 {
        let mut d = Decoder::new(limits(1000, 128, 1000, 10));
        let mut out = Fields::new();
        let (first, second) = block.split_at(cut);
        let result = d.decode(first, false, &mut out).and_then(|_| d.decode(second, true, &mut out));
        assert_eq!(result, Err(Error::BlockTooLong), "cut at {cut}");
        assert!(Error::BlockTooLong.is_excess());
    }
    assert!(decode(&mut Decoder::new(limits(1000, 128, 1000, 11)), &block).is_ok());
}

/// H5: nothing is reserved or awaited for a string that cannot come.
/// Threats: H5.
#[test]
fn an_announced_string_beyond_the_wire_limit_is_refused_at_its_length() {
    for (announced, result) in [(93, Ok(Progress::Partial)), (94, Err(Error::BlockTooLong))] {
        let mut d = Decoder::new(limits(1000, 128, 1000, 100));
        let mut block = vec![WITHOUT, 5];
        block.extend(b"value");
        block.truncate(2);
        block.extend(b"names");
        integer::encode(announced - 1, 7, 0, &mut block);
        assert_eq!(block.len(), 8);
        assert_eq!(d.decode(&block, false, &mut Fields::new()), result, "{announced}");
        assert!(d.held.capacity() <= 64);
    }
    let mut d = decoder();
    assert_eq!(d.decode(&hex("40 7f81ffff7f"), false, &mut Fields::new()), Err(Error::BlockTooLong));
    assert_eq!(d.capacity(), 0);
}

/// H5: held bytes are parsed when there are enough of them, not at each arrival.
/// Threats: H5.
#[test]
fn a_long_string_fed_by_single_bytes_is_looked_at_once() {
    let block = literal(WITHOUT, b"name", &vec![b'v'; 15_000]);
    let mut d = decoder();
    let mut out = Fields::new();
    let mut waits = 0;
    for byte in &block {
        let needed = d.needed;
        assert!(d.decode(&[*byte], false, &mut out).is_ok());
        waits += usize::from(d.needed != needed);
    }
    assert_eq!(d.decode(&[], true, &mut out), Ok(Progress::Complete));
    assert_eq!(out.get(b"name").unwrap().len(), 15_000);
    assert!(waits <= 8, "{waits}");
}

#[test]
fn memory_is_given_back() {
    let mut d = decoder();
    let mut out = Fields::new();
    let block = literal(WITHOUT, b"name", &vec![b'v'; 15_000]);
    assert!(d.decode(&block[..14_000], false, &mut out).is_ok());
    assert!(d.capacity() >= 14_000);
    assert!(d.decode(&block[14_000..], true, &mut out).is_ok());
    d.shrink();
    assert_eq!(d.capacity(), 0);
    assert!(decode(&mut d, &literal(INDEXED, b"a", b"b")).is_ok());
    let digest = d.table_digest();
    d.shrink();
    assert!(d.capacity() < 100);
    assert_eq!(d.table_digest(), digest);
    assert_eq!(decode(&mut d, &hex("be")).unwrap(), lines(&[("a", "b")]));
}

/// Decodes `block` cut at `cuts`, with all that can be told from outside.
fn observe(d: &mut Decoder, block: &[u8], cuts: &[usize]) -> (Result<Progress, Error>, Fields, u64) {
    let mut out = Fields::new();
    let mut start = 0;
    let mut result = Ok(Progress::Partial);
    for &cut in cuts.iter().chain([&block.len()]) {
        let cut = cut.clamp(start, block.len());
        result = d.decode(&block[start..cut], false, &mut out);
        if result.is_err() {
            break;
        }
        start = cut;
    }
    if result.is_ok() {
        result = d.decode(&[], true, &mut out);
    }
    (result, out, d.table_digest())
}

/// Bytes that often are blocks: representations with plausible contents, and noise.
fn block() -> impl Strategy<Value = Vec<u8>> {
    let text = || prop_oneof![3 => "[a-z]{0,12}", 1 => "[ -~]{0,40}"];
    let part = prop_oneof![
        4 => (0x80..=0xff_u8).prop_map(|byte| vec![byte]),
        4 => (prop_oneof![Just(INDEXED), Just(WITHOUT), Just(NEVER)], text(), text())
            .prop_map(|(flags, name, value)| literal(flags, name.as_bytes(), value.as_bytes())),
        2 => (0x41..=0x46_u8, text()).prop_map(|(first, value)| {
            let mut out = vec![first];
            integer::encode(huffman::encoded_len(value.as_bytes()), 7, 0x80, &mut out);
            huffman::encode(value.as_bytes(), &mut out);
            out
        }),
        1 => (0x20..=0x3e_u8).prop_map(|byte| vec![byte]),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// 7541-50
    /// Obligations: 50.
    #[test]
    fn byte_at_a_time_equals_whole_with_the_same_table_digest(
        blocks in proptest::collection::vec(block(), 1..5),
        cuts in proptest::collection::vec(0..200_usize, 0..6),
        small in any::<bool>(),
    ) {
        let limits = if small { limits(120, 4, 300, 60) } else { DecoderLimits::default() };
        let (mut whole, mut bytes, mut parts) = (Decoder::new(limits), Decoder::new(limits), Decoder::new(limits));
        let mut cuts = cuts;
        cuts.sort_unstable();
        for block in blocks {
            let mut out = Fields::new();
            let result = whole.decode(&block, true, &mut out);
            let expected = (result, out, whole.table_digest());
            let every: Vec<usize> = (0..block.len()).collect();
            prop_assert_eq!(&observe(&mut bytes, &block, &every), &expected);
            prop_assert_eq!(&observe(&mut parts, &block, &cuts), &expected);
            if result.is_err() {
                break;
            }
        }
    }

    /// Whatever else moves the table in between.
    #[test]
    fn what_comes_again_is_decoded_as_if_it_were_new(
        blocks in proptest::collection::vec(block(), 1..4),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 1..24),
        small in any::<bool>(),
    ) {
        let limits = if small { limits(120, 4, 300, 60) } else { DecoderLimits::default() };
        let (mut remembers, mut forgets) = (Decoder::new(limits), Decoder::new(limits));
        for decoder in [&mut remembers, &mut forgets] {
            decoder.set_meaning(|class, name, value| class as u8 ^ name.len() as u8 ^ value.len() as u8);
        }
        for at in order {
            let block = at.get(&blocks);
            let [remembered, new] = [&mut remembers, &mut forgets].map(|decoder| {
                let mut out = Fields::new();
                let result = decoder.decode(block, true, &mut out);
                let known: Vec<Known> = out.known().collect();
                (result, out, known, result.map(|_| decoder.classes()), decoder.table_digest())
            });
            prop_assert_eq!(&remembered, &new);
            if remembered.0.is_err() {
                break;
            }
            forgets.shrink();
        }
    }

    /// H8: also without limits.
    #[test]
    fn random_bytes_never_panic(
        fragments in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..64), any::<bool>()), 0..16),
        unlimited in any::<bool>(),
    ) {
        let most = usize::MAX;
        let limits = if unlimited { limits(most, most, most, most) } else { DecoderLimits::default() };
        let mut d = Decoder::new(limits);
        let mut out = Fields::new();
        for (fragment, end) in &fragments {
            // A connection ends with an error; the decoder must stand whatever comes all the same.
            let _ = d.decode(fragment, *end, &mut out);
            prop_assert!(d.held.len() <= 64 * 16);
        }
    }
}

/// A string that cannot end within the block is refused as soon as its length is there.
#[test]
fn what_announces_more_than_the_block_may_still_have_is_refused_at_once() {
    for (begins, fits) in
        [(&[0x82; 6][..], true), (&[0x82; 7], false), (&[0x00, 0x01, b'a', 0x01, b'b', 0x82], true)]
    {
        let mut d = Decoder::new(DecoderLimits { block_wire: 10, ..DecoderLimits::default() });
        let mut out = Fields::new();
        assert_eq!(d.decode(begins, false, &mut out), Ok(Progress::Partial));
        // Four bytes: the name is said to have two.
        let expected = if fits { Ok(Progress::Partial) } else { Err(Error::BlockTooLong) };
        assert_eq!(d.decode(&[0x00, 0x02], false, &mut out), expected, "{begins:x?}");
    }
}

/// A literal that is remembered counts and means what it does when it is decoded.
#[test]
fn literals_that_come_again_are_the_same() {
    let paths: Vec<String> = (0..100).map(|n| format!("/helloworld.Greeter/SayHello{n}")).collect();
    let mut remembering = decoder();
    let mut last = Vec::new();
    for path in paths.iter().chain(&paths).chain(paths.iter().take(1)).chain(paths.iter().take(1)) {
        // Not indexed, with the name at 4 of the static table and the value by its Huffman code.
        let (mut block, mut value) = (vec![0x04], Vec::new());
        huffman::encode(path.as_bytes(), &mut value);
        integer::encode(value.len(), 7, 0x80, &mut block);
        block.extend_from_slice(&value);
        assert_eq!(decode(&mut remembering, &block).unwrap(), lines(&[(":path", path)]));
        last = block;
    }
    assert!(remembering.seen.iter().any(|seen| seen.line().is_some()));
    // The same name and value count as much, remembered or not.
    let limits = DecoderLimits { decoded: 3 * (FIELD_OVERHEAD + 5 + 29), ..DecoderLimits::default() };
    let mut counting = Decoder::new(limits);
    assert!(decode(&mut counting, &last.repeat(3)).is_ok());
    assert_eq!(decode(&mut counting, &last.repeat(4)), Err(Error::DecodesTooLarge));
    remembering.shrink();
    assert!(remembering.seen.is_empty());
}
