//! RFC 9113 §5.3 and §6.3: priority is deprecated, read and ignored.

use unwired_core::http2::{Event, Reason, frame::flag};

use crate::raw::{self, Raw};

/// Threats: F9.
/// Obligations: 16.
#[test]
fn priority_is_ignored_and_makes_no_stream() {
    // RFC 9113 §5.3
    let mut server = Raw::server();
    let before = server.conn.capacity();
    for stream in 1..50 {
        server.feed(&raw::priority(stream, stream + 1));
        server.feed(&raw::priority(stream + 1, stream));
    }
    assert_eq!(server.conn.capacity(), before);
    assert_eq!(server.events(), []);
    server.open(1, true);
}

/// Threats: R2.
/// H2spec: http2/5.3.1/1, http2/5.3.1/2.
/// Obligations: 16.
#[test]
fn priority_self_dependency_ends_the_connection() {
    // RFC 9113 §5.3.1 of RFC 7540 made it an error of the stream; there is nothing to answer stream by stream.
    Raw::server().dies_of(&raw::priority(1, 1), Reason::PROTOCOL_ERROR);
    Raw::server().dies_of(&raw::priority(1, 1 << 31 | 1), Reason::PROTOCOL_ERROR);
    let payload = [&[0, 0, 0, 1, 16][..], &raw::block(raw::REQUEST)].concat();
    let frame = raw::frame(raw::HEADERS, flag::END_HEADERS | flag::PRIORITY, 1, &payload);
    Raw::server().dies_of(&frame, Reason::PROTOCOL_ERROR);
}

/// Threats: R2.
#[test]
fn priority_of_a_wrong_length_ends_the_connection() {
    // RFC 9113 §6.3: an error of the stream there; of the connection here, so that it is no way to make us reset.
    for length in [0, 4, 6] {
        Raw::server().dies_of(&raw::frame(raw::PRIORITY, 0, 1, &vec![0; length]), Reason::FRAME_SIZE_ERROR);
    }
}

#[test]
fn priority_without_a_stream_ends_the_connection() {
    // RFC 9113 §6.3
    Raw::server().dies_of(&raw::priority(0, 1), Reason::PROTOCOL_ERROR);
}

#[test]
fn priority_inside_headers_is_skipped() {
    // RFC 9113 §6.2
    let mut server = Raw::server();
    let payload = [&[0x80, 0, 0, 3, 255][..], &raw::block(raw::REQUEST)].concat();
    server.feed(&raw::frame(raw::HEADERS, flag::END_HEADERS | flag::PRIORITY, 1, &payload));
    assert!(matches!(server.events()[..], [Event::Headers { .. }]));
}
