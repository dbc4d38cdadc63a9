//! RFC 9113 §6.5: SETTINGS both ways.

use std::time::Duration;

use unwired_core::http2::frame::{SettingId, flag};
use unwired_core::http2::{Config, Event, Reason, TimerKind};

use crate::raw::{self, Frame, Raw};

#[test]
fn settings_of_a_wrong_length_end_the_connection() {
    // RFC 9113 §6.5
    for length in [1, 5, 7] {
        Raw::server().dies_of(&raw::frame(raw::SETTINGS, 0, 0, &vec![0; length]), Reason::FRAME_SIZE_ERROR);
    }
    Raw::server().dies_of(&raw::frame(raw::SETTINGS, flag::ACK, 0, &[0; 6]), Reason::FRAME_SIZE_ERROR);
}

#[test]
fn settings_on_a_stream_end_the_connection() {
    // RFC 9113 §6.5
    Raw::server().dies_of(&raw::frame(raw::SETTINGS, 0, 1, &[]), Reason::PROTOCOL_ERROR);
}

/// Obligations: 23.
#[test]
fn settings_apply_in_order_and_the_last_wins() {
    // RFC 9113 §6.5.3
    let mut client = Raw::client();
    client.feed(&raw::settings(&[
        (raw::INITIAL_WINDOW_SIZE, 5),
        (0xfa, 1),
        (0, 7),
        (raw::INITIAL_WINDOW_SIZE, 2000),
    ]));
    assert_eq!((client.answers(), client.events()), (vec![Frame::SettingsAck], vec![Event::Settings]));
    let key = client.open(1, false);
    client.send(key, 3000, false);
    let [Frame::Data { payload, .. }] = &client.answers()[..] else { panic!() };
    assert_eq!(payload.len(), 2000);
}

/// Obligations: 23.
#[test]
fn settings_are_acknowledged_one_by_one_before_what_relies_on_them() {
    // RFC 9113 §6.5.3
    let mut client = Raw::client();
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
    let key = client.open(1, false);
    client.send(key, 100, true);
    client.sent();
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 50)]));
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 100)]));
    let answers = client.answers();
    assert!(
        matches!(&answers[..], [Frame::SettingsAck, Frame::SettingsAck, Frame::Data { payload, end: true, .. }] if payload.len() == 100),
        "{answers:?}"
    );
}

/// Obligations: 24.
#[test]
fn settings_out_of_bounds_end_the_connection() {
    // RFC 9113 §6.5.2
    for (id, value, reason) in [
        (raw::ENABLE_PUSH, 2, Reason::PROTOCOL_ERROR),
        (raw::ENABLE_PUSH, u32::MAX, Reason::PROTOCOL_ERROR),
        (raw::INITIAL_WINDOW_SIZE, 1 << 31, Reason::FLOW_CONTROL_ERROR),
        (raw::INITIAL_WINDOW_SIZE, u32::MAX, Reason::FLOW_CONTROL_ERROR),
        (raw::MAX_FRAME_SIZE, 0, Reason::PROTOCOL_ERROR),
        (raw::MAX_FRAME_SIZE, (1 << 14) - 1, Reason::PROTOCOL_ERROR),
        (raw::MAX_FRAME_SIZE, 1 << 24, Reason::PROTOCOL_ERROR),
    ] {
        Raw::server().dies_of(&raw::settings(&[(id, value)]), reason);
        Raw::client().dies_of(&raw::settings(&[(id, value)]), reason);
    }
    Raw::client().dies_of(&raw::settings(&[(raw::ENABLE_PUSH, 1)]), Reason::PROTOCOL_ERROR);
}

#[test]
fn settings_at_their_bounds_are_taken() {
    // RFC 9113 §6.5.2
    for (id, value) in [
        (raw::ENABLE_PUSH, 0),
        (raw::ENABLE_PUSH, 1),
        (raw::INITIAL_WINDOW_SIZE, (1 << 31) - 1),
        (raw::INITIAL_WINDOW_SIZE, 0),
        (raw::MAX_FRAME_SIZE, 1 << 14),
        (raw::MAX_FRAME_SIZE, (1 << 24) - 1),
        (raw::HEADER_TABLE_SIZE, u32::MAX),
        (raw::HEADER_TABLE_SIZE, 0),
        (raw::MAX_CONCURRENT_STREAMS, u32::MAX),
        (raw::MAX_HEADER_LIST_SIZE, 0),
    ] {
        let mut server = Raw::server();
        server.feed(&raw::settings(&[(id, value)]));
        assert_eq!(server.answers(), [Frame::SettingsAck]);
        server.lives();
    }
}

/// Threats: F15.
#[test]
fn settings_that_are_wrong_in_part_apply_in_no_part() {
    // RFC 9113 §6.5.3: the stream's head, which waits, is not sent by rules that came with a fault.
    let mut client = Raw::client();
    client.feed(&raw::settings(&[(raw::MAX_CONCURRENT_STREAMS, 0), (raw::ENABLE_PUSH, 9)]));
    assert!(matches!(client.events()[..], [Event::Closed(_)]));
}

/// Obligations: 26.
#[test]
fn settings_of_ours_say_what_the_config_says() {
    // RFC 9113 §6.5.2 and §8.4: a client turns push off.
    let config = || {
        raw::config(|config| {
            config.initial_window = 1 << 20;
            config.max_frame_size = 1 << 15;
            config.limits.max_concurrent_streams = 77;
            config.limits.max_header_list_size = 9000;
            config.limits.decoder_table_size = 1000;
        })
    };
    let common = [
        (SettingId::HeaderTableSize, 1000),
        (SettingId::InitialWindowSize, 1 << 20),
        (SettingId::MaxFrameSize, 1 << 15),
        (SettingId::MaxHeaderListSize, 9000),
    ];
    let mut client = Raw::fresh_client(config());
    let mut server = Raw::fresh_server(config());
    server.feed(raw::PREFACE);
    for (raw, own) in
        [(&mut client, (SettingId::EnablePush, 0)), (&mut server, (SettingId::MaxConcurrentStreams, 77))]
    {
        let [Frame::Settings(sent), ..] = &raw.sent()[..] else { panic!() };
        assert!(common.iter().chain([&own]).all(|setting| sent.contains(setting)), "{sent:?}");
        assert_eq!(sent.len(), 5);
    }
}

/// Obligations: 25.
#[test]
fn settings_ack_that_does_not_come_ends_the_connection() {
    // RFC 9113 §6.5.3
    let mut server = Raw::fresh_server(Config::default());
    server.feed(raw::PREFACE);
    server.feed(&raw::settings(&[]));
    server.sent();
    assert_eq!(server.conn.next_timer(), Some(TimerKind::SettingsAck));
    server.pass(Duration::from_millis(9_999));
    server.lives();
    server.pass(Duration::from_millis(1));
    server.is_dead_of(Reason::SETTINGS_TIMEOUT);
}

/// Obligations: 25.
#[test]
fn settings_ack_in_surplus_ends_the_connection() {
    // RFC 9113 §6.5.3
    Raw::server().dies_of(&raw::settings_ack(), Reason::PROTOCOL_ERROR);
    Raw::client().dies_of(&raw::settings_ack(), Reason::PROTOCOL_ERROR);
}

/// Obligations: 15, 34.
#[test]
fn settings_shrink_of_our_window_binds_the_peer_at_its_ack() {
    // RFC 9113 §6.9.3
    let mut server = Raw::fresh_server(raw::config(|config| config.initial_window = 100));
    server.feed(raw::PREFACE);
    server.feed(&raw::settings(&[]));
    server.sent();
    server.feed(&raw::request(1, false));
    // The peer has not read our SETTINGS: the window is RFC 9113's 65,535.
    server.feed(&raw::data(1, &[0; 5000], false));
    assert_eq!(server.answers(), []);
    server.feed(&raw::settings_ack());
    server.resets(&raw::data(1, b"a", false), 1, Reason::FLOW_CONTROL_ERROR);
    server.open(3, false);
    server.feed(&raw::data(3, &[0; 100], false));
    server.sent();
    server.resets(&raw::data(3, b"a", false), 3, Reason::FLOW_CONTROL_ERROR);
}

#[test]
fn settings_growth_of_our_window_holds_once_it_is_sent() {
    // RFC 9113 §6.9.2: the peer uses it before we see its ACK.
    let mut server = Raw::fresh_server(raw::config(|config| config.initial_window = 200_000));
    server.feed(raw::PREFACE);
    server.feed(&raw::settings(&[]));
    server.feed(&raw::request(1, false));
    server.sent();
    for _ in 0..7 {
        server.feed(&raw::data(1, &[0; 10_000], false));
    }
    assert_eq!(server.answers(), []);
    server.lives();
}

/// Threats: F15.
#[test]
fn settings_of_the_peers_header_list_bind_what_we_send() {
    // RFC 9113 §10.5.1
    let mut client = Raw::client();
    client.feed(&raw::settings(&[(raw::MAX_HEADER_LIST_SIZE, 100)]));
    let error = client.conn.open(raw::REQUEST.into_iter().collect(), true);
    assert_eq!(
        error,
        Err(unwired_core::http2::OpenError::Use(unwired_core::http2::UseError::FieldsTooLarge))
    );
    assert_eq!(client.conn.active_streams(), 0);
}

/// Obligations: 46.
#[test]
fn settings_of_the_peers_table_are_signalled_in_the_next_block() {
    // RFC 7541 §4.2: what it was between two blocks at its lowest, then what it is.
    let mut client = Raw::client();
    client.open(1, true);
    client.feed(&raw::settings(&[(raw::HEADER_TABLE_SIZE, 0)]));
    client.feed(&raw::settings(&[(raw::HEADER_TABLE_SIZE, 1000)]));
    // The peer's decoder would fail on an index into what it has evicted.
    client.open(3, true);
    client.feed(&raw::settings(&[(raw::HEADER_TABLE_SIZE, u32::MAX)]));
    client.open(5, true);
    client.lives();
}
