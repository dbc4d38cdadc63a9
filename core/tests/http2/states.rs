//! RFC 9113 §5.1 and §5.4: what a stream takes in each state.

use bytes::Bytes;
use unwired_core::http2::{Abuse, Event, Initiator, OpenError, Reason, UseError};

use crate::raw::{self, Frame, Raw};

/// H2spec: http2/5.1/1, http2/5.1/2, http2/5.1/3, http2/5.1/4,
/// client/5.1/1, client/5.1/2, client/5.1/3, client/5.1/4.
/// Obligations: 7.
#[test]
fn idle_stream_takes_headers_and_priority_alone() {
    // RFC 9113 §5.1
    let wrong = |stream| {
        [
            raw::data(stream, b"a", false),
            raw::rst(stream, Reason::CANCEL),
            raw::window_update(stream, 1),
            raw::frame(raw::CONTINUATION, 4, stream, b""),
        ]
    };
    for bytes in wrong(1).into_iter().chain(wrong(2)) {
        Raw::server().dies_of(&bytes, Reason::PROTOCOL_ERROR);
        Raw::client().dies_of(&bytes, Reason::PROTOCOL_ERROR);
    }
    // Even where streams of the other parity have come and gone.
    for bytes in wrong(2) {
        let mut server = Raw::server();
        let key = server.open(3, true);
        server.respond(key, true);
        server.sent();
        server.dies_of(&bytes, Reason::PROTOCOL_ERROR);
    }
    Raw::server().ignores(&raw::priority(1, 0));
    Raw::client().ignores(&raw::priority(1, 0));
}

/// Obligations: 7.
#[test]
fn priority_is_allowed_in_every_state() {
    // RFC 9113 §5.1
    let mut server = Raw::server();
    for stream in 1..5 {
        server.ignores(&raw::priority(stream, 9));
    }
    let open = server.open(5, false);
    server.ignores(&raw::priority(5, 0));
    server.feed(&raw::data(5, b"", true));
    server.ignores(&raw::priority(5, 0));
    server.respond(open, true);
    server.sent();
    server.ignores(&raw::priority(5, 0));
    let reset = server.open(7, false);
    server.conn.reset(reset, Reason::CANCEL);
    server.ignores(&raw::priority(7, 0));
}

/// H2spec: http2/5.1/5, http2/5.1/6, http2/6.1/2.
/// Obligations: 8.
#[test]
fn half_closed_remote_refuses_data_and_headers() {
    // RFC 9113 §5.1
    // Whatever the HEADERS say: a request, too, would be malformed only where trailers may stand.
    for wrong in [
        raw::data(1, b"a", false),
        raw::headers(1, &raw::block(raw::TRAILERS), true),
        raw::request(1, true),
        raw::request(1, false),
    ] {
        let mut server = Raw::server();
        let key = server.open(1, true);
        server.resets(&wrong, 1, Reason::STREAM_CLOSED);
        let error = server.reset_event(key);
        assert_eq!((error.reason, error.by), (Reason::STREAM_CLOSED, Initiator::Library));
    }
}

/// Obligations: 8.
#[test]
fn half_closed_remote_takes_window_update_priority_and_rst_stream() {
    // RFC 9113 §5.1
    let mut server = Raw::server();
    let key = server.open(1, true);
    server.ignores(&raw::window_update(1, 100));
    server.ignores(&raw::priority(1, 3));
    server.feed(&raw::rst(1, Reason::CANCEL));
    assert_eq!(server.answers(), []);
    let error = server.reset_event(key);
    assert_eq!((error.reason, error.by), (Reason::CANCEL, Initiator::Peer));
}

/// Obligations: 9.
#[test]
fn closed_by_our_reset_lets_late_frames_pass() {
    // RFC 9113 §5.1
    let mut server = Raw::server();
    let key = server.open(1, false);
    server.conn.reset(key, Reason::CANCEL);
    assert_eq!(server.answers(), [Frame::Reset(1, Reason::CANCEL)]);
    for late in [
        raw::data(1, &[0; 100], false),
        raw::window_update(1, 1),
        raw::priority(1, 3),
        raw::headers(1, &raw::block(raw::TRAILERS), true),
        raw::rst(1, Reason::CANCEL),
        raw::data(1, b"more", true),
    ] {
        server.ignores(&late);
    }
    assert_eq!(server.conn.stats().data_dropped, 104);
    // PRIORITY, HEADERS and RST_STREAM: what comes once a stream in good faith does not come without end.
    assert_eq!(server.conn.stats().abuse.get(Abuse::IgnoredFrames), 3);
    assert_eq!(server.conn.stats().abuse.total(), 3);
}

/// H2spec: http2/5.1/8, http2/5.1/9, client/5.1/5, client/5.1/6.
/// Obligations: 10, 17.
#[test]
fn closed_by_the_peers_reset_refuses_data_and_headers_once() {
    // RFC 9113 §5.1: nothing of it can have been under way. At most one reset of ours, whatever comes.
    for wrong in [
        raw::data(1, b"late", true),
        raw::headers(1, &raw::block(raw::TRAILERS), true),
        raw::request(1, true),
    ] {
        let mut server = Raw::server();
        server.open(1, false);
        server.feed(&raw::rst(1, Reason::CANCEL));
        server.ignores(&raw::window_update(1, 1));
        server.ignores(&raw::priority(1, 3));
        server.ignores(&raw::rst(1, Reason::CANCEL));
        server.resets(&wrong, 1, Reason::STREAM_CLOSED);
        assert_eq!(server.conn.stats().abuse.get(Abuse::MadeYouReset), 1);
        server.ignores(&wrong);
        assert_eq!(server.events(), [], "no stream is revived");
    }
    for wrong in [raw::data(1, b"late", true), raw::response(1, true)] {
        let mut client = Raw::client();
        client.open(1, true);
        client.feed(&[raw::response(1, false), raw::rst(1, Reason::CANCEL)].concat());
        client.resets(&wrong, 1, Reason::STREAM_CLOSED);
        client.ignores(&wrong);
    }
}

/// Obligations: 10.
#[test]
fn closed_and_forgotten_stream_is_let_pass_for_a_token() {
    // RFC 9113 §5.1
    let mut server = Raw::server_with(raw::config(|config| {
        config.limits.remembered_streams = 4;
        config.limits.max_concurrent_streams = 1;
    }));
    for stream in (1..=21).step_by(2) {
        let key = server.open(stream, true);
        server.respond(key, true);
        server.conn.release(key);
        server.sent();
    }
    server.ignores(&raw::data(1, b"abc", false));
    server.ignores(&raw::window_update(1, 1));
    server.ignores(&raw::rst(1, Reason::CANCEL));
    server.resets(&raw::request(1, true), 1, Reason::STREAM_CLOSED);
    assert_eq!(server.events(), [], "no stream is revived");
    assert_eq!(server.conn.stats().abuse.get(Abuse::Glitches), 4);
    // What is remembered is an error of the connection.
    server.dies_of(&raw::data(21, b"abc", false), Reason::STREAM_CLOSED);
}

/// Obligations: 11.
#[test]
fn closed_by_both_ends_ignores_window_update_and_rst_stream() {
    // RFC 9113 §5.1
    let mut server = Raw::server();
    let key = server.open(1, true);
    server.respond(key, true);
    server.sent();
    assert_eq!(server.events(), [Event::Finished { stream: key }]);
    server.ignores(&raw::window_update(1, 1));
    server.ignores(&raw::window_update(1, 0));
    server.ignores(&raw::rst(1, Reason::CANCEL));
}

/// H2spec: http2/5.1/11, http2/5.1/12, client/5.1/8, client/5.1/9, client/6.1/2.
/// Obligations: 11.
#[test]
fn closed_by_both_ends_dies_of_data_and_headers() {
    // RFC 9113 §5.1
    for wrong in [raw::data(1, b"a", true), raw::request(1, true)] {
        let mut server = Raw::server();
        let key = server.open(1, true);
        server.respond(key, true);
        server.sent();
        server.dies_of(&wrong, Reason::STREAM_CLOSED);
    }
    for wrong in [raw::data(1, b"a", true), raw::response(1, true)] {
        let mut client = Raw::client();
        client.open(1, true);
        client.feed(&raw::response(1, true));
        client.dies_of(&wrong, Reason::STREAM_CLOSED);
    }
}

/// H2spec: http2/5.1.1/1, http2/5.1.1/2.
/// Obligations: 12.
#[test]
fn stream_numbers_are_odd_at_a_server_and_rise() {
    // RFC 9113 §5.1.1
    Raw::server().dies_of(&raw::request(2, true), Reason::PROTOCOL_ERROR);
    Raw::server().dies_of(&raw::request(0, true), Reason::PROTOCOL_ERROR);
    let mut server = Raw::server();
    server.open(9, false);
    server.dies_of(&raw::request(7, true), Reason::PROTOCOL_ERROR);
}

/// Obligations: 12.
#[test]
fn stream_numbers_that_were_skipped_are_closed_and_not_idle() {
    // RFC 9113 §5.1.1
    let mut server = Raw::server();
    server.open(9, false);
    server.ignores(&raw::window_update(5, 1));
    server.ignores(&raw::rst(5, Reason::CANCEL));
    server.dies_of(&raw::data(5, b"a", true), Reason::PROTOCOL_ERROR);
}

/// H2spec: client/5.1.1/1.
/// Obligations: 12.
#[test]
fn stream_numbers_of_a_client_start_no_stream_from_the_server() {
    // RFC 9113 §5.1.1
    for stream in [1, 2, 101] {
        Raw::client().dies_of(&raw::response(stream, true), Reason::PROTOCOL_ERROR);
    }
}

/// Obligations: 13.
#[test]
fn stream_numbers_run_low_and_the_server_drains() {
    // RFC 9113 §5.1.1
    let mut server = Raw::server();
    server.open(0x5fff_fffd, false);
    assert_eq!(server.answers(), []);
    server.open(0x5fff_ffff, false);
    assert!(matches!(
        &server.answers()[..],
        [Frame::GoAway { last: 0x7fff_ffff, reason: Reason::NO_ERROR, debug }] if debug == "stream_ids"
    ));
}

/// H2spec: http2/5.1.2/1.
/// Obligations: 14.
#[test]
fn concurrent_streams_count_open_and_half_closed_only() {
    // RFC 9113 §5.1.2
    let mut server = Raw::server_with(raw::config(|config| config.limits.max_concurrent_streams = 2));
    let first = server.open(1, false);
    server.open(3, true);
    server.resets(&raw::request(5, true), 5, Reason::REFUSED_STREAM);
    server.ignores(&raw::priority(7, 0));
    server.feed(&raw::data(1, b"", true));
    server.respond(first, true);
    server.sent();
    server.open(9, true);
    assert_eq!(server.conn.stats().streams_refused, 1);
}

/// Threats: R3.
/// Obligations: 15.
#[test]
fn concurrent_streams_over_the_limit_before_the_ack_are_refused_up_to_twice() {
    // RFC 9113 §6.5.3
    let mut server = Raw::fresh_server(raw::config(|config| config.limits.max_concurrent_streams = 3));
    server.feed(raw::PREFACE);
    server.feed(&raw::settings(&[]));
    for stream in [1, 3, 5] {
        server.feed(&raw::request(stream, true));
    }
    server.sent();
    for stream in [7, 9, 11] {
        server.resets(&raw::request(stream, true), stream, Reason::REFUSED_STREAM);
    }
    server.feed(&raw::request(13, true));
    assert_eq!(server.is_dead_of(Reason::ENHANCE_YOUR_CALM), "stream_excess");
}

/// Obligations: 14.
#[test]
fn concurrent_streams_of_a_client_follow_a_limit_that_is_lowered() {
    // RFC 9113 §5.1.2: a lower limit closes nothing.
    let mut client = Raw::client();
    let first = client.open(1, true);
    client.open(3, true);
    client.feed(&raw::settings(&[(raw::MAX_CONCURRENT_STREAMS, 1)]));
    assert_eq!(client.answers(), [Frame::SettingsAck]);
    let fields = || raw::REQUEST.into_iter().collect();
    assert!(matches!(client.conn.open(fields(), true), Err(OpenError::Busy(_))));
    client.events();
    client.feed(&raw::response(1, true));
    assert_eq!(
        client.events(),
        [Event::Headers { stream: first, end_stream: true }, Event::Finished { stream: first }]
    );
    client.feed(&raw::response(3, true));
    assert_eq!(client.events().iter().filter(|event| **event == Event::StreamsAvailable).count(), 1);
    client.open(5, true);
}

/// Obligations: 14.
#[test]
fn concurrent_streams_limit_of_zero_keeps_a_client_waiting() {
    // RFC 9113 §5.1.2
    let mut client = Raw::client();
    client.feed(&raw::settings(&[(raw::MAX_CONCURRENT_STREAMS, 0)]));
    client.events();
    assert!(matches!(client.conn.open(raw::REQUEST.into_iter().collect(), true), Err(OpenError::Busy(_))));
    client.feed(&raw::settings(&[(raw::MAX_CONCURRENT_STREAMS, 1)]));
    assert_eq!(client.events(), [Event::Settings, Event::StreamsAvailable]);
    client.open(1, true);
}

/// Obligations: 17.
#[test]
fn connection_error_names_the_highest_stream_and_lingers_a_second() {
    // RFC 9113 §5.4.1
    let mut server = Raw::server();
    let key = server.open(5, false);
    server.feed(&raw::data(0, b"", false));
    assert!(matches!(server.sent()[..], [Frame::GoAway { last: 5, reason: Reason::PROTOCOL_ERROR, .. }]));
    let events = server.events();
    assert!(
        matches!(events[..], [Event::Reset { stream, .. }, Event::Closed(_)] if stream == key),
        "{events:?}"
    );
    assert!(server.conn.wants_shutdown() && !server.conn.is_closed());
    server.pass(std::time::Duration::from_millis(999));
    assert!(!server.conn.is_closed());
    server.pass(std::time::Duration::from_millis(1));
    assert!(server.conn.is_closed());
    assert_eq!(server.conn.poll_timeout(), None);
    server.conn.release(key);
    assert_eq!((server.conn.active_streams(), server.conn.poll_event()), (0, None));
    assert_eq!(server.conn.poll_timeout(), None);
}

/// Obligations: 17.
#[test]
fn rst_stream_is_never_answered_with_rst_stream() {
    // RFC 9113 §5.4.2
    let mut server = Raw::server();
    server.open(1, false);
    server.feed(&raw::rst(1, Reason::STREAM_CLOSED));
    assert_eq!(server.answers(), []);
    server.ignores(&raw::rst(1, Reason::STREAM_CLOSED));
}

#[test]
fn no_event_follows_a_reset_of_ours() {
    // What was under way when the application gave the stream up is nobody's any more.
    let mut server = Raw::server();
    let key = server.open(1, false);
    let bytes = [raw::data(1, b"abc", false), raw::headers(1, &raw::block(raw::TRAILERS), true)].concat();
    let taken = server.conn.handle_input(server.now, &bytes);
    assert_eq!(taken, bytes.len());
    server.conn.reset(key, Reason::CANCEL);
    assert_eq!(server.events(), []);

    let key = server.open(3, false);
    server.feed(&raw::head(6, raw::DATA, 0, 3));
    server.feed(b"abc");
    server.events();
    server.conn.reset(key, Reason::CANCEL);
    server.feed(b"def");
    assert_eq!(server.events(), []);
    assert_eq!(server.conn.take_data(key).unwrap(), &b"abc"[..]);
    server.conn.release(key);
    server.lives();
}

#[test]
fn no_event_follows_the_last_when_a_stream_ends_amid_a_frame() {
    let mut server = Raw::server();
    let key = server.open(1, false);
    server.feed(&raw::head(6, raw::DATA, 1, 1));
    server.feed(b"abc");
    server.respond(key, true);
    assert_eq!(server.answers().last(), Some(&Frame::Reset(1, Reason::NO_ERROR)));
    assert_eq!(
        server.events(),
        [Event::Data { stream: key, end_stream: false }, Event::Finished { stream: key }]
    );
    server.feed(b"def");
    assert_eq!(server.events(), []);
    assert_eq!(server.conn.take_data(key).unwrap(), &b"abc"[..]);
    server.lives();
}

#[test]
fn commands_on_a_closed_stream_are_misuse_and_change_nothing() {
    let mut server = Raw::server();
    let key = server.open(1, false);
    server.feed(&raw::rst(1, Reason::CANCEL));
    server.events();
    let closed = Err(UseError::StreamClosed);
    for _ in 0..2 {
        assert_eq!(server.conn.send_headers(key, raw::RESPONSE.into_iter().collect(), false), closed);
        assert_eq!(server.conn.send_trailers(key, raw::TRAILERS.into_iter().collect()), closed);
        assert!(server.conn.send_data(key, &[], Bytes::from_static(b"a"), true).is_err());
        server.conn.grant(key, 1);
        server.conn.reset(key, Reason::CANCEL);
        assert_eq!(server.answers(), []);
        server.conn.release(key);
        server.conn.check_invariants();
    }
    assert_eq!(server.events(), []);
}
