use proptest::prelude::*;

use super::*;
use crate::http2::Field;
use crate::http2::hpack::tests::hex;
use crate::http2::hpack::{Decoder, DecoderLimits, Progress};

/// The two ends of one direction.
struct Pair {
    encoder: Encoder,
    decoder: Decoder,
}

impl Pair {
    fn new() -> Self {
        Self { encoder: Encoder::new(4096), decoder: Decoder::new(DecoderLimits::default()) }
    }

    /// The block of `fields`, decoded on the other side to the same fields and the same table.
    fn send(&mut self, fields: &Fields) -> Vec<u8> {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        let mut received = Fields::new();
        assert_eq!(self.decoder.decode(&block, true, &mut received), Ok(Progress::Complete), "{block:02x?}");
        assert!(received.iter().eq(fields.iter().zip(received.iter()).map(|(sent, got)| {
            // A secret by its name arrives as one.
            let text = &[sent.name, sent.value].concat();
            let secret = is_secret(Line { text, name_len: sent.name.len(), tag: () });
            Field { sensitive: sent.sensitive || got.sensitive && secret, ..sent }
        })));
        assert_eq!(self.encoder.table_digest(), self.decoder.table_digest());
        block
    }

    fn send_lines(&mut self, lines: &[(&str, &str)]) -> Vec<u8> {
        self.send(&lines.iter().copied().collect())
    }
}

const REQUEST: &[(&str, &str)] = &[
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/helloworld.Greeter/SayHello"),
    (":authority", "localhost:50051"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
    ("user-agent", "unwired/0.1"),
    ("grpc-accept-encoding", "gzip,zstd"),
];

#[test]
fn a_repeated_section_costs_one_byte_a_field() {
    let mut pair = Pair::new();
    assert!(pair.send_lines(REQUEST).len() > 60);
    // The path shows at its second sight that it comes again.
    assert!(pair.send_lines(REQUEST).len() < 40);
    let memory = pair.encoder.table.memory();
    for _ in 0..10 {
        assert_eq!(pair.send_lines(REQUEST).len(), REQUEST.len());
    }
    assert_eq!(pair.encoder.table.memory(), memory);
    let (head, trailers) =
        ([(":status", "200"), ("content-type", "application/grpc")], [("grpc-status", "0")]);
    let mut pair = Pair::new();
    pair.send_lines(&head);
    pair.send_lines(&trailers);
    assert_eq!(pair.send_lines(&head).len(), 2);
    assert_eq!(pair.send_lines(&trailers), [0xbe]);
}

#[test]
fn values_that_never_repeat_push_nothing_out() {
    let mut pair = Pair::new();
    for n in 0..3 {
        pair.send_lines(REQUEST);
        pair.send_lines(&[("grpc-timeout", &format!("{n}u")), ("x-request-id", &format!("{n}-{n}"))]);
    }
    let digest = pair.encoder.table_digest();
    for n in 0..1000_u64 {
        let id = format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let timeout = format!("{}u", 4_999_999 - n);
        let block =
            pair.send_lines(&[("grpc-timeout", &timeout), ("x-request-id", &id), ("content-length", "17")]);
        assert_eq!(block[0] & 0xf0, 0, "literal without indexing");
    }
    assert_eq!(pair.encoder.table_digest(), digest);
    assert_eq!(pair.send_lines(REQUEST).len(), REQUEST.len());
}

#[test]
fn an_entry_that_would_empty_the_table_is_not_indexed() {
    let mut pair = Pair::new();
    pair.send_lines(REQUEST);
    let digest = pair.encoder.table_digest();
    for _ in 0..3 {
        pair.send_lines(&[("large", &"x".repeat(2100))]);
        assert_eq!(pair.encoder.table_digest(), digest);
    }
}

/// 7541-46
/// Obligations: 46.
#[test]
fn two_changes_between_blocks_are_signalled_as_the_lowest_and_the_last() {
    let mut pair = Pair::new();
    pair.send_lines(REQUEST);
    for limit in [1000, 100, 2000] {
        pair.encoder.set_table_limit(limit);
        pair.decoder.set_table_limit(limit);
    }
    let block = pair.send_lines(&[(":method", "GET")]);
    assert_eq!(block, hex("3f45 3fb10f 82"));
    assert_eq!(pair.send_lines(&[(":method", "GET")]), hex("82"));
    // One change, one update; no change, none.
    pair.encoder.set_table_limit(0);
    pair.decoder.set_table_limit(0);
    assert_eq!(pair.send_lines(&[(":method", "GET")]), hex("20 82"));
    pair.encoder.set_table_limit(0);
    assert_eq!(pair.send_lines(&[(":method", "GET")]), hex("82"));
    // Down and back again is a change too: the peer may have evicted.
    pair.encoder.set_table_limit(4096);
    pair.decoder.set_table_limit(4096);
    assert_eq!(pair.send_lines(&[(":method", "GET")]), hex("3fe11f 82"));
    pair.encoder.set_table_limit(0);
    pair.encoder.set_table_limit(4096);
    assert_eq!(pair.send_lines(&[(":method", "GET")]), hex("20 3fe11f 82"));
}

/// F15: HEADER_TABLE_SIZE of 4 GiB takes no more of our memory than the default.
/// Threats: F15.
#[test]
fn the_table_never_exceeds_our_own_cap() {
    let mut pair = Pair::new();
    pair.encoder.set_table_limit(u32::MAX);
    assert_eq!(pair.send_lines(&[(":method", "GET")]), hex("82"));
    for n in 0..5000 {
        pair.send_lines(&[("te", &format!("{n}")), (&format!("name-{n}"), "value")]);
    }
    assert!(pair.encoder.capacity() <= 16 * 1024, "{}", pair.encoder.capacity());

    let mut small = Encoder::new(100);
    let mut block = Vec::new();
    small.encode(&[(":method", "GET")].into_iter().collect(), &mut block);
    assert_eq!(block, hex("3f45 82"));
}

/// 7541-49, H7
/// Threats: H7.
/// Obligations: 49.
#[test]
fn secrets_are_never_indexed() {
    let mut pair = Pair::new();
    let short = "a".repeat(SHORT_SECRET - 1);
    for _ in 0..3 {
        for (name, value) in [
            ("authorization", "Bearer abc"),
            ("authorization", ""),
            ("proxy-authorization", "Basic abc"),
            ("cookie", "a=b"),
            ("set-cookie", "a=b"),
            ("token-bin", &short),
        ] {
            let block = pair.send_lines(&[(name, value)]);
            assert_eq!(block[0] & 0xf0, 0x10, "{name}");
        }
        let mut marked = Fields::new();
        marked.push_sensitive(b"content-type", b"application/grpc");
        marked.push_sensitive(b":path", b"/");
        marked.push_sensitive(b"own", b"secret");
        let mut block = Vec::new();
        pair.encoder.encode(&marked, &mut block);
        let mut received = Fields::new();
        assert_eq!(pair.decoder.decode(&block, true, &mut received), Ok(Progress::Complete));
        assert_eq!(received, marked);
    }
    assert_eq!(pair.encoder.table.memory(), 0);
    // A long -bin value cannot be guessed and is worth an entry.
    let long = "a".repeat(SHORT_SECRET);
    let trace = [("trace-bin", long.as_str())];
    pair.send_lines(&trace);
    assert_eq!(pair.send_lines(&trace), [0xbe]);
}

/// A secret is no index even when the same line is in the table, in clear, already.
#[test]
fn a_sensitive_field_is_no_index_to_its_own_clear_text() {
    let mut pair = Pair::new();
    pair.send_lines(&[("own", "value")]);
    assert_eq!(pair.send_lines(&[("own", "value")]), [0xbe]);
    let mut marked = Fields::new();
    marked.push_sensitive(b"own", b"value");
    // Only its name is one.
    assert_eq!(pair.send(&marked)[..2], [0x1f, 0x2f]);
}

#[test]
fn huffman_is_used_only_when_it_is_shorter() {
    let mut block = Vec::new();
    text(b"aaaaaaaa", &mut block);
    assert_eq!(block[0], 0x85);
    block.clear();
    text(b"\x80\x81", &mut block);
    assert_eq!(block, [2, 0x80, 0x81]);
    block.clear();
    // Eight bits each: as long, and cheaper as it is.
    text(b"&&&&", &mut block);
    assert_eq!(block, b"\x04&&&&");
}

fn fields() -> impl Strategy<Value = Fields> {
    let name = prop_oneof![
        8 => proptest::sample::select(vec![
            ":path", ":authority", ":status", "te", "content-type", "grpc-status", "grpc-timeout", "cookie",
            "x-request-id", "trace-bin", "accept-encoding", "content-length",
        ]).prop_map(|name| name.as_bytes().to_vec()),
        2 => "[a-z-]{1,30}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..10),
    ];
    let value = prop_oneof![
        6 => "[0-9]{1,2}".prop_map(String::into_bytes),
        2 => "[ -~]{0,60}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
    ];
    proptest::collection::vec((name, value, proptest::bool::weighted(0.1)), 0..12).prop_map(|lines| {
        let mut fields = Fields::new();
        for (name, value, sensitive) in lines {
            if sensitive { fields.push_sensitive(&name, &value) } else { fields.push(&name, &value) }
        }
        fields
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent arrives, and both tables stay the same through evictions and changes of size.
    #[test]
    fn round_trip_keeps_both_tables_the_same(
        sections in proptest::collection::vec((fields(), proptest::option::weighted(0.3, 0..400_u32)), 1..30),
    ) {
        let mut pair = Pair::new();
        for (fields, limit) in sections {
            if let Some(limit) = limit {
                pair.decoder.set_table_limit(limit);
                pair.encoder.set_table_limit(limit);
            }
            pair.send(&fields);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sent_again_is_encoded_as_if_it_were_new(
        sections in proptest::collection::vec(fields(), 1..4),
        order in proptest::collection::vec((any::<prop::sample::Index>(), proptest::option::weighted(0.1, 0..400_u32)), 1..24),
    ) {
        let (mut remembers, mut forgets) = (Encoder::new(4096), Encoder::new(4096));
        for (at, limit) in order {
            let [remembered, new] = [&mut remembers, &mut forgets].map(|encoder| {
                if let Some(limit) = limit {
                    encoder.set_table_limit(limit);
                }
                let mut block = Vec::new();
                encoder.encode(at.get(&sections), &mut block);
                (block, encoder.table_digest())
            });
            prop_assert_eq!(remembered, new);
            forgets.shrink();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Sections that begin alike, as the heads of calls do.
    #[test]
    fn what_begins_as_before_arrives_and_both_tables_stay_the_same(
        sections in proptest::collection::vec(fields(), 1..4),
        order in proptest::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), proptest::option::weighted(0.1, 0..400_u32)), 1..24,
        ),
    ) {
        let mut pair = Pair::new();
        for (head, rest, limit) in order {
            if let Some(limit) = limit {
                pair.decoder.set_table_limit(limit);
                pair.encoder.set_table_limit(limit);
            }
            let mut section = head.get(&sections).clone();
            section.extend_from(rest.get(&sections));
            pair.send(&section);
        }
    }
}

#[test]
fn the_beginning_of_a_section_is_remembered_without_the_rest() {
    let mut pair = Pair::new();
    let id = |number: u32| [("x-tenant", "a".to_owned()), ("x-request-id", number.to_string())];
    let call = |number: u32| {
        let own = id(number);
        let lines = REQUEST.iter().copied().chain(own.iter().map(|(name, value)| (*name, value.as_str())));
        lines.collect::<Fields>()
    };
    for number in 0..5 {
        pair.send(&call(number));
    }
    let at = pair.encoder.table.changes();
    let found = pair.encoder.repeated.find(at, &call(99)).map(|(lines, _)| lines);
    assert_eq!(found, Some(REQUEST.len() + 1));
    let other: Fields = [("x-tenant", "a"), ("x-request-id", "99")].into_iter().collect();
    assert_eq!(pair.encoder.repeated.find(at, &other), None);
}

#[test]
fn a_section_is_remembered_once_it_came_again_and_until_the_table_changes() {
    let mut pair = Pair::new();
    let section: Fields = REQUEST.iter().copied().collect();
    // The first two times put lines into the table.
    for remembered in [false, false, false, true, true] {
        pair.send(&section);
        let at = pair.encoder.table.changes();
        assert_eq!(pair.encoder.repeated.find(at, &section).is_some(), remembered);
    }
    pair.send_lines(&[("x-new", "1")]);
    let at = pair.encoder.table.changes();
    assert_eq!(pair.encoder.repeated.find(at, &section), None);
    pair.encoder.shrink();
    assert_eq!(pair.encoder.repeated.fields.capacity(), 0);
}

#[test]
fn a_line_of_the_static_table_is_its_index_unless_it_is_a_secret() {
    let mut pair = Pair::new();
    assert_eq!(pair.send_lines(&[(":status", "204")]), [0x80 | 9]);
    assert_eq!(pair.send_lines(&[("accept-encoding", "gzip, deflate")]), [0x80 | 16]);
    assert_eq!(pair.send_lines(&[("authorization", "")]), [0x1f, 23 - 15, 0]);
}

#[test]
fn a_line_of_half_the_table_is_stored_and_a_longer_one_is_not() {
    for (value, indexed) in [(2048 - 32 - 1, true), (2048 - 32, false)] {
        let mut pair = Pair::new();
        let block = pair.send_lines(&[("x", &"v".repeat(value))]);
        assert_eq!(block[0] & 0x40 != 0, indexed, "{value}");
    }
}

#[test]
fn memory_of_lines_that_are_gone_is_given_back() {
    let mut pair = Pair::new();
    pair.send_lines(REQUEST);
    assert!(pair.encoder.capacity() > 0);
    pair.encoder.set_table_limit(0);
    pair.send_lines(&[(":method", "GET")]);
    pair.encoder.shrink();
    assert_eq!(pair.encoder.capacity(), 0);
}

/// The mark of a value is never the one of an empty place.
#[test]
fn a_value_is_not_known_at_first_sight_whatever_its_hash() {
    for mark in [0, 1] {
        let value = (0_u32..)
            .map(|n| n.to_string())
            .find(|value| {
                let text = format!("date{value}");
                hash(Line { text: text.as_bytes(), name_len: 4, tag: () }) >> 16 == mark
            })
            .unwrap();
        let mut pair = Pair::new();
        assert_eq!(pair.send_lines(&[("date", &value)])[0] & 0x40, 0, "the first time");
        assert_eq!(pair.send_lines(&[("date", &value)])[0] & 0x40, 0x40, "the second time");
    }
}

/// What is remembered of a section that is always the same means the same whatever came between.
#[test]
fn standing_sections_follow_the_table() {
    static SECTION: Standing = Standing {
        place: 0,
        lines: &[
            Line { text: b":status200", name_len: 7, tag: Class::Status },
            Line { text: b"content-typeapplication/grpc", name_len: 12, tag: Class::Regular },
        ],
    };
    let mut pair = Pair::new();
    let send = |pair: &mut Pair| {
        let (mut block, mut received) = (Vec::new(), Fields::new());
        pair.encoder.encode_standing(&SECTION, &mut block);
        assert_eq!(pair.decoder.decode(&block, true, &mut received), Ok(Progress::Complete), "{block:02x?}");
        assert_eq!(received, SECTION.fields());
        assert_eq!(pair.encoder.table_digest(), pair.decoder.table_digest());
        block
    };
    assert!(send(&mut pair).len() > 2);
    assert_eq!(send(&mut pair), [0x88, 0xbe]);
    assert_eq!(send(&mut pair), [0x88, 0xbe], "as it was remembered");
    // Other lines move it, and then push it out.
    for n in 0..200 {
        pair.send_lines(&[(&format!("x-{n}"), "value")]);
        let (block, again) = (send(&mut pair), send(&mut pair));
        // Two indices, of which one may have grown beyond an octet; a literal becomes one.
        assert!(again.len() <= 3 && (again == block || block.len() > 3), "{block:02x?}, then {again:02x?}");
    }
    for limit in [0, 100, 4096] {
        pair.encoder.set_table_limit(limit);
        send(&mut pair);
        send(&mut pair);
    }
}
