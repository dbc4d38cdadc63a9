//! Bytes of every kind: how they are split does not matter, and nothing panics.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use unwired_core::http2::{Config, Event, Fields, Reason, Stats, StreamKey};

use crate::raw::{self, Frame, Raw};

/// A frame that makes sense by itself, on one of few streams.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let stream = (0..8u32).prop_map(|n| 2 * n + 1);
    let payload = || vec(any::<u8>(), 0..600);
    prop_oneof![
        1 => (stream.clone(), any::<bool>()).prop_map(|(stream, end)| raw::request(stream, end)),
        8 => (stream.clone(), payload(), prop::bool::weighted(0.2))
            .prop_map(|(stream, payload, end)| raw::data(stream, &payload, end)),
        3 => (stream.clone(), payload(), any::<u8>(), prop::bool::weighted(0.2))
            .prop_map(|(stream, payload, pad, end)| raw::padded(stream, &payload, pad, end)),
        2 => stream.clone().prop_map(|stream| raw::headers(stream, &raw::block(raw::TRAILERS), true)),
        2 => (stream.clone(), "[a-z]{1,8}", "[a-z]{0,30}", 0..40usize).prop_map(|(stream, name, value, cut)| {
            let mut block = raw::block(raw::REQUEST);
            block.extend([&[0x40, name.len() as u8], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat());
            let (head, rest) = block.split_at(cut);
            [raw::frame(raw::HEADERS, 0, stream, head), raw::frame(raw::CONTINUATION, 4, stream, rest)].concat()
        }),
        1 => stream.clone().prop_map(|stream| raw::headers(stream, &[0x40, 1, b'y', 0, 0x80 | 62], true)),
        1 => any::<[u8; 8]>().prop_map(raw::ping),
        1 => (stream.clone(), 0..12u32).prop_map(|(stream, code)| raw::rst(stream, Reason(code))),
        2 => (prop_oneof![Just(0), stream.clone()], 0..10_000u32).prop_map(|(stream, by)| raw::window_update(stream, by)),
        1 => (0..100_000u32).prop_map(|window| raw::settings(&[(raw::INITIAL_WINDOW_SIZE, window)])),
        1 => (0..5_000u32).prop_map(|size| raw::settings(&[(raw::HEADER_TABLE_SIZE, size)])),
        1 => (stream.clone(), 0..20u32).prop_map(|(stream, on)| raw::priority(stream, on)),
        1 => Just(raw::goaway(0, Reason::NO_ERROR, b"bye")),
        1 => (10..255u8, stream, payload()).prop_map(|(kind, stream, payload)| raw::frame(kind, 0xff, stream, &payload)),
    ]
}

/// A frame whose parts have nothing to do with each other.
fn absurd() -> impl Strategy<Value = Vec<u8>> {
    (0..12u8, any::<u8>(), 0..12u32, vec(any::<u8>(), 0..40))
        .prop_map(|(kind, flags, stream, payload)| raw::frame(kind, flags, stream, &payload))
}

/// What a peer sends: it opens most of the streams that it uses later.
fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let opened = (prop_oneof![1 => 0..8u32, 9 => Just(8)], prop::bool::weighted(0.1))
        .prop_map(|(n, end)| (0..n).map(|n| raw::request(2 * n + 1, end)).collect::<Vec<_>>());
    let rest = vec(prop_oneof![100 => plausible(), 1 => absurd()], 0..60);
    (opened, rest).prop_map(|(opened, rest)| [opened, rest].concat())
}

/// All that can be seen of a connection that took some bytes.
#[derive(PartialEq, Debug)]
struct Seen {
    /// What happened besides DATA, in order.
    events: Vec<Event>,
    /// What happened to each stream in order, neighbouring DATA joined.
    streams: BTreeMap<StreamKey, Vec<Event>>,
    messages: BTreeMap<StreamKey, (Vec<Fields>, Vec<u8>)>,
    credit: BTreeMap<StreamKey, i64>,
    sent: Vec<Frame>,
    stats: Stats,
    digests: (u64, u64),
    window: u32,
}

fn look(mut raw: Raw) -> Seen {
    let sent = raw.sent();
    let mut streams: BTreeMap<StreamKey, Vec<Event>> = BTreeMap::new();
    let mut events = Vec::new();
    for event in raw.events() {
        let key = match event {
            Event::Headers { stream, .. }
            | Event::Informational { stream, .. }
            | Event::Data { stream, .. }
            | Event::Trailers { stream }
            | Event::Writable { stream }
            | Event::Finished { stream }
            | Event::Reset { stream, .. } => Some(stream),
            _ => None,
        };
        let is_data = matches!(event, Event::Data { .. });
        if let Some(key) = key {
            let heard = streams.entry(key).or_default();
            match (heard.last_mut(), &event) {
                (Some(Event::Data { end_stream, .. }), Event::Data { end_stream: ends, .. }) => {
                    *end_stream |= ends
                }
                _ => heard.push(event.clone()),
            }
        }
        if !is_data {
            events.push(event);
        }
    }
    let messages = streams
        .keys()
        .map(|&key| {
            let fields = std::iter::from_fn(|| raw.conn.take_fields(key)).collect();
            (key, (fields, raw.conn.take_data(key).map(|data| data.to_vec()).unwrap_or_default()))
        })
        .collect();
    Seen {
        events,
        messages,
        credit: streams.keys().map(|&key| (key, raw.conn.recv_credit(key))).collect(),
        streams,
        sent,
        stats: raw.conn.stats().clone(),
        digests: raw.conn.table_digests(),
        window: raw.conn.connection_window(),
    }
}

fn server() -> Raw {
    Raw::server_with(raw::config(|config| {
        config.limits.max_concurrent_streams = 5;
        config.initial_window = 3_000;
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_split_of_the_same_bytes_is_the_same(frames in frames(), cuts in vec(1..700usize, 1..40)) {
        let bytes = frames.concat();
        let mut whole = server();
        whole.feed(&bytes);
        let whole = look(whole);
        let mut in_pieces = server();
        let mut rest = &bytes[..];
        let mut cuts = cuts.iter().cycle();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            in_pieces.feed(piece);
            rest = after;
        }
        prop_assert_eq!(&look(in_pieces), &whole);
        let mut by_octet = server();
        for octet in bytes.chunks(1) {
            by_octet.feed(octet);
        }
        prop_assert_eq!(&look(by_octet), &whole);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..2_000), start in 0..3usize) {
        let mut raw = match start {
            0 => Raw::fresh_server(Config::default()),
            1 => Raw::server(),
            _ => Raw::client(),
        };
        raw.feed(&bytes);
        raw.pass(Duration::from_secs(100));
        raw.feed(&bytes);
        raw.conn.handle_eof(raw.now);
        raw.transmit();
        raw.pass(Duration::from_secs(2));
        prop_assert!(raw.conn.is_closed());
    }

    #[test]
    fn random_frames_and_commands_never_panic(
        frames in vec((prop_oneof![3 => plausible(), 1 => absurd()], any::<u8>()), 0..80),
        as_client in any::<bool>(),
    ) {
        let mut raw = if as_client { Raw::client() } else { server() };
        let mut keys = Vec::new();
        for (frame, choice) in frames {
            raw.feed(&frame);
            for event in raw.events() {
                if let Event::Headers { stream, .. } = event {
                    keys.push(stream);
                }
            }
            if as_client && let Ok(key) = raw.conn.open(raw::REQUEST.into_iter().collect(), choice & 1 == 1) {
                keys.push(key);
            }
            if let Some(&key) = keys.get(usize::from(choice) % (keys.len() + 1)) {
                match choice % 9 {
                    0 => raw.conn.reset(key, Reason::CANCEL),
                    1 => raw.conn.release(key),
                    2 => drop(raw.conn.send_headers(key, raw::RESPONSE.into_iter().collect(), choice & 16 == 0)),
                    3 => drop(raw.conn.send_data(key, b"head", vec![0; 5_000].into(), choice & 16 == 0)),
                    4 => drop(raw.conn.send_trailers(key, raw::TRAILERS.into_iter().collect())),
                    5 => raw.conn.grant(key, 1_000),
                    6 => drop(raw.conn.take_fields(key)),
                    7 => drop(raw.conn.abandon_data(key)),
                    _ => raw.conn.hold(key),
                }
            }
            if choice % 4 == 0 {
                raw.pass(Duration::from_millis(u64::from(choice)));
            }
            raw.conn.check_invariants();
        }
        raw.conn.close(raw.now, Reason::NO_ERROR, "done");
        for key in keys {
            raw.conn.release(key);
        }
        raw.conn.check_invariants();
        prop_assert_eq!(raw.conn.active_streams(), 0);
        prop_assert_eq!(raw.conn.stats().buffered_to_send, 0);
        raw.events();
        raw.pass(Duration::from_secs(1));
        prop_assert!(raw.conn.is_closed());
        prop_assert_eq!(raw.conn.poll_timeout(), None);
    }
}
