//! RFC 9113 §10.5: each budget of frames is crossed by exactly one, and only then is the connection ended.

use std::time::Duration;

use unwired_core::http2::frame::flag;
use unwired_core::http2::{Abuse, Config, Event, Limits, Reason};

use crate::raw::{self, Frame, Raw};

/// Limits whose budgets do not refill.
fn still(change: impl FnOnce(&mut Limits)) -> Config {
    raw::config(|config| {
        let limits = &mut config.limits;
        for rate in [
            &mut limits.reset_rate,
            &mut limits.glitch_rate,
            &mut limits.settings_rate,
            &mut limits.ping_rate,
            &mut limits.window_update_rate,
            &mut limits.ignored_rate,
            &mut limits.empty_data_rate,
        ] {
            *rate = 0;
        }
        change(limits);
    })
}

/// `last` is one too many.
#[track_caller]
fn kills(raw: &mut Raw, last: &[u8], abuse: Abuse) {
    assert_eq!(raw.conn.stats().kills.total(), 0);
    raw.sent();
    raw.feed(last);
    assert_eq!(raw.is_dead_of(Reason::ENHANCE_YOUR_CALM), abuse.name());
    let kills = raw.conn.stats().kills;
    assert_eq!((kills.get(abuse), kills.total()), (1, 1));
}

/// Threats: R1.
#[test]
fn rapid_reset_is_ended_past_its_burst() {
    let mut server = Raw::server_with(still(|limits| limits.reset_burst = 10));
    let mut stream = 1;
    for _ in 0..10 {
        let key = server.open(stream, false);
        server.feed(&raw::rst(stream, Reason::CANCEL));
        server.conn.release(key);
        stream += 2;
    }
    server.lives();
    // A reset behind our response is no attack.
    let key = server.open(stream, true);
    server.respond(key, false);
    server.sent();
    server.feed(&raw::rst(stream, Reason::CANCEL));
    server.conn.release(key);
    server.lives();
    assert_eq!(server.conn.stats().abuse.get(Abuse::RapidReset), 10);
    server.open(stream + 2, false);
    kills(&mut server, &raw::rst(stream + 2, Reason::CANCEL), Abuse::RapidReset);
}

/// Threats: R1.
#[test]
fn rapid_reset_budget_grows_with_calls_that_end_well_and_with_time() {
    let mut server = Raw::server_with(still(|limits| {
        limits.reset_burst = 2;
        limits.reset_rate = 2;
    }));
    let mut stream = 1;
    let mut reset = |server: &mut Raw| {
        let key = server.open(stream, false);
        server.feed(&raw::rst(stream, Reason::CANCEL));
        server.conn.release(key);
        stream += 2;
        for _ in 0..4 {
            let key = server.open(stream, true);
            server.respond(key, true);
            server.sent();
            server.conn.release(key);
            stream += 2;
        }
    };
    for _ in 0..100 {
        reset(&mut server);
    }
    server.pass(Duration::from_secs(10));
    for _ in 0..3 {
        let key = server.open(stream, false);
        server.feed(&raw::rst(stream, Reason::CANCEL));
        server.conn.release(key);
        stream += 2;
        server.pass(Duration::from_millis(500));
    }
    server.lives();
}

/// Threats: R1, R4.
#[test]
fn rapid_reset_holds_its_place_until_the_application_lets_go() {
    let mut server = Raw::server_with(raw::config(|config| config.limits.max_concurrent_streams = 2));
    let keys = [1, 3].map(|stream| {
        let key = server.open(stream, false);
        server.feed(&raw::rst(stream, Reason::CANCEL));
        key
    });
    server.resets(&raw::request(5, true), 5, Reason::REFUSED_STREAM);
    server.events();
    server.conn.release(keys[0]);
    server.open(7, true);
}

/// Threats: R2.
#[test]
fn resets_that_the_peer_forces_are_ended_past_the_same_burst() {
    let mut server = Raw::server_with(still(|limits| limits.reset_burst = 10));
    let mut stream = 1;
    for _ in 0..10 {
        let key = server.open(stream, false);
        server.resets(&raw::window_update(stream, 0), stream, Reason::PROTOCOL_ERROR);
        server.conn.release(key);
        stream += 2;
    }
    // Resets of the application's own are free.
    for _ in 0..20 {
        let key = server.open(stream, false);
        server.conn.release(key);
        stream += 2;
    }
    server.open(stream, false);
    kills(&mut server, &raw::window_update(stream, 0), Abuse::MadeYouReset);
}

/// Threats: R3.
#[test]
fn streams_over_the_limit_cost_a_reset_each() {
    let mut server = Raw::server_with(still(|limits| {
        limits.reset_burst = 3;
        limits.max_concurrent_streams = 1;
    }));
    let key = server.open(1, false);
    for stream in [3, 5, 7] {
        server.resets(&raw::request(stream, true), stream, Reason::REFUSED_STREAM);
    }
    server.feed(&raw::data(1, b"goes on", false));
    assert_eq!(server.events(), [Event::Data { stream: key, end_stream: false }]);
    kills(&mut server, &raw::request(9, true), Abuse::StreamExcess);
}

#[test]
fn glitches_are_ended_past_their_burst() {
    let mut server = Raw::server_with(still(|limits| limits.glitch_burst = 10));
    let unasked = raw::frame(raw::PING, flag::ACK, 0, &[0; 8]);
    for _ in 0..10 {
        server.ignores(&unasked);
    }
    assert_eq!(server.conn.stats().abuse.get(Abuse::Glitches), 10);
    kills(&mut server, &unasked, Abuse::Glitches);
}

/// Threats: F2.
#[test]
fn settings_are_ended_past_their_burst() {
    let mut server = Raw::server_with(still(|_| {}));
    for _ in 0..32 {
        server.feed(&raw::settings(&[]));
        assert_eq!(server.answers(), [Frame::SettingsAck]);
    }
    kills(&mut server, &raw::settings(&[]), Abuse::SettingsFlood);
}

/// Threats: F2.
#[test]
fn settings_of_more_than_32_parameters_are_ended_by_their_head() {
    let mut server = Raw::server();
    server.feed(&raw::settings(&[(raw::ENABLE_PUSH, 0); 32]));
    assert_eq!(server.answers(), [Frame::SettingsAck]);
    kills(&mut server, &raw::head(33 * 6, raw::SETTINGS, 0, 0), Abuse::SettingsFlood);
}

/// Threats: F1.
#[test]
fn pings_are_ended_past_their_burst_and_what_frames_earn() {
    let mut server = Raw::server_with(still(|_| {}));
    for n in 0..100u64 {
        server.feed(&raw::ping(n.to_be_bytes()));
    }
    // HEADERS and DATA of either side earn one each.
    let key = server.open(1, false);
    server.feed(&raw::data(1, b"a", true));
    server.respond(key, false);
    server.sent();
    for n in 0..3u64 {
        server.feed(&raw::ping(n.to_be_bytes()));
    }
    kills(&mut server, &raw::ping([0; 8]), Abuse::PingFlood);
}

/// Threats: F10.
#[test]
fn window_updates_are_ended_past_their_burst_and_what_data_earns() {
    let mut server = Raw::server_with(still(|_| {}));
    let update = raw::window_update(0, 1);
    for _ in 0..64 {
        server.feed(&update);
    }
    let key = server.open(1, true);
    server.respond(key, false);
    server.send(key, 10, false);
    server.sent();
    for _ in 0..4 + 8 {
        server.feed(&update);
    }
    kills(&mut server, &update, Abuse::WindowUpdateFlood);
}

/// Threats: F9, F11.
#[test]
fn ignored_frames_are_ended_past_their_burst_for_each_stream() {
    for ignored in [raw::priority(1, 0), raw::frame(0xee, 0, 0, b"whatever")] {
        let mut server = Raw::server_with(still(|_| {}));
        server.open(1, true);
        for _ in 0..200 {
            server.feed(&ignored);
        }
        server.lives();
        assert_eq!(server.conn.stats().abuse.get(Abuse::IgnoredFrames), 200);
        kills(&mut server, &ignored, Abuse::IgnoredFrames);
    }
}

/// Threats: F4.
#[test]
fn empty_data_is_ended_past_its_burst() {
    for empty in [raw::data(1, b"", false), raw::padded(1, b"", 9, false)] {
        let mut server = Raw::server_with(still(|_| {}));
        let key = server.open(1, false);
        for _ in 0..32 {
            server.ignores(&empty);
        }
        assert_eq!(server.conn.take_data(key).unwrap().len(), 0);
        kills(&mut server, &empty, Abuse::EmptyFrames);
    }
    // The one that ends its stream is free.
    let mut server = Raw::server_with(still(|limits| limits.empty_data_burst = 0));
    server.open(1, false);
    server.feed(&raw::data(1, b"", true));
    server.lives();
}

/// Threats: F11.
#[test]
fn goaways_are_ended_past_16() {
    let mut server = Raw::server();
    let goaway = raw::goaway(0, Reason::NO_ERROR, b"bye");
    for _ in 0..16 {
        server.feed(&goaway);
    }
    server.lives();
    kills(&mut server, &goaway, Abuse::GoAwayFlood);
}

/// Threats: F11.
#[test]
fn goaway_debug_data_is_kept_in_part() {
    let mut server = Raw::server();
    server.feed(&raw::goaway(0, Reason::NO_ERROR, &[b'x'; 10_000]));
    let [Event::GoAway { debug, .. }] = &server.events()[..] else { panic!() };
    assert_eq!(debug.len(), 256);
    server.lives();
    // Nor is more of it gathered, whatever the length of frames that we take.
    let mut server = Raw::server_with(raw::config(|config| config.max_frame_size = 1 << 20));
    let frame = raw::goaway(0, Reason::NO_ERROR, &vec![b'x'; 1_000_000]);
    for piece in frame.chunks(100) {
        server.feed(piece);
        assert!(server.conn.capacity() < 4 << 10, "{}", server.conn.capacity());
    }
    server.lives();
}

#[test]
fn frames_for_streams_that_were_reset_are_ended_past_the_budget_of_ignored_ones() {
    for late in [raw::rst(1, Reason::CANCEL), raw::headers(1, &raw::block(raw::TRAILERS), true)] {
        let mut server = Raw::server_with(still(|_| {}));
        let key = server.open(1, false);
        server.conn.reset(key, Reason::CANCEL);
        server.sent();
        for _ in 0..200 {
            server.feed(&late);
        }
        kills(&mut server, &late, Abuse::IgnoredFrames);
    }
}

/// Threats: F12.
#[test]
fn informational_responses_past_16_end_their_stream_alone() {
    let mut client = Raw::client();
    let key = client.open(1, true);
    let other = client.open(3, true);
    let interim = raw::headers(1, &raw::block([(":status", "103")]), false);
    for _ in 0..16 {
        client.feed(&interim);
    }
    assert_eq!(client.events().len(), 16);
    client.resets(&interim, 1, Reason::PROTOCOL_ERROR);
    client.reset_event(key);
    assert_eq!(client.conn.stats().abuse.get(Abuse::InformationalFlood), 1);
    client.feed(&raw::response(3, true));
    assert!(client.events().contains(&Event::Finished { stream: other }));
}

// ---- field blocks

/// Threats: H1.
#[test]
fn continuations_are_ended_past_8() {
    let mut server = Raw::server();
    let block = raw::block(raw::REQUEST);
    server.feed(&raw::frame(raw::HEADERS, 0, 1, &block[..1]));
    for octet in &block[1..8] {
        server.feed(&raw::frame(raw::CONTINUATION, 0, 1, &[*octet]));
    }
    server.feed(&raw::frame(raw::CONTINUATION, flag::END_HEADERS, 1, &block[8..]));
    assert!(matches!(server.events()[..], [Event::Headers { .. }]));

    server.feed(&raw::frame(raw::HEADERS, 0, 3, &block[..1]));
    for octet in &block[1..9] {
        server.feed(&raw::frame(raw::CONTINUATION, 0, 3, &[*octet]));
    }
    kills(&mut server, &raw::head(1, raw::CONTINUATION, flag::END_HEADERS, 3), Abuse::ContinuationFlood);
}

/// Threats: F4, H1.
#[test]
fn continuations_that_are_empty_are_ended_at_the_second() {
    let mut server = Raw::server();
    let empty = raw::frame(raw::CONTINUATION, 0, 1, b"");
    server.feed(&raw::frame(raw::HEADERS, 0, 1, &raw::block(raw::REQUEST)));
    server.feed(&empty);
    kills(&mut server, &empty, Abuse::ContinuationFlood);
}

/// A request whose decoded list and whose block are as long as asked for.
fn long_request(block_len: usize) -> (Vec<u8>, usize) {
    let base = raw::block(raw::REQUEST).len();
    // A literal with a name of one octet and a value of more than 127 plus 2^14: 1 + 2 + 4 octets ahead of the value.
    let value = "v".repeat(block_len - base - 7);
    let block = raw::block(raw::REQUEST.into_iter().chain([("x", &*value)]));
    assert_eq!(block.len(), block_len);
    let list = raw::REQUEST.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>();
    (block, list + 1 + value.len() + 32)
}

/// Threats: H1.
#[test]
fn field_blocks_are_ended_past_their_length_on_the_wire() {
    let server = || {
        Raw::server_with(raw::config(|config| {
            config.max_frame_size = 1 << 16;
            config.limits.max_header_list_size = 1 << 20;
            config.limits.max_header_list_abort = 1 << 20;
        }))
    };
    let mut at = server();
    at.feed(&raw::headers(1, &long_request(32 << 10).0, true));
    assert!(matches!(at.events()[..], [Event::Headers { .. }]));
    kills(&mut server(), &raw::headers(1, &long_request((32 << 10) + 1).0, true), Abuse::ContinuationFlood);
}

/// Threats: H2.
#[test]
fn field_lists_over_the_advertised_size_are_answered() {
    let (block, list) = long_request(20_000);
    let server = |size: usize| {
        Raw::server_with(raw::config(|config| {
            config.max_frame_size = 1 << 16;
            config.limits.max_header_list_size = size as u32;
        }))
    };
    let mut at = server(list);
    at.feed(&raw::headers(1, &block, true));
    assert!(matches!(at.events()[..], [Event::Headers { .. }]));
    let mut over = server(list - 1);
    over.feed(&raw::headers(1, &block, true));
    assert!(matches!(over.answers()[..], [Frame::Headers { end: true, .. }]));
    assert_eq!((over.events(), over.conn.stats().abuse.get(Abuse::FieldsTooLarge)), (vec![], 1));
    over.lives();
}

/// Threats: H2.
#[test]
fn field_lists_are_ended_past_the_size_at_which_decoding_stops() {
    // CVE-2016-6581: one entry of the table, referred to again and again.
    let value = "v".repeat(4_000);
    let mut block = raw::block(raw::REQUEST);
    block.extend([0x40, 1, b'x', 127]);
    block.extend([(4_000 - 127) as u8 | 128, ((4_000 - 127) >> 7) as u8]);
    block.extend(value.as_bytes());
    block.extend([0x80 | 62; 15]);
    let list =
        raw::REQUEST.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>() + 16 * 4_033;
    let server = |size: usize| {
        Raw::server_with(raw::config(|config| config.limits.max_header_list_abort = size as u32))
    };
    let mut at = server(list);
    at.feed(&raw::headers(1, &block, true));
    assert!(matches!(at.answers()[..], [Frame::Headers { end: true, .. }]));
    at.lives();
    kills(&mut server(list - 1), &raw::headers(1, &block, true), Abuse::HpackBomb);
}

/// Threats: H3.
#[test]
fn field_lists_of_more_than_128_lines_are_answered() {
    let lines = |n: usize| {
        let cookies = [("cookie", "a=b")].into_iter().cycle().take(n - raw::REQUEST.len());
        raw::block(raw::REQUEST.into_iter().chain(cookies))
    };
    let mut server = Raw::server();
    server.feed(&raw::headers(1, &lines(128), true));
    assert!(matches!(server.events()[..], [Event::Headers { .. }]));
    server.feed(&raw::headers(3, &lines(129), true));
    assert_eq!(server.events(), []);
    assert!(matches!(server.answers()[..], [Frame::Headers { stream: 3, end: true, .. }]));
}

/// Threats: H1, H3.
#[test]
fn field_sections_of_a_client_are_bounded_the_same() {
    let mut client = Raw::client();
    let key = client.open(1, true);
    let lines = [("a", "b")].into_iter().cycle().take(128);
    let block = raw::block(raw::RESPONSE.into_iter().chain(lines));
    client.resets(&raw::headers(1, &block, true), 1, Reason::CANCEL);
    client.reset_event(key);
    let mut client = Raw::client();
    client.open(1, true);
    client.feed(&raw::frame(raw::HEADERS, 0, 1, b""));
    let empty = raw::frame(raw::CONTINUATION, 0, 1, b"");
    client.feed(&empty);
    kills(&mut client, &empty, Abuse::ContinuationFlood);
}
