//! RFC 9113 §3.4: how a connection begins.

use bytes::Buf;
use unwired_core::http2::{Abuse, Config, Connection, Event, Reason};
use unwired_core::{Instant, Outbox};

use crate::raw::{self, Frame, PREFACE, Raw};

/// H2spec: http2/3.5/1, generic/1/1.
/// Obligations: 1.
#[test]
fn preface_split_anywhere_is_taken_and_answered_with_settings_first() {
    // RFC 9113 §3.4
    for split in 0..=PREFACE.len() {
        let mut server = Raw::fresh_server(Config::default());
        server.feed(&PREFACE[..split]);
        if split < PREFACE.len() {
            assert_eq!(server.sent(), [], "split at {split}");
        }
        server.feed(&PREFACE[split..]);
        server.feed(&raw::settings(&[]));
        let sent = server.sent();
        assert!(matches!(sent[..2], [Frame::Settings(_), Frame::SettingsAck]), "split at {split}: {sent:?}");
        assert_eq!(server.events(), [Event::Settings]);
    }
}

/// Obligations: 1.
#[test]
fn preface_wrong_at_any_octet_ends_the_connection() {
    // RFC 9113 §3.4
    for at in 0..PREFACE.len() {
        for split in [0, at, at + 1] {
            let mut wrong = PREFACE.to_vec();
            wrong[at] ^= 0x20;
            let mut server = Raw::fresh_server(Config::default());
            server.feed(&wrong[..split]);
            server.feed(&wrong[split..]);
            let events = server.events();
            assert!(
                matches!(&events[..], [Event::Closed(end)] if end.reason == Reason::PROTOCOL_ERROR),
                "octet {at}: {events:?}"
            );
        }
    }
}

#[test]
fn preface_wrong_is_answered_with_settings_and_goaway() {
    // RFC 9113 §3.4
    let mut server = Raw::fresh_server(Config::default());
    server.feed(b"PRI * HTTP/2.0\r\n\r\nXX");
    let sent = server.sent();
    assert!(
        matches!(
            sent[..],
            [Frame::Settings(_), Frame::GoAway { last: 0, reason: Reason::PROTOCOL_ERROR, .. }]
        ),
        "{sent:?}"
    );
}

/// H2spec: http2/3.5/2.
/// Obligations: 1.
#[test]
fn preface_wrong_in_capitals_is_no_http1() {
    // RFC 9113 §3.4: a line that does not end with the version of HTTP/1 is no request of it.
    let mut server = Raw::fresh_server(Config::default());
    server.feed(b"INVALID CONNECTION PREFACE\r\n\r\n");
    assert!(matches!(
        server.sent()[..],
        [Frame::Settings(_), Frame::GoAway { last: 0, reason: Reason::PROTOCOL_ERROR, .. }]
    ));
    assert_eq!(server.conn.stats().kills.get(Abuse::Http1), 0);
}

/// Threats: S8.
#[test]
fn preface_of_http1_is_answered_in_http1() {
    // RFC 9113 §3.1: the server speaks HTTP/2 only with prior knowledge.
    let mut server = Connection::server(Config::default(), Instant::ZERO);
    let mut out = Outbox::new();
    let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    assert_eq!(server.handle_input(Instant::ZERO, request), request.len());
    server.poll_transmit(Instant::ZERO, &mut out, 1 << 14);
    let answer = String::from_utf8(out.chunk().to_vec()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 505 "), "{answer}");
    let (head, content) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", content.len())), "{answer}");
    assert_eq!(server.stats().kills.get(Abuse::Http1), 1);
    assert!(server.wants_shutdown());
}

/// Obligations: 1.
#[test]
fn preface_may_be_followed_by_requests_before_the_servers_settings() {
    // RFC 9113 §3.4
    let mut server = Raw::fresh_server(Config::default());
    let bytes = [PREFACE, &raw::settings(&[]), &raw::request(1, true), &raw::request(3, true)].concat();
    server.feed(&bytes);
    assert!(matches!(
        server.events()[..],
        [Event::Settings, Event::Headers { end_stream: true, .. }, Event::Headers { end_stream: true, .. }]
    ));
    assert!(matches!(server.sent()[..2], [Frame::Settings(_), Frame::SettingsAck]));
}

/// H2spec: client/1/1.
/// Obligations: 1.
#[test]
fn preface_of_a_client_does_not_wait_for_that_of_the_server() {
    // RFC 9113 §3.4: the preface, SETTINGS, and a request if there is one.
    let mut client = Raw::fresh_client(Config::default());
    client.conn.open(raw::REQUEST.into_iter().collect(), true).unwrap();
    let sent = client.answers();
    assert!(
        matches!(sent[..], [Frame::Settings(_), Frame::Headers { stream: 1, end: true, .. }]),
        "{sent:?}"
    );
    client.feed(&raw::settings(&[]));
    assert_eq!((client.answers(), client.events()), (vec![Frame::SettingsAck], vec![Event::Settings]));
}

/// Obligations: 2.
#[test]
fn preface_of_a_server_is_settings_and_nothing_else() {
    // RFC 9113 §3.4: also a GOAWAY is wrong first, and an acknowledgement is no SETTINGS.
    for wrong in [
        raw::goaway(0, Reason::NO_ERROR, b""),
        raw::ping([0; 8]),
        raw::window_update(0, 1),
        raw::settings_ack(),
        raw::frame(0xee, 0, 0, b"unknown"),
        raw::response(1, true),
    ] {
        let mut client = Raw::fresh_client(Config::default());
        client.transmit();
        client.dies_of(&wrong, Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn preface_of_a_client_is_followed_by_settings_and_nothing_else() {
    // RFC 9113 §3.4
    for wrong in [raw::request(1, true), raw::ping([0; 8]), raw::settings_ack(), raw::priority(1, 0)] {
        let mut server = Raw::fresh_server(Config::default());
        server.feed(PREFACE);
        server.dies_of(&wrong, Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn preface_of_another_protocol_is_named_to_people() {
    let end = |raw: &mut Raw| match raw.events().pop() {
        Some(Event::Closed(end)) => end.why,
        other => panic!("{other:?}"),
    };
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let mut server = Raw::fresh_server(Config::default());
    server.feed(hello);
    assert!(end(&mut server).contains("TLS"));
    for (answer, name) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP/1"),
        (b"\x15\x03\x03\x00\x02\x02\x46\x00\x00", "TLS"),
        (b"220 mail.example ESMTP\r\n", "SETTINGS"),
    ] {
        let mut client = Raw::fresh_client(Config::default());
        client.feed(answer);
        assert!(end(&mut client).contains(name), "{name}");
    }
    // An alert alone is less than the head of a frame.
    let mut client = Raw::fresh_client(Config::default());
    client.feed(b"\x15\x03\x03\x00\x02\x02\x46");
    client.conn.handle_eof(Instant::ZERO);
    assert!(end(&mut client).contains("TLS"));
}
