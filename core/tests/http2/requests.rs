//! Requests in every shape that a server takes, and the answers to them.

use std::time::Duration;

use unwired_core::http2::{Event, Reason, StreamKey, frame::flag};

use crate::raw::{self, Frame, Raw};

/// The head of a request with this method.
fn head(method: &str) -> Vec<u8> {
    raw::block(
        raw::REQUEST.into_iter().map(|(name, value)| (name, if name == ":method" { method } else { value })),
    )
}

/// Feeds one request and answers it; gives the octets of its content.
fn exchange(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut server = Raw::server();
    server.feed(&frames.concat());
    let events = server.events();
    let Some(&Event::Headers { stream, .. }) = events.first() else { panic!("{events:?}") };
    assert!(!server.conn.is_receiving(stream), "{events:?}");
    let content = server.conn.take_data(stream).map(|data| data.to_vec());
    server.respond(stream, false);
    server.send(stream, 5, true);
    let answers = server.answers();
    assert!(
        matches!(&answers[..], [Frame::Headers { stream: 1, .. }, Frame::Data { stream: 1, payload, end: true }] if payload.len() == 5),
        "{answers:?}"
    );
    assert_eq!(server.events(), [Event::Finished { stream }]);
    server.lives();
    content.unwrap_or_default()
}

/// H2spec: generic/3.2/1, generic/3.2/2, generic/3.2/3, generic/4/1, generic/4/2.
#[test]
fn requests_without_content_are_answered() {
    // RFC 9113 §6.2 and §8.1
    let ends = flag::END_HEADERS | flag::END_STREAM;
    for method in ["GET", "HEAD", "POST"] {
        let block = head(method);
        assert_eq!(exchange(&[raw::headers(1, &block, true)]), b"");
        let padded = [&[8][..], &block, &[0; 8]].concat();
        assert_eq!(exchange(&[raw::frame(raw::HEADERS, ends | flag::PADDED, 1, &padded)]), b"");
        let with_priority = [&[0x80, 0, 0, 0, 255][..], &block].concat();
        assert_eq!(exchange(&[raw::frame(raw::HEADERS, ends | flag::PRIORITY, 1, &with_priority)]), b"");
    }
}

/// H2spec: generic/3.1/1, generic/3.1/2, generic/3.1/3, generic/4/3, generic/4/4.
#[test]
fn requests_with_content_are_answered() {
    // RFC 9113 §6.1 and §8.1
    let head = raw::headers(1, &head("POST"), false);
    let trailers = raw::headers(1, &raw::block(raw::TRAILERS), true);
    for content in [
        vec![raw::data(1, b"content", true)],
        vec![raw::data(1, b"con", false), raw::data(1, b"tent", true)],
        vec![raw::padded(1, b"content", 8, true)],
        vec![raw::data(1, b"content", false), trailers],
    ] {
        assert_eq!(exchange(&[vec![head.clone()], content].concat()), b"content");
    }
}

/// H2spec: generic/2/1, generic/2/5, generic/3.3/1, generic/3.3/2, generic/3.3/3, generic/3.3/4, generic/3.3/5.
/// Obligations: 7, 16.
#[test]
fn priority_of_any_kind_leaves_requests_alone() {
    // RFC 9113 §5.3 and §6.3
    let priority = |stream, depends_on: u32, weight| {
        raw::frame(raw::PRIORITY, 0, stream, &[&depends_on.to_be_bytes()[..], &[weight]].concat())
    };
    for priority in [
        priority(1, 0, 0),
        priority(1, 0, 255),
        priority(1, 3, 15),
        priority(1, 3 | 1 << 31, 15),
        priority(9, 0, 255),
    ] {
        exchange(&[priority.clone(), raw::request(1, true)]);
        let mut server = Raw::server();
        let key = server.open(1, true);
        server.respond(key, true);
        server.sent();
        server.events();
        server.ignores(&priority);
    }
}

/// A server that has 5 octets to say on stream 1, of which the client lets none pass.
fn held() -> (Raw, StreamKey) {
    let mut server = Raw::server();
    server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
    let key = server.open(1, true);
    server.respond(key, false);
    server.send(key, 5, true);
    let answers = server.answers();
    assert!(matches!(answers[..], [Frame::SettingsAck, Frame::Headers { .. }]), "{answers:?}");
    (server, key)
}

/// The octets of DATA that the server sends, once it no longer waits for a window worth a frame.
fn octets(server: &mut Raw) -> usize {
    server.transmit();
    server.pass(Duration::from_millis(50));
    let lengths = server.answers().into_iter().map(|frame| match frame {
        Frame::Data { payload, .. } => payload.len(),
        _ => 0,
    });
    lengths.sum()
}

/// H2spec: generic/2/2, generic/2/3, generic/2/4, generic/3.4/1, generic/3.9/1, generic/3.9/2.
/// Obligations: 8.
#[test]
fn a_request_that_has_ended_still_takes_window_update_priority_and_rst_stream() {
    // RFC 9113 §5.1, half-closed (remote)
    let (mut server, key) = held();
    server.ignores(&raw::priority(1, 0));
    server.ignores(&raw::window_update(0, 1));
    server.feed(&raw::window_update(1, 3));
    assert_eq!(octets(&mut server), 3);
    server.feed(&raw::window_update(1, 3));
    assert_eq!(octets(&mut server), 2);
    assert_eq!(server.events(), [Event::Finished { stream: key }]);
    let (mut server, key) = held();
    server.feed(&raw::rst(1, Reason::CANCEL));
    server.reset_event(key);
    assert_eq!(octets(&mut server), 0);
    server.lives();
}

/// H2spec: http2/6.5.3/1, http2/6.9.1/1, http2/6.9.2/1, http2/6.9.2/2.
/// Obligations: 23, 33.
#[test]
fn answers_keep_to_the_last_window_that_settings_have_set() {
    // RFC 9113 §6.5.3 and §6.9.2
    let (mut server, _) = held();
    server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 100), (raw::INITIAL_WINDOW_SIZE, 1)]));
    assert_eq!(octets(&mut server), 1);
    server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 3)]));
    assert_eq!(octets(&mut server), 2);
    // The window is -2 now: two octets more change nothing, the third does.
    server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 1)]));
    server.feed(&raw::window_update(1, 2));
    assert_eq!(octets(&mut server), 0);
    server.feed(&raw::window_update(1, 1));
    assert_eq!(octets(&mut server), 1);
    server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 2)]));
    assert_eq!(octets(&mut server), 1);
}
