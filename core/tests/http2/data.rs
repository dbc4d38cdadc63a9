//! RFC 9113 §6.1: DATA, its padding, and whose windows it costs.

use unwired_core::http2::{Event, Reason, frame::flag};

use crate::raw::{self, Frame, Raw};

#[test]
fn data_without_a_stream_ends_the_connection() {
    // RFC 9113 §6.1
    Raw::server().dies_of(&raw::data(0, b"a", false), Reason::PROTOCOL_ERROR);
}

#[test]
fn data_padding_as_long_as_the_payload_ends_the_connection() {
    // RFC 9113 §6.1
    for (payload, reason) in [
        (&[5u8, 0, 0, 0, 0][..], Reason::PROTOCOL_ERROR),
        (&[255, 0], Reason::PROTOCOL_ERROR),
        (&[1], Reason::PROTOCOL_ERROR),
        // RFC 9113 §4.2: too small for its mandatory field.
        (&[], Reason::FRAME_SIZE_ERROR),
    ] {
        let mut server = Raw::server();
        server.open(1, false);
        server.dies_of(&raw::frame(raw::DATA, flag::PADDED, 1, payload), reason);
    }
}

/// Obligations: 18.
#[test]
fn data_padding_of_every_length_is_cut_off() {
    // RFC 9113 §6.1
    let mut server = Raw::server();
    let key = server.open(1, false);
    for pad in 0..=255 {
        server.feed(&raw::padded(1, &[pad; 3], pad, false));
        assert_eq!(server.conn.take_data(key).unwrap(), &[pad; 3][..]);
    }
    server.feed(&raw::padded(1, b"", 255, true));
    assert!(matches!(server.events().last(), Some(Event::Data { end_stream: true, .. })));
}

/// Obligations: 18.
#[test]
fn data_padding_counts_on_both_windows_and_is_returned_at_once() {
    // RFC 9113 §6.1 and §6.9.1
    let mut server = Raw::server_with(raw::config(|config| {
        config.initial_window = 1000;
        config.connection_window = 65_535;
        config.bdp = false;
    }));
    let key = server.open(1, false);
    let frames = 200;
    for _ in 0..frames {
        server.feed(&raw::padded(1, b"a", 255, false));
        server.transmit();
    }
    let sum = |frames: &[Frame], of: u32| -> u64 {
        let updates = frames.iter().filter_map(|frame| match frame {
            Frame::WindowUpdate(stream, increment) if *stream == of => Some(u64::from(*increment)),
            _ => None,
        });
        updates.sum()
    };
    let sent = server.sent();
    // Nobody took the data: padding alone came back to the stream, all but what is not worth a frame.
    let padding = frames * 256;
    assert!((padding - 500..=padding).contains(&sum(&sent, 1)), "{}", sum(&sent, 1));
    let all = frames * 257;
    assert!((all - 33_000..=all).contains(&sum(&sent, 0)), "{}", sum(&sent, 0));
    assert_eq!(server.conn.take_data(key).unwrap().len() as u64, frames);
    // What is left of the window is 1000 less the data: one more octet is too much.
    let left = 1000 - 200 - (padding - sum(&sent, 1));
    server.resets(&raw::data(1, &vec![0; left as usize + 1], false), 1, Reason::FLOW_CONTROL_ERROR);
}

#[test]
fn data_that_a_stream_is_given_credit_for_gives_the_connections_back_in_the_same_write() {
    // RFC 9113 §6.9: two frames, and the peer is woken once.
    let mut server = Raw::server_with(raw::config(|config| {
        config.connection_window = 1 << 17;
        config.bdp = false;
    }));
    let key = server.open(1, false);
    server.sent();
    for _ in 0..3 {
        server.feed(&raw::data(1, &[0; 12_000], false));
        assert!(server.sent().is_empty(), "less than a half of the connection's window needs no telling");
    }
    let taken = server.conn.take_data(key).expect("data").len();
    server.conn.grant(key, taken);
    let told = server.sent();
    assert_eq!(told, [Frame::WindowUpdate(0, 36_000), Frame::WindowUpdate(1, 36_000)]);
}

/// Obligations: 32.
#[test]
fn data_beyond_the_streams_window_ends_the_stream() {
    // RFC 9113 §6.9.1
    let mut server = Raw::server_with(raw::config(|config| config.initial_window = 10));
    let key = server.open(1, false);
    server.feed(&raw::data(1, &[0; 10], false));
    server.sent();
    server.resets(&raw::data(1, &[0], false), 1, Reason::FLOW_CONTROL_ERROR);
    assert_eq!(server.reset_event(key).reason, Reason::FLOW_CONTROL_ERROR);
}

/// Obligations: 32.
#[test]
fn data_beyond_the_connections_window_ends_the_connection() {
    // RFC 9113 §6.9.1: nothing is transmitted, so nothing is returned.
    let mut server = Raw::server_with(raw::config(|config| {
        config.initial_window = 1 << 20;
        config.connection_window = 65_535;
    }));
    server.open(1, false);
    for _ in 0..3 {
        server.feed(&raw::data(1, &[0; 1 << 14], false));
    }
    server.feed(&raw::data(1, &[0; (1 << 14) - 1], false));
    server.dies_of(&raw::data(1, &[0], false), Reason::FLOW_CONTROL_ERROR);
}

/// Obligations: 19.
#[test]
fn data_on_streams_that_are_gone_is_credited_to_the_connection() {
    // RFC 9113 §6.9: over any of the ways in which a stream is gone, the window comes back whole.
    let mut server = Raw::server_with(raw::config(|config| {
        config.initial_window = 1 << 20;
        config.connection_window = 65_535;
        config.bdp = false;
        config.limits.max_concurrent_streams = 2;
    }));
    let key = server.open(1, false);
    server.open(3, false);
    server.conn.reset(key, Reason::CANCEL);
    server.feed(&raw::request(5, false));
    let mut window = 65_535u64;
    let mut send = |server: &mut Raw, stream: u32| {
        let octets = 10_000;
        server.feed(&raw::data(stream, &[0; 10_000], false));
        window -= octets;
        for frame in server.sent() {
            if let Frame::WindowUpdate(0, increment) = frame {
                window += u64::from(increment);
            }
        }
    };
    for _ in 0..50 {
        for stream in [1, 3, 5] {
            send(&mut server, stream);
        }
    }
    server.feed(&raw::rst(3, Reason::CANCEL));
    server.conn.drain(server.now, None);
    for _ in 0..50 {
        send(&mut server, 3);
    }
    assert!(server.conn.stats().data_dropped >= 1_500_000, "{:?}", server.conn.stats());
    assert!(window >= 32_767, "{window}");
    server.lives();
}

#[test]
fn credit_granted_before_the_request_has_left_is_told_behind_it() {
    let mut client = Raw::client_with(raw::config(|config| config.initial_window = 0));
    let key = client.conn.open(raw::REQUEST.into_iter().collect(), true).unwrap();
    client.conn.grant(key, 1000);
    let sent = client.sent();
    assert!(matches!(sent[..], [Frame::Headers { stream: 1, .. }, Frame::WindowUpdate(1, 1000)]), "{sent:?}");
}

#[test]
fn an_end_without_octets_needs_no_window() {
    // RFC 9113 §6.9, §6.9.2: SETTINGS that are acknowledged behind DATA take the window below zero.
    let mut server = Raw::fresh_server(raw::config(|config| config.initial_window = 1));
    server.feed(raw::PREFACE);
    server.feed(&raw::settings(&[]));
    server.transmit();
    let key = server.open(1, false);
    server.feed(&raw::data(1, &[7; 100], false));
    server.feed(&raw::settings_ack());
    server.feed(&raw::data(1, b"", true));
    assert!(matches!(server.events().last(), Some(Event::Data { end_stream: true, .. })));
    assert_eq!(server.conn.take_data(key).unwrap().len(), 100);
}
