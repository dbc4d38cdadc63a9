//! A peer that does not read, does not write, or gives no window: who waits for whom, and for how long.

use std::time::Duration;

use bytes::Bytes;
use unwired_core::http2::{
    Abuse, Config, Connection, ConnectionEnd, Event, Initiator, Reason, SendError, TimerKind,
};
use unwired_core::{Instant, Outbox};

use crate::raw::{self, Frame, Raw};

const SECOND: Duration = Duration::from_secs(1);

/// Threats: F1.
#[test]
fn ping_acks_that_are_not_read_stop_the_reading() {
    let mut server = Raw::server();
    let pings = raw::ping([1; 8]).repeat(50);
    assert_eq!(server.offer(&pings), 16 * 17);
    assert!(!server.conn.wants_input());
    assert_eq!(server.answers().len(), 16);
    assert!(server.conn.wants_input());
    assert_eq!(server.offer(&pings), 16 * 17);
}

/// Threats: F2.
#[test]
fn settings_acks_that_are_not_read_stop_the_reading() {
    let mut server = Raw::server();
    let settings = raw::settings(&[]).repeat(20);
    assert_eq!(server.offer(&settings), 8 * 9);
    assert!(!server.conn.wants_input());
    assert_eq!(server.answers().len(), 8);
    assert!(server.conn.wants_input());
}

/// Threats: F3.
#[test]
fn resets_that_are_forced_and_not_read_stop_the_reading() {
    let mut server = Raw::server_with(raw::config(|config| config.limits.max_concurrent_streams = 0));
    let requests: Vec<u8> = (0..300).flat_map(|n| raw::request(2 * n + 1, true)).collect();
    let each = raw::request(1, true).len();
    assert_eq!(server.offer(&requests), 128 * each);
    assert!(!server.conn.wants_input());
    assert_eq!(server.answers().len(), 128);
    assert!(server.conn.wants_input());
}

/// Threats: F3.
#[test]
fn resets_that_the_application_is_moved_to_are_bounded() {
    // Threats F3: they do not stop the reading, and a peer that reads none of 1024 is ended.
    let mut server = Raw::server();
    for n in 0..1024 {
        let request = raw::request(2 * n + 1, true);
        assert_eq!(server.conn.handle_input(server.now, &request), request.len(), "{n}");
        let Some(&Event::Headers { stream, .. }) = server.events().first() else { panic!() };
        server.conn.release(stream);
        assert!(server.conn.wants_input());
    }
    assert_eq!(server.conn.stats().kills.total(), 0);
    server.conn.handle_input(server.now, &raw::request(4001, true));
    server.sent();
    assert!(matches!(server.events()[..], [.., Event::Closed(_)]));
    assert_eq!(server.conn.stats().kills.get(Abuse::ControlFlood), 1);
}

/// Threats: R1.
#[test]
fn events_that_are_not_polled_stop_the_reading() {
    let mut server = Raw::server();
    let requests: Vec<u8> = (0..100).flat_map(|n| raw::request(2 * n + 1, true)).collect();
    let each = raw::request(1, true).len();
    assert_eq!(server.conn.handle_input(server.now, &requests), 64 * each);
    assert_eq!(server.conn.handle_input(server.now, &requests[64 * each..]), 0);
    assert_eq!(server.events().len(), 64);
    assert_eq!(server.conn.handle_input(server.now, &requests[64 * each..]), 36 * each);
}

// ---- time

/// Threats: F13.
#[test]
fn handshake_takes_10_seconds_at_most() {
    for fed in [0, 5, raw::PREFACE.len()] {
        let mut server = Raw::fresh_server(Config::default());
        if fed > 0 {
            server.feed(&raw::PREFACE[..fed]);
        }
        assert_eq!(server.conn.next_timer(), Some(TimerKind::Handshake));
        server.pass(10 * SECOND - Duration::from_nanos(1));
        assert_eq!(server.events(), []);
        server.pass(Duration::from_nanos(1));
        server.is_dead_of(Reason::PROTOCOL_ERROR);
        assert_eq!(server.conn.stats().kills.get(Abuse::SlowFrames), 1);
    }
    let mut client = Raw::fresh_client(Config::default());
    client.sent();
    client.pass(10 * SECOND);
    assert!(matches!(client.events()[..], [Event::Closed(_)]));
}

/// Threats: F13, H1.
#[test]
fn field_block_takes_5_seconds_at_most() {
    let mut server = Raw::server();
    server.feed(&raw::frame(raw::HEADERS, 0, 1, &raw::block(raw::REQUEST)));
    assert_eq!(server.conn.next_timer(), Some(TimerKind::HeaderBlock));
    server.pass(5 * SECOND - Duration::from_nanos(1));
    server.feed(&raw::frame(raw::CONTINUATION, 0, 1, b"\0"));
    assert_eq!(server.events(), []);
    server.pass(Duration::from_nanos(1));
    assert_eq!(server.is_dead_of(Reason::ENHANCE_YOUR_CALM), "continuation_flood");
    // One that ends in time leaves no timer behind.
    let mut server = Raw::server();
    server.feed(&raw::frame(raw::HEADERS, 0, 1, &raw::block(raw::REQUEST)));
    server.feed(&raw::frame(raw::CONTINUATION, 4, 1, b""));
    server.pass(60 * SECOND);
    server.lives();
}

/// Threats: F13.
#[test]
fn frame_takes_30_seconds_at_most() {
    for begun in [&raw::ping([0; 8])[..9], &raw::ping([0; 8])[..3], &raw::request(1, true)[..20]] {
        let mut server = Raw::server_with(raw::config(|config| {
            config.limits.header_block_timeout = 100 * SECOND;
        }));
        server.feed(begun);
        server.pass(30 * SECOND - Duration::from_nanos(1));
        assert_eq!(server.events(), []);
        server.pass(Duration::from_nanos(1));
        assert_eq!(server.is_dead_of(Reason::ENHANCE_YOUR_CALM), "slow_frames");
        assert_eq!(server.conn.stats().kills.get(Abuse::SlowFrames), 1);
    }
}

#[test]
fn frame_of_data_may_take_longer_while_it_keeps_its_rate() {
    let slow = |rate: usize| {
        let mut server = Raw::server_with(raw::config(|config| {
            config.max_frame_size = 1 << 20;
            config.initial_window = 1 << 20;
        }));
        server.open(1, false);
        server.feed(&raw::head(200 << 10, raw::DATA, 0, 1));
        for _ in 0..100 {
            server.pass(SECOND);
            server.feed(&vec![0; rate]);
        }
        server
    };
    let mut right = slow(1100);
    right.feed(&vec![0; (200 << 10) - 110_000]);
    right.lives();
    assert_eq!(slow(1000).conn.stats().kills.get(Abuse::SlowFrames), 1);
}

/// Padding that has not come is no progress, and less of the frame than was thought is no panic.
#[test]
fn padded_data_is_measured_by_what_has_come_of_it() {
    let mut server = Raw::server();
    server.open(1, false);
    let padded = raw::padded(1, &[0; 10_000], 200, false);
    server.feed(&padded[..9]);
    server.pass(29 * SECOND);
    server.feed(&padded[9..12]);
    server.pass(SECOND);
    assert_eq!(server.is_dead_of(Reason::ENHANCE_YOUR_CALM), "slow_frames");
}

#[test]
fn frames_one_after_another_are_no_slow_frame() {
    let frame = raw::data(1, &[0; 30], false);
    let mut server = Raw::server();
    server.open(1, false);
    server.feed(&frame[..20]);
    for _ in 0..20 {
        server.pass(10 * SECOND);
        server.feed(&frame[20..]);
        server.feed(&frame[..20]);
    }
    server.feed(&frame[20..]);
    server.lives();
}

#[test]
fn silence_is_not_blamed_while_we_do_not_read() {
    let mut server = Raw::server();
    let bytes = [raw::ping([1; 8]).repeat(16), raw::ping([1; 8])[..5].to_vec()].concat();
    assert_eq!(server.offer(&bytes), 16 * 17);
    assert_eq!(server.offer(&bytes[16 * 17..]), 0);
    server.conn.handle_timeout(server.now + 100 * SECOND);
    assert_eq!(server.events(), []);
}

#[test]
fn silence_is_blamed_again_once_the_stall_is_over() {
    // The stall ends with output and not with input: a peer that says nothing more is still timed.
    let mut server = Raw::fresh_server(Config::default());
    server.feed(raw::PREFACE);
    server.feed(&raw::settings(&[]));
    assert_eq!(server.offer(&raw::ping([1; 8]).repeat(16)), 16 * 17);
    assert!(!server.conn.wants_input());
    server.sent();
    assert!(server.conn.wants_input());
    server.pass(10 * SECOND);
    server.is_dead_of(Reason::SETTINGS_TIMEOUT);
}

/// Threats: F7.
#[test]
fn write_stall_ends_the_connection_after_60_seconds() {
    let mut server = Connection::server(Config::default(), Instant::ZERO);
    server.handle_input(Instant::ZERO, &[raw::PREFACE, &raw::settings(&[])].concat());
    while server.poll_event().is_some() {}
    let mut out = Outbox::new();
    server.poll_transmit(Instant::ZERO, &mut out, 1 << 14);
    let unsent = out.len();
    server.handle_sent(Instant::ZERO, unsent);
    server.handle_input(Instant::ZERO, &raw::settings_ack());
    assert_eq!(server.next_timer(), Some(TimerKind::WriteStall));
    let mut now = Instant::ZERO + 59 * SECOND;
    server.handle_timeout(now);
    // Any progress begins anew.
    server.handle_sent(now, unsent - 1);
    now += 59 * SECOND;
    server.handle_timeout(now);
    server.handle_sent(now, unsent - 1);
    server.handle_input(now, &raw::ping([0; 8]));
    assert!(!server.poll_transmit(now, &mut out, 1 << 14), "nothing while bytes are unsent");
    assert_eq!(server.poll_event(), None);
    now += SECOND;
    server.handle_timeout(now);
    assert!(matches!(server.poll_event(), Some(Event::Closed(ConnectionEnd { by: Initiator::Library, .. }))));
    assert_eq!(server.stats().kills.get(Abuse::WriteStall), 1);
    assert!(server.is_closed());
    server.handle_sent(now, unsent - 2);
    server.check_invariants();
    assert_eq!((server.poll_timeout(), server.poll_event()), (None, None));
}

#[test]
fn write_stall_after_the_end_is_no_second_kill() {
    let mut server = Raw::server_with(raw::config(|config| config.limits.write_stall_timeout = SECOND / 2));
    server.feed(&raw::head(33 * 6, raw::SETTINGS, 0, 0));
    let mut out = Outbox::new();
    server.conn.poll_transmit(server.now, &mut out, 1 << 14);
    server.conn.handle_sent(server.now, out.len());
    server.conn.handle_timeout(server.now + SECOND);
    assert!(server.conn.is_closed());
    assert_eq!(server.conn.stats().kills.total(), 1);
}

/// Threats: H3.
#[test]
fn zero_window_is_ended_only_where_that_was_asked_for() {
    for (timeout, kills) in [(None, 0), (Some(300 * SECOND), 1)] {
        for connection in [false, true] {
            let mut server =
                Raw::server_with(raw::config(|config| config.limits.zero_window_timeout = timeout));
            let window = if connection { 1 << 20 } else { 1_000 };
            server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, window)]));
            let key = server.open(1, true);
            server.respond(key, false);
            server.sent();
            // The window is used up to the last octet.
            let all = if connection { 65_535 } else { 1_000 };
            server.send(key, all, false);
            server.sent();
            server.send(key, 5_000, true);
            server.sent();
            assert_eq!(server.conn.stats().buffered_to_send, 5_000);
            server.pass(299 * SECOND);
            server.lives();
            // A drip keeps nothing alive.
            server.feed(&raw::window_update(u32::from(!connection), 1));
            server.pass(SECOND);
            assert_eq!(server.conn.stats().kills.get(Abuse::ZeroWindow), kills, "{connection}");
        }
    }
}

#[test]
fn zero_window_that_opens_in_time_is_forgotten() {
    let mut server =
        Raw::server_with(raw::config(|config| config.limits.zero_window_timeout = Some(300 * SECOND)));
    server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
    let key = server.open(1, true);
    server.respond(key, false);
    server.send(key, 5_000, false);
    server.sent();
    server.pass(200 * SECOND);
    server.conn.reset(key, Reason::CANCEL);
    let key = server.open(3, true);
    server.respond(key, false);
    server.send(key, 100, false);
    server.sent();
    server.pass(200 * SECOND);
    assert_eq!(server.conn.stats().kills.total(), 0);
    server.pass(100 * SECOND);
    assert_eq!(server.conn.stats().kills.total(), 1);
}

// ---- room to send

#[test]
fn pieces_of_a_stream_are_bounded() {
    let mut client = Raw::client();
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
    let key = client.open(1, false);
    let piece = Bytes::from_static(b"x");
    for _ in 0..1024 {
        client.conn.send_data(key, &[], piece.clone(), false).unwrap();
    }
    assert_eq!(client.conn.send_data(key, &[], piece.clone(), false), Err(SendError::Full(piece)));
    client.feed(&raw::window_update(1, 1024));
    client.sent();
    assert!(client.events().contains(&Event::Writable { stream: key }));
}

/// Threats: F7.
#[test]
fn buffer_of_the_connection_holds_up_no_stream_that_has_nothing_waiting() {
    let mut client = Raw::client_with(raw::config(|config| config.limits.send_buffer_connection = 100_000));
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
    let keys = [1, 3, 5].map(|stream| client.open(stream, false));
    client.send(keys[0], 60_000, false);
    client.send(keys[1], 60_000, false);
    client.send(keys[2], 10_000, false);
    let more = Bytes::from_static(b"more");
    assert_eq!(client.conn.send_data(keys[2], &[], more.clone(), false), Err(SendError::Full(more)));
    client.feed(&raw::window_update(5, 10_000));
    let sent = client.sent();
    assert!(sent.iter().any(|frame| matches!(frame, Frame::Data { stream: 5, .. })), "{sent:?}");
    assert!(client.events().contains(&Event::Writable { stream: keys[2] }));
}
