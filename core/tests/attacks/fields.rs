//! Field blocks: without end, that grow, that churn, that lie about their lengths.

use unwired_core::http2::frame::flag;
use unwired_core::http2::{Abuse, Event, Fields, Reason};

use crate::raw::{self, Frame, Raw};
use crate::resets::stream;
use crate::siege::{Siege, besiege, falls, holds, play};

fn asking() -> Raw {
    let mut client = Raw::client();
    client.open(1, false);
    client
}

/// Each request is read, answered and over.
fn answer(server: &mut Raw, _round: u32) {
    for event in server.events() {
        let Event::Headers { stream, .. } = event else { continue };
        server.conn.take_fields(stream);
        server.respond(stream, true);
        server.conn.release(stream);
    }
    server.sent();
    server.events();
}

/// Threats: H1.
#[test]
fn continuations() {
    for (begin, head) in
        [(Raw::server as fn() -> Raw, raw::REQUEST.to_vec()), (asking, raw::RESPONSE.to_vec())]
    {
        let head = raw::block(head);
        besiege(begin, 9, Abuse::ContinuationFlood, |round| match round {
            0 => raw::frame(raw::HEADERS, 0, 1, &head),
            _ => raw::frame(raw::CONTINUATION, 0, 1, &raw::block([("a", "b")])),
        });
    }
}

/// Threats: H1, F4.
#[test]
fn continuations_without_content() {
    besiege(Raw::server, 2, Abuse::ContinuationFlood, |round| match round {
        0 => raw::frame(raw::HEADERS, 0, 1, b""),
        _ => raw::frame(raw::CONTINUATION, 0, 1, b""),
    });
}

/// Threats: H1.
#[test]
fn blocks_that_are_long_on_the_wire() {
    // The first frame is let pass; the second ends with a string that would go beyond.
    let block = raw::block([("x", &*"v".repeat(100)); 400]);
    let mut pieces = block.chunks(16 << 10);
    besiege(Raw::server, 1, Abuse::ContinuationFlood, |round| match round {
        0 => raw::frame(raw::HEADERS, 0, 1, pieces.next().expect("a piece")),
        _ => raw::frame(raw::CONTINUATION, 0, 1, pieces.next().expect("a piece")),
    });
}

/// A literal that is put into the table, with a value of so many octets.
fn entry(length: usize) -> Vec<u8> {
    let mut block = raw::block([("x", &*"v".repeat(length))]);
    block[0] = 0x40;
    block
}

/// Threats: H2.
#[test]
fn one_entry_again_and_again() {
    let mut block = [raw::block(raw::REQUEST), entry(4_000)].concat();
    block.extend([0x80 | 62; 16]);
    besiege(Raw::server, 0, Abuse::HpackBomb, |_| raw::headers(1, &block, true));
    let mut block = [raw::block(raw::RESPONSE), entry(4_000)].concat();
    block.extend([0x80 | 62; 16]);
    besiege(asking, 0, Abuse::HpackBomb, |_| raw::headers(1, &block, true));
}

/// Threats: H2.
#[test]
fn sections_that_are_too_large() {
    // Each is answered, and the peer that never learns is ended.
    let lines = raw::REQUEST.into_iter().chain([("cookie", "a=b")].into_iter().cycle().take(200));
    let large = raw::block(lines);
    besiege(Raw::server, 1000, Abuse::FieldsTooLarge, |round| raw::headers(stream(round), &large, true));
}

/// Threats: H3.
#[test]
fn small_fields_behind_a_closed_window() {
    // 124 fields of one octet each, 128 times, all answers held up by a window that drips: what is kept is one arena a
    // stream, and not the bookkeeping of 16,000 fields.
    let block = [raw::block(raw::REQUEST), vec![0x80 | 15; 124]].concat();
    play(Raw::server, 0, |server| {
        server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
        server.events();
        let mut kept: Vec<Fields> = Vec::new();
        for n in 0..128 {
            server.feed(&raw::headers(stream(n), &block, true));
            let events = server.events();
            let [Event::Headers { stream, .. }] = events[..] else { panic!("{events:?}") };
            kept.extend(server.conn.take_fields(stream));
            server.respond(stream, false);
            server.send(stream, 300, true);
            server.sent();
        }
        assert!(kept.iter().all(|fields| fields.iter().count() == 128));
        for _ in 0..100 {
            server.feed(&raw::window_update(1, 1));
            assert!(!server.answers().iter().any(|frame| matches!(frame, Frame::Data { .. })));
        }
        server.lives();
        // One line more is answered with 431.
        let block = [&block[..], &[0x80 | 15]].concat();
        server.feed(&raw::rst(1, Reason::CANCEL));
        for event in server.events() {
            let Event::Reset { stream, .. } = event else { continue };
            server.conn.release(stream);
        }
        server.feed(&raw::headers(stream(128), &block, true));
        let answers = server.answers();
        assert!(matches!(answers[..], [Frame::Headers { end: true, .. }]), "{answers:?}");
        assert_eq!(server.conn.stats().abuse.get(Abuse::FieldsTooLarge), 1);
    });
}

/// Threats: H3.
#[test]
fn heads_as_large_as_may_be_that_nobody_takes() {
    // Of few long fields and of many short ones: each is held until the application takes it or lets go of the stream, and
    // then no more of it than its size as SETTINGS_MAX_HEADER_LIST_SIZE counts it.
    const STREAMS: u32 = 128;
    let limits = raw::config(|_| {}).limits;
    let size = limits.max_header_list_size as usize;
    let usual: usize = raw::REQUEST.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    for lines in [1, limits.max_header_fields - raw::REQUEST.len()] {
        let value = "v".repeat((size - usual) / lines - 33);
        let more = std::iter::repeat_n(("x", &value[..]), lines);
        let head = raw::block(raw::REQUEST.into_iter().chain(more));
        play(Raw::server, STREAMS as usize * size, |server| {
            let mut keys = Vec::new();
            for n in 0..STREAMS {
                server.feed(&raw::headers(stream(n), &head, false));
                let events = server.events();
                let [Event::Headers { stream, .. }] = events[..] else { panic!("{events:?}") };
                keys.push(stream);
            }
            server.feed(&raw::headers(stream(STREAMS), &head, false));
            assert_eq!(server.answers(), [Frame::Reset(stream(STREAMS), Reason::REFUSED_STREAM)]);
            let stats = server.conn.stats();
            let counts = (stats.abuse.get(Abuse::StreamExcess), stats.abuse.total(), stats.kills.total());
            assert_eq!(counts, (1, 1, 0));
            server.lives();
            // Those who still wait for the message may have it: a head that waits holds up nothing.
            server.feed(&raw::data(1, b"x", true));
            assert_eq!(server.events(), [Event::Data { stream: keys[0], end_stream: true }]);
            let fields = server.conn.take_fields(keys[0]).expect("a head");
            assert_eq!(fields.iter().count(), raw::REQUEST.len() + lines);
        });
    }
}

/// Threats: H4.
#[test]
fn tables_that_change_their_size() {
    // Two updates ahead of a block, from nothing to all; then the table is filled, for the next one to empty.
    let churn = [&[0x20, 0x3f, 0xe1, 0x1f][..], &raw::block(raw::REQUEST), &entry(3_000)].concat();
    holds(Raw::server, 0, 2_000, |round| raw::headers(stream(round), &churn, true), answer);
    let third = [&[0x20, 0x3f, 0xe1, 0x1f, 0x20][..], &raw::block(raw::REQUEST)].concat();
    falls(Raw::server, &raw::headers(1, &third, true), Reason::COMPRESSION_ERROR, "");
    let late = [&raw::block(raw::REQUEST)[..], &[0x20]].concat();
    falls(Raw::server, &raw::headers(1, &late, true), Reason::COMPRESSION_ERROR, "");
    let over = [&[0x3f, 0xe2, 0x1f][..], &raw::block(raw::REQUEST)].concat();
    falls(Raw::server, &raw::headers(1, &over, true), Reason::COMPRESSION_ERROR, "");
}

/// Threats: H5.
#[test]
fn integers_and_strings_that_lie() {
    let blocks: [&[u8]; 7] = [
        // An index of more than 2^28, and one with octets that add nothing.
        b"\xff\xff\xff\xff\xff\x7f",
        b"\xff\x80\x80\x80\x80\x80\x80\x00",
        // A name, and a value, of 4 GiB; of more than the block has.
        b"\x00\x7f\xff\xff\xff\xff\x0f",
        b"\x00\x01x\x7f\xff\xff\xff\x7f",
        b"\x00\x01x\x7e",
        // Huffman that ends amid a symbol, and one that says EOS.
        b"\x00\x01x\x81\x00",
        b"\x00\x01x\x84\xff\xff\xff\xff",
    ];
    for begin in [Raw::server, asking] {
        for block in blocks {
            falls(begin, &raw::headers(1, block, true), Reason::COMPRESSION_ERROR, "");
        }
    }
}

/// Threats: H6.
#[test]
fn blocks_of_refused_streams() {
    // Each is refused; each puts an entry into the table that a later block must find.
    fn full() -> Raw {
        let mut server = Raw::server();
        for n in 0..128 {
            server.open(stream(n), true);
        }
        server
    }
    let poison = |n: usize| [raw::block(raw::REQUEST), entry(n)].concat();
    let refused = |round: u32| raw::headers(stream(128 + round), &poison(round as usize + 1), true);
    holds(full, 0, 100, refused, |server, round| {
        let answers = server.sent();
        assert!(answers.contains(&Frame::Reset(stream(128 + round), Reason::REFUSED_STREAM)), "{answers:?}");
        if round < 99 {
            return;
        }
        server.feed(&raw::rst(1, Reason::CANCEL));
        let Some(Event::Reset { stream: key, .. }) = server.events().pop() else { panic!("no reset") };
        server.conn.release(key);
        let block = [raw::block(raw::REQUEST), vec![0x80 | 62]].concat();
        server.feed(&raw::headers(stream(228), &block, true));
        let Some(Event::Headers { stream: key, .. }) = server.events().pop() else { panic!("no request") };
        let fields = server.conn.take_fields(key).expect("a request");
        assert_eq!(fields.get(b"x").map(<[u8]>::len), Some(100));
    });
    besiege(full, 1000, Abuse::StreamExcess, refused);
}

/// Threats: H6.
#[test]
fn blocks_of_streams_that_were_reset() {
    // They are let pass, as long as they can be decoded.
    fn reset() -> Raw {
        let mut server = Raw::server();
        let key = server.open(1, false);
        server.conn.release(key);
        server.sent();
        server
    }
    let late = raw::headers(1, &entry(10), true);
    besiege(reset, 200, Abuse::IgnoredFrames, |_| late.clone());
    falls(reset, &raw::headers(1, b"\x80", true), Reason::COMPRESSION_ERROR, "");
}

/// Threats: H7.
#[test]
fn secrets_leave_nothing_in_the_table() {
    // Whoever guesses beside a secret learns nothing from how long the block is: neither guess nor secret is kept.
    play(Raw::client, 0, |client| {
        let mut request = |value: &str| {
            let mut fields: Fields = raw::REQUEST.into_iter().collect();
            for name in ["authorization", "cookie"] {
                fields.push(name.as_bytes(), value.as_bytes());
            }
            let before = client.work.octets_sent;
            client.conn.open(fields, true).expect("a stream");
            client.sent();
            (client.work.octets_sent - before, client.conn.table_digests())
        };
        // The other fields are in the table after a few times.
        let first = (0..5).map(|_| request("Bearer 0123456789")).last();
        for guess in ["Bearer 0123456789", "Bearer 9876543210"] {
            assert_eq!(Some(request(guess)), first, "{guess}");
        }
    });
}

/// Threats: F8, H3.
#[test]
fn fields_without_a_name() {
    let nameless = raw::block(raw::REQUEST.into_iter().chain([("", "value"); 100]));
    besiege(Raw::server, 1000, Abuse::MadeYouReset, |round| raw::headers(stream(round), &nameless, true));
    // Those without a value are fields, and count what they cost.
    let valueless = raw::block(raw::REQUEST.into_iter().chain([("a", ""); 125]));
    besiege(Raw::server, 1000, Abuse::FieldsTooLarge, |round| raw::headers(stream(round), &valueless, true));
}

/// Threats: H1, F4.
#[test]
fn promises_to_a_server_and_after_they_were_refused() {
    let promise = raw::frame(raw::PUSH_PROMISE, flag::END_HEADERS, 1, b"\0\0\0\x02");
    falls(Raw::server, &promise, Reason::PROTOCOL_ERROR, "PUSH_PROMISE");
    falls(asking, &promise, Reason::PROTOCOL_ERROR, "PUSH_PROMISE");
    let siege = Siege { begin: asking, budget: 1, abuse: Abuse::ContinuationFlood, acts: 1 };
    siege.ends(|round| match round {
        0 => [raw::frame(raw::HEADERS, 0, 1, b""), raw::frame(raw::CONTINUATION, 0, 1, b"")].concat(),
        _ => raw::frame(raw::CONTINUATION, 0, 1, b""),
    });
}
