//! RFC 9113 §6.8: GOAWAY both ways, and drain.

use std::time::Duration;

use bytes::Bytes;
use unwired_core::http2::{ConnectionEnd, Event, Initiator, OpenError, Reach, Reason, frame::flag};

use crate::raw::{self, Frame, Raw};

fn fields() -> unwired_core::http2::Fields {
    raw::REQUEST.into_iter().collect()
}

#[test]
fn goaway_of_a_wrong_form_ends_the_connection() {
    // RFC 9113 §6.8
    Raw::server().dies_of(&raw::frame(raw::GOAWAY, 0, 0, &[0; 7]), Reason::FRAME_SIZE_ERROR);
    Raw::server().dies_of(&raw::frame(raw::GOAWAY, 0, 1, &[0; 8]), Reason::PROTOCOL_ERROR);
}

/// Obligations: 28.
#[test]
fn goaway_fails_streams_above_the_last_and_lets_the_others_end() {
    // RFC 9113 §6.8
    let mut client = Raw::client();
    let [first, second, third] = [1, 3, 5].map(|stream| client.open(stream, true));
    let waiting = client.conn.open(fields(), true).unwrap();
    client.feed(&raw::goaway(3, Reason::NO_ERROR, b""));
    let events = client.events();
    assert!(matches!(&events[0], Event::GoAway { reason: Reason::NO_ERROR, .. }), "{events:?}");
    let failed: Vec<_> = events[1..]
        .iter()
        .map(|event| match event {
            Event::Reset { stream, error } => {
                assert_eq!(
                    (error.by, error.reach, error.unprocessed),
                    (Initiator::Peer, Reach::Connection, true)
                );
                *stream
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(failed, [third, waiting]);
    assert!(matches!(client.conn.open(fields(), true), Err(OpenError::GoingAway(_))));
    client.feed(&raw::response(3, true));
    client.feed(&raw::response(1, false));
    client.feed(&raw::data(1, b"all of it", true));
    let events = client.events();
    assert!(
        matches!(&events[..], [
            Event::Headers { stream: a, .. }, Event::Finished { stream: b },
            Event::Headers { stream: c, .. }, Event::Data { stream: d, end_stream: true }, Event::Finished { stream: e },
            Event::Closed(ConnectionEnd { reason: Reason::NO_ERROR, by: Initiator::Peer, .. }),
        ] if (a, b, c, d, e) == (&second, &second, &first, &first, &first)),
        "{events:?}"
    );
}

#[test]
fn goaway_of_an_error_without_streams_left_is_the_end_and_keeps_its_words() {
    // RFC 9113 §6.8
    let mut client = Raw::client();
    let key = client.open(1, true);
    client.feed(&raw::goaway(0, Reason::ENHANCE_YOUR_CALM, b"too_many_pings"));
    let debug = Bytes::from_static(b"too_many_pings");
    let events = client.events();
    let [
        Event::GoAway { reason: Reason::ENHANCE_YOUR_CALM, debug: told },
        Event::Reset { stream, error },
        Event::Closed(end),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((stream, told, &end.debug), (&key, &debug, &debug));
    assert!(error.unprocessed);
    assert_eq!((end.reason, end.by), (Reason::ENHANCE_YOUR_CALM, Initiator::Peer));
}

/// Obligations: 28.
#[test]
fn goaway_may_be_lowered_and_not_raised() {
    // RFC 9113 §6.8
    let mut client = Raw::client();
    let keys = [1, 3, 5].map(|stream| client.open(stream, true));
    for (last, failed) in [(0x7fff_ffff, None), (5, None), (3, Some(keys[2])), (1, Some(keys[1])), (1, None)]
    {
        client.feed(&raw::goaway(last, Reason::NO_ERROR, b""));
        let events = client.events();
        let reset = events.iter().find_map(|event| match event {
            Event::Reset { stream, .. } => Some(*stream),
            _ => None,
        });
        assert_eq!(reset, failed, "{last}");
    }
    client.dies_of(&raw::goaway(3, Reason::NO_ERROR, b""), Reason::PROTOCOL_ERROR);
}

/// H2spec: generic/3.8/1.
/// Obligations: 30.
#[test]
fn goaway_of_the_client_closes_none_of_its_streams() {
    // RFC 9113 §6.8
    let mut server = Raw::server();
    let key = server.open(1, false);
    server.feed(&raw::goaway(0, Reason::NO_ERROR, b""));
    assert!(matches!(server.events()[..], [Event::GoAway { .. }]));
    server.feed(&raw::data(1, b"more", true));
    server.respond(key, true);
    assert!(matches!(server.answers()[..], [Frame::Headers { stream: 1, end: true, .. }]));
    let events = server.events();
    assert!(
        matches!(events[..], [Event::Data { end_stream: true, .. }, Event::Finished { .. }]),
        "{events:?}"
    );
}

/// H2spec: http2/7/1.
/// Obligations: 36.
#[test]
fn goaway_of_the_client_with_an_unknown_code_does_nothing_special() {
    // RFC 9113 §7: who sends an error closes the connection itself; until then it is answered.
    let mut server = Raw::server();
    server.feed(&raw::goaway(0, Reason(0xff), b""));
    assert!(matches!(server.events()[..], [Event::GoAway { reason: Reason(0xff), .. }]));
    server.lives();
    server.conn.handle_eof(server.now);
    assert!(matches!(
        &server.events()[..],
        [Event::Closed(end)] if (end.reason, end.by) == (Reason(0xff), Initiator::Peer)
    ));
}

/// Obligations: 29.
#[test]
fn graceful_drain_is_goaway_ping_goaway_close() {
    // RFC 9113 §6.8
    let mut server = Raw::server();
    let first = server.open(1, false);
    server.conn.drain(server.now, None);
    let sent = server.sent();
    let [Frame::GoAway { last: 0x7fff_ffff, reason: Reason::NO_ERROR, .. }, .., Frame::Ping(ping)] = sent[..]
    else {
        panic!("{sent:?}")
    };
    // A request that races with the first GOAWAY is served.
    let second = server.open(3, true);
    server.feed(&raw::frame(raw::PING, flag::ACK, 0, &ping));
    assert!(matches!(server.answers()[..], [Frame::GoAway { last: 3, reason: Reason::NO_ERROR, .. }]));
    // One that comes after the second is not, and nothing needs to be said of it.
    server.ignores(&raw::request(5, true));
    server.respond(first, true);
    server.respond(second, true);
    assert!(matches!(
        server.answers()[..],
        [
            Frame::Headers { stream: 1, .. },
            Frame::Reset(1, Reason::NO_ERROR),
            Frame::Headers { stream: 3, .. }
        ] | [
            Frame::Headers { stream: 1, .. },
            Frame::Headers { stream: 3, .. },
            Frame::Reset(1, Reason::NO_ERROR)
        ]
    ));
    let events = server.events();
    assert!(
        matches!(
            events[..],
            [
                Event::Finished { .. },
                Event::Finished { .. },
                Event::Closed(ConnectionEnd { reason: Reason::NO_ERROR, by: Initiator::User, .. })
            ]
        ),
        "{events:?}"
    );
    assert!(server.conn.wants_shutdown());
}

/// Obligations: 29.
#[test]
fn graceful_drain_goes_on_after_a_second_without_the_pings_answer() {
    // RFC 9113 §6.8
    let mut server = Raw::server();
    server.open(1, true);
    server.conn.drain(server.now, None);
    server.sent();
    server.pass(Duration::from_millis(999));
    assert_eq!(server.answers(), []);
    server.pass(Duration::from_millis(1));
    assert!(matches!(server.answers()[..], [Frame::GoAway { last: 1, .. }]));
}

/// Obligations: 29.
#[test]
fn graceful_drain_ends_at_the_grace_limit() {
    // RFC 9113 §6.8
    let mut server = Raw::server();
    let key = server.open(1, true);
    server.conn.drain(server.now, Some(Duration::from_secs(5)));
    server.pass(Duration::from_millis(4_999));
    server.events();
    server.lives();
    server.pass(Duration::from_millis(1));
    let events = server.events();
    assert!(
        matches!(events[..], [Event::Reset { stream, error }, Event::Closed(_)]
            if stream == key && error.by == Initiator::User),
        "{events:?}"
    );
}

#[test]
fn graceful_drain_never_raises_what_it_said_last() {
    // RFC 9113 §6.8: also when streams came that were not acted on any more.
    let mut server = Raw::server();
    server.open(1, false);
    server.conn.drain(server.now, None);
    server.pass(Duration::from_secs(1));
    server.ignores(&raw::request(9, true));
    server.feed(&raw::data(0, b"", true));
    assert!(matches!(server.sent()[..], [Frame::GoAway { last: 1, reason: Reason::PROTOCOL_ERROR, .. }]));
}

#[test]
fn graceful_drain_without_streams_closes_at_once() {
    let mut server = Raw::server();
    server.conn.drain(server.now, None);
    let sent = server.sent();
    let Some(Frame::Ping(ping)) = sent.last() else { panic!("{sent:?}") };
    server.feed(&raw::frame(raw::PING, flag::ACK, 0, ping));
    assert!(matches!(server.sent()[..], [Frame::GoAway { last: 0, .. }]));
    assert!(matches!(server.events()[..], [Event::Closed(_)]));

    let mut client = Raw::client();
    client.conn.drain(client.now, None);
    assert!(matches!(client.sent()[..], [Frame::GoAway { last: 0, .. }]));
    assert!(matches!(client.events()[..], [Event::Closed(_)]));
}

#[test]
fn graceful_drain_of_a_client_lets_its_streams_end() {
    let mut client = Raw::client();
    client.open(1, true);
    client.conn.drain(client.now, None);
    assert!(matches!(client.sent()[..], [Frame::GoAway { .. }]));
    assert!(matches!(client.conn.open(fields(), true), Err(OpenError::GoingAway(_))));
    client.feed(&raw::response(1, true));
    let events = client.events();
    assert!(
        matches!(events[..], [Event::Headers { .. }, Event::Finished { .. }, Event::Closed(_)]),
        "{events:?}"
    );
}
