//! RFC 9113 §6.9: windows for what we send. What the peer sends is in `data`.

use std::time::Duration;

use bytes::Bytes;

use unwired_core::http2::{Abuse, Config, Event, Reason};

use crate::pair::{Pair, request, send};
use crate::raw::{self, Frame, Raw};

/// How many octets of DATA are in `frames`, and whether one ends its stream.
fn octets(frames: &[Frame]) -> (usize, bool) {
    frames.iter().fold((0, false), |(sum, ended), frame| match frame {
        Frame::Data { payload, end, .. } => (sum + payload.len(), ended | end),
        _ => (sum, ended),
    })
}

/// A client whose streams begin with `window`.
fn client(window: u32) -> Raw {
    let mut client = Raw::client();
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, window)]));
    client.sent();
    client.events();
    client
}

#[test]
fn window_update_of_nothing_ends_the_stream_or_the_connection() {
    // RFC 9113 §6.9
    let mut client = client(100);
    let key = client.open(1, false);
    client.resets(&raw::window_update(1, 0), 1, Reason::PROTOCOL_ERROR);
    assert_eq!(client.reset_event(key).reason, Reason::PROTOCOL_ERROR);
    client.dies_of(&raw::window_update(0, 0), Reason::PROTOCOL_ERROR);
}

#[test]
fn window_update_of_a_wrong_length_ends_the_connection() {
    // RFC 9113 §6.9
    for length in [0, 3, 5] {
        for stream in [0, 1] {
            let mut client = client(100);
            client.open(1, false);
            let frame = raw::frame(raw::WINDOW_UPDATE, 0, stream, &vec![0; length]);
            client.dies_of(&frame, Reason::FRAME_SIZE_ERROR);
        }
    }
}

/// Threats: R2.
#[test]
fn window_past_its_maximum_ends_the_stream_or_the_connection() {
    // RFC 9113 §6.9.1
    let mut over = client(1);
    over.open(1, false);
    over.ignores(&raw::window_update(1, (1 << 31) - 2));
    over.resets(&raw::window_update(1, 1), 1, Reason::FLOW_CONTROL_ERROR);

    let mut over = Raw::server();
    over.open(1, true);
    over.resets(&raw::window_update(1, (1 << 31) - 1), 1, Reason::FLOW_CONTROL_ERROR);
    assert_eq!(over.conn.stats().abuse.get(Abuse::MadeYouReset), 1);

    let mut over = client(1);
    over.ignores(&raw::window_update(0, (1 << 31) - 1 - 65_535));
    over.dies_of(&raw::window_update(0, 1), Reason::FLOW_CONTROL_ERROR);
}

/// Obligations: 32.
#[test]
fn empty_data_with_end_stream_needs_no_window() {
    // RFC 9113 §6.9.1
    let mut client = client(0);
    let key = client.open(1, false);
    client.send(key, 0, true);
    assert_eq!(client.answers(), [Frame::Data { stream: 1, payload: vec![], end: true }]);
    // Also below zero.
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 2000)]));
    let key = client.open(3, false);
    client.send(key, 2000, false);
    assert_eq!(octets(&client.answers()), (2000, false));
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
    client.send(key, 0, true);
    assert_eq!(client.answers(), [Frame::SettingsAck, Frame::Data { stream: 3, payload: vec![], end: true }]);
}

/// Obligations: 32.
#[test]
fn both_windows_are_kept_to() {
    // RFC 9113 §6.9.1
    let mut client = client(1 << 20);
    let key = client.open(1, false);
    client.send(key, 100_000, true);
    assert_eq!(octets(&client.answers()), (65_535, false));
    client.feed(&raw::window_update(0, 10_000));
    assert_eq!(octets(&client.answers()), (10_000, false));
    client.feed(&raw::window_update(0, 1 << 20));
    assert_eq!(octets(&client.answers()), (24_465, true));

    let mut client = self::client(5_000);
    let key = client.open(1, false);
    client.send(key, 20_000, true);
    assert_eq!(octets(&client.answers()), (5_000, false));
    client.feed(&raw::window_update(1, 5_000));
    assert_eq!(octets(&client.answers()), (5_000, false));
    client.feed(&raw::window_update(1, 100_000));
    assert_eq!(octets(&client.answers()), (10_000, true));
}

/// Obligations: 33.
#[test]
fn initial_window_change_moves_open_streams_below_zero_and_not_the_connection() {
    // RFC 9113 §6.9.2
    let mut client = client(10_000);
    let key = client.open(1, false);
    client.send(key, 30_000, true);
    assert_eq!(octets(&client.answers()), (10_000, false));
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 2_000)]));
    // The window is -8,000.
    client.feed(&raw::window_update(1, 8_000));
    assert_eq!(octets(&client.answers()), (0, false));
    client.feed(&raw::window_update(1, 3_000));
    assert_eq!(octets(&client.answers()), (3_000, false));
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 4_000)]));
    assert_eq!(octets(&client.answers()), (2_000, false));
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 1 << 20)]));
    assert_eq!(octets(&client.answers()), (15_000, true));
    // 35,535 of the connection's window are left, whatever the streams had.
    let key = client.open(3, false);
    client.send(key, 60_000, true);
    assert_eq!(octets(&client.answers()), (35_535, false));
}

/// Obligations: 33.
#[test]
fn initial_window_change_past_the_maximum_ends_the_connection() {
    // RFC 9113 §6.9.2
    let mut client = client(100);
    client.open(1, false);
    client.ignores(&raw::window_update(1, (1 << 31) - 1 - 100));
    client.dies_of(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 101)]), Reason::FLOW_CONTROL_ERROR);
}

/// Obligations: 33.
#[test]
fn initial_window_change_reaches_streams_that_wait_to_be_sent() {
    // RFC 9113 §6.9.2
    let mut client = client(100);
    let key = client.conn.open(raw::REQUEST.into_iter().collect(), false).unwrap();
    client.send(key, 5_000, true);
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 3_000)]));
    assert_eq!(octets(&client.answers()), (3_000, false));
}

/// Threats: F6.
#[test]
fn dribble_waits_for_a_window_worth_a_frame() {
    // Threats F6: a window of single octets is not worth a frame each, for 50 ms.
    let mut client = client(0);
    let key = client.open(1, false);
    client.send(key, 5_000, true);
    client.sent();
    for _ in 0..10 {
        client.feed(&raw::window_update(1, 1));
        assert_eq!(octets(&client.answers()), (0, false));
    }
    client.pass(Duration::from_millis(49));
    assert_eq!(octets(&client.answers()), (0, false));
    client.pass(Duration::from_millis(1));
    assert_eq!(octets(&client.answers()), (10, false));
    client.feed(&raw::window_update(1, 1));
    assert_eq!(octets(&client.answers()), (0, false));
    client.feed(&raw::window_update(1, 1_023));
    assert_eq!(octets(&client.answers()), (1_024, false));
    client.feed(&raw::window_update(1, 10_000));
    assert_eq!(octets(&client.answers()), (3_966, true));
}

#[test]
fn dribble_ends_when_the_connections_window_opens() {
    // The streams that waited for it go on at once, not when their 50 ms are over.
    let mut client = client(1 << 20);
    let keys = [1, 3, 5].map(|stream| client.open(stream, false));
    client.send(keys[0], 65_435, false);
    assert_eq!(octets(&client.answers()), (65_435, false));
    for key in keys {
        client.send(key, 5_000, true);
    }
    assert_eq!(octets(&client.answers()), (0, false));
    client.feed(&raw::window_update(0, 100_000));
    assert_eq!(octets(&client.answers()).0, 15_000);
    assert_eq!(client.conn.stats().buffered_to_send, 0);
}

#[test]
fn small_data_that_ends_a_message_does_not_wait() {
    let mut client = client(10);
    let key = client.open(1, false);
    client.send(key, 10, false);
    client.send(key, 10, false);
    assert_eq!(octets(&client.answers()), (10, false));
    client.feed(&raw::window_update(1, 10));
    assert_eq!(octets(&client.answers()), (10, false));
}

#[test]
fn full_buffer_says_writable_once_there_is_room() {
    let mut client = client(0);
    let key = client.open(1, false);
    client.send(key, 64 << 10, false);
    let body = Bytes::from_static(b"more");
    for _ in 0..2 {
        assert_eq!(
            client.conn.send_data(key, &[], body.clone(), false),
            Err(unwired_core::http2::SendError::Full(body.clone()))
        );
    }
    client.feed(&raw::window_update(1, 30_000));
    client.sent();
    assert_eq!(client.events(), []);
    client.feed(&raw::window_update(1, 10_000));
    client.sent();
    assert_eq!(client.events(), [Event::Writable { stream: key }]);
    client.conn.send_data(key, &[], body, true).unwrap();
    client.feed(&raw::window_update(0, 100_000));
    client.feed(&raw::window_update(1, 100_000));
    assert_eq!(octets(&client.answers()), (25_540, true));
}

#[test]
fn abandoned_data_makes_room_and_says_so() {
    let mut client = client(0);
    let key = client.open(1, false);
    client.send(key, 64 << 10, false);
    let body = Bytes::from_static(b"more");
    assert!(client.conn.send_data(key, &[], body, false).is_err());
    assert!(!client.conn.abandon_data(key), "nothing of it was sent");
    assert_eq!(client.events(), [Event::Writable { stream: key }]);
    assert_eq!(client.conn.stats().buffered_to_send, 0);
    client.send(key, 0, true);
    assert_eq!(client.answers(), [Frame::Data { stream: 1, payload: vec![], end: true }]);
}

#[test]
fn a_stream_of_one_piece_after_another_goes_on_with_every_update() {
    // A stream with data and window is always in a queue.
    let mut client = client(0);
    let key = client.open(1, false);
    client.feed(&raw::window_update(1, 2_000));
    client.send(key, 1_500, false);
    assert_eq!(octets(&client.answers()), (1_500, false));
    client.send(key, 500, false);
    assert_eq!(octets(&client.answers()), (500, false));
    client.send(key, 1_000, false);
    assert_eq!(octets(&client.answers()), (0, false));
    client.feed(&raw::window_update(1, 1_000));
    assert_eq!(octets(&client.answers()), (1_000, false));
    client.conn.send_trailers(key, raw::TRAILERS.into_iter().collect()).unwrap();
    assert!(matches!(client.answers()[..], [Frame::Headers { end: true, .. }]));
}

#[test]
fn credit_granted_before_a_smaller_window_is_acknowledged_is_told_once_it_matters() {
    // RFC 9113 §6.9.2: the acknowledgement takes the windows down, perhaps below what was granted already.
    let mut config = Config::default();
    config.initial_window = 1000;
    let mut pair = Pair::with(Config::default(), config);
    let call = pair.client.conn.open(request(), false).unwrap();
    let mut data = Bytes::from(vec![7; 20_000]);
    let whole = data.clone();
    let mut received = Vec::new();
    for _ in 0..200 {
        send(&mut pair.client.conn, call, &mut data, true);
        pair.settle();
        let served = pair.server.events.iter().find_map(|event| match event {
            Event::Headers { stream, .. } => Some(*stream),
            _ => None,
        });
        received.extend(served.map(|served| pair.server.take_data(served)).unwrap_or_default());
        pair.pass(Duration::from_millis(60));
    }
    assert_eq!(received, whole);
}
