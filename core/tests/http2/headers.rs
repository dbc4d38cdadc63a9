//! RFC 9113 §6.2 and §6.10: HEADERS and CONTINUATION.

use unwired_core::http2::{Event, Reason, frame::flag};

use crate::raw::{self, Raw};

#[test]
fn headers_without_a_stream_end_the_connection() {
    // RFC 9113 §6.2
    Raw::server().dies_of(&raw::request(0, true), Reason::PROTOCOL_ERROR);
    Raw::client().dies_of(&raw::response(0, true), Reason::PROTOCOL_ERROR);
}

/// Obligations: 20.
#[test]
fn headers_padding_and_priority_are_subtracted_with_care() {
    // RFC 9113 §6.2
    let block = raw::block(raw::REQUEST);
    for pad in [0u8, 1, 17, 255] {
        let mut server = Raw::server();
        let payload = [&[pad, 0, 0, 0, 3, 7][..], &block, &vec![0; usize::from(pad)]].concat();
        let flags = flag::END_HEADERS | flag::PADDED | flag::PRIORITY;
        server.feed(&raw::frame(raw::HEADERS, flags, 1, &payload));
        assert!(matches!(server.events()[..], [Event::Headers { .. }]), "pad {pad}");
        server.lives();
    }
    for (flags, payload, reason) in [
        (flag::PADDED, &[][..], Reason::FRAME_SIZE_ERROR),
        (flag::PRIORITY, &[0; 4], Reason::FRAME_SIZE_ERROR),
        (flag::PADDED | flag::PRIORITY, &[0; 5], Reason::FRAME_SIZE_ERROR),
        (flag::PADDED, &[1], Reason::PROTOCOL_ERROR),
        (flag::PADDED, &[200, 0, 0], Reason::PROTOCOL_ERROR),
        (flag::PADDED | flag::PRIORITY, &[1, 0, 0, 0, 3, 0], Reason::PROTOCOL_ERROR),
    ] {
        let frame = raw::frame(raw::HEADERS, flag::END_HEADERS | flags, 1, payload);
        Raw::server().dies_of(&frame, reason);
    }
}

#[test]
fn continuation_out_of_place_ends_the_connection() {
    // RFC 9113 §6.10
    let continuation = |stream| raw::frame(raw::CONTINUATION, flag::END_HEADERS, stream, b"");
    for stream in [0, 1, 2] {
        Raw::server().dies_of(&continuation(stream), Reason::PROTOCOL_ERROR);
    }
    // After END_HEADERS.
    let mut server = Raw::server();
    server.open(1, false);
    server.dies_of(&continuation(1), Reason::PROTOCOL_ERROR);
    // Of another stream, and anything but CONTINUATION.
    for wrong in [
        continuation(3),
        continuation(0),
        raw::ping([0; 8]),
        raw::settings(&[]),
        raw::data(1, b"a", true),
        raw::window_update(0, 1),
        raw::request(3, true),
    ] {
        let mut server = Raw::server();
        server.feed(&raw::frame(raw::HEADERS, 0, 1, &raw::block(raw::REQUEST)));
        server.dies_of(&wrong, Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn continuation_joins_a_block_cut_anywhere() {
    // RFC 9113 §4.3 and §6.10
    let block = raw::block(raw::REQUEST);
    for cut in 0..=block.len() {
        let mut server = Raw::server();
        server.feed(&raw::frame(raw::HEADERS, 0, 1, &block[..cut]));
        assert_eq!(server.events(), []);
        server.feed(&raw::frame(raw::CONTINUATION, flag::END_HEADERS, 1, &block[cut..]));
        let [Event::Headers { stream, .. }] = server.events()[..] else { panic!("cut at {cut}") };
        assert_eq!(server.conn.take_fields(stream), Some(raw::REQUEST.into_iter().collect()));
    }
}

/// Obligations: 35.
#[test]
fn continuation_ends_the_block_before_end_stream_counts() {
    // RFC 9113 §6.10: END_STREAM is on HEADERS, and the stream half-closes when the block is whole.
    let mut server = Raw::server();
    let key = server.open(1, false);
    let block = raw::block(raw::TRAILERS);
    server.feed(&raw::frame(raw::HEADERS, flag::END_STREAM, 1, &block));
    assert!(server.conn.is_receiving(key));
    assert_eq!(server.events(), []);
    server.feed(&raw::frame(raw::CONTINUATION, flag::END_HEADERS, 1, b""));
    assert!(!server.conn.is_receiving(key));
    assert_eq!(server.events(), [Event::Trailers { stream: key }]);
}

#[test]
fn continuation_carries_what_our_peers_frames_are_too_small_for() {
    // RFC 9113 §4.3
    let mut client = Raw::client();
    let value = "v".repeat(50_000);
    let fields = raw::REQUEST.into_iter().chain([("x-long", &*value)]).collect();
    client.conn.open(fields, true).unwrap();
    let [raw::Frame::Headers { stream: 1, fields, end: true }] = &client.answers()[..] else { panic!() };
    assert_eq!(fields.get(b"x-long"), Some(value.as_bytes()));
}
