//! RFC 9113 §4: frames, their sizes, and the compression state.

use unwired_core::http2::{Event, Reason, frame::flag};

use crate::raw::{self, Frame, Raw};

#[test]
fn reserved_bit_and_undefined_flags_are_ignored() {
    // RFC 9113 §4.1
    let mut server = Raw::server();
    let block = raw::block(raw::REQUEST);
    server.feed(&raw::frame(raw::HEADERS, flag::END_HEADERS | 0xc2, 1 | 1 << 31, &block));
    assert!(matches!(server.events()[..], [Event::Headers { end_stream: false, .. }]));
    server.feed(&raw::frame(raw::DATA, 0xf6, 1 | 1 << 31, b"abc"));
    assert!(matches!(server.events()[..], [Event::Data { end_stream: false, .. }]));
    server.feed(&raw::frame(raw::PING, 0xfe, 1 << 31, &[3; 8]));
    assert_eq!(server.answers(), [Frame::PingAck([3; 8])]);
    // RFC 9113 §6.9: the bit in front of an increment is reserved as well.
    server.ignores(&raw::window_update(0, 1 << 31 | 5));
    server.lives();
}

/// Threats: F11.
/// Obligations: 3.
#[test]
fn unknown_frame_types_are_skipped_without_buffering() {
    // RFC 9113 §4.1 and §5.5
    let mut server = Raw::server();
    for (kind, stream) in [(0x0a, 0), (0x0b, 1), (0xff, 7)] {
        server.ignores(&raw::frame(kind, 0xff, stream, &[0xaa; 16 << 10]));
    }
    let before = server.conn.capacity();
    server.feed(&raw::head(16 << 10, 0xbb, 0, 0));
    server.feed(&[0; 10 << 10]);
    assert_eq!(server.conn.capacity(), before);
    server.feed(&[0; 6 << 10]);
    server.lives();
}

/// H2spec: http2/5.5/2.
/// Obligations: 3.
#[test]
fn unknown_frame_inside_a_field_block_ends_the_connection() {
    // RFC 9113 §5.5 and §6.10
    let mut server = Raw::server();
    server.feed(&raw::frame(raw::HEADERS, 0, 1, &raw::block(raw::REQUEST)));
    server.dies_of(&raw::frame(0xbb, 0, 1, b""), Reason::PROTOCOL_ERROR);
}

/// Obligations: 4.
#[test]
fn oversized_frame_is_judged_by_its_head_alone() {
    // RFC 9113 §4.2: an error of the connection where it carries a field block, SETTINGS or the connection's state.
    const TOO_LONG: usize = (16 << 10) + 1;
    for (kind, stream) in [
        (raw::HEADERS, 1),
        (raw::SETTINGS, 0),
        (raw::PING, 0),
        (raw::GOAWAY, 0),
        (raw::DATA, 0),
        (raw::WINDOW_UPDATE, 0),
        (0xee, 0),
    ] {
        let mut server = Raw::server();
        server.dies_of(&raw::head(TOO_LONG, kind, 0, stream), Reason::FRAME_SIZE_ERROR);
    }
    let mut server = Raw::server();
    server.feed(&raw::frame(raw::HEADERS, 0, 1, &raw::block(raw::REQUEST)));
    server.dies_of(&raw::head(TOO_LONG, raw::CONTINUATION, 0, 1), Reason::FRAME_SIZE_ERROR);
    let mut client = Raw::client();
    client.open(1, true);
    client.dies_of(&raw::head(TOO_LONG, raw::PUSH_PROMISE, 0, 1), Reason::FRAME_SIZE_ERROR);
}

/// Obligations: 4.
#[test]
fn oversized_data_ends_its_stream_and_its_payload_is_skipped() {
    // RFC 9113 §4.2
    const TOO_LONG: usize = (16 << 10) + 1;
    let mut server = Raw::server();
    let key = server.open(1, false);
    server.feed(&raw::head(TOO_LONG, raw::DATA, 0, 1));
    assert_eq!(server.answers(), [Frame::Reset(1, Reason::FRAME_SIZE_ERROR)]);
    assert_eq!(server.reset_event(key).reason, Reason::FRAME_SIZE_ERROR);
    server.feed(&[0; TOO_LONG]);
    server.lives();
    // RFC 9113 §5.4.2: never RST_STREAM for an idle stream.
    server.dies_of(&raw::head(TOO_LONG, raw::DATA, 0, 9), Reason::PROTOCOL_ERROR);
}

#[test]
fn largest_frame_that_was_offered_is_taken() {
    // RFC 9113 §4.2
    for size in [16 << 10, 20_000] {
        let mut server = Raw::server_with(raw::config(|config| config.max_frame_size = size));
        let key = server.open(1, false);
        server.feed(&raw::data(1, &vec![7; size as usize], false));
        assert_eq!(server.conn.take_data(key).unwrap().len(), size as usize);
        server.lives();
    }
}

/// A block that puts `name: value` into the table.
fn indexing(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0x40, name.len() as u8];
    block.extend(name.as_bytes());
    block.push(value.len() as u8);
    block.extend(value.as_bytes());
    block
}

/// Threats: H6.
/// Obligations: 5.
#[test]
fn field_block_on_a_refused_stream_is_still_decoded() {
    // RFC 9113 §4.3
    let mut server = Raw::server_with(raw::config(|config| config.limits.max_concurrent_streams = 1));
    server.open(1, false);
    let entry = indexing("x-later", "needed");
    server.resets(
        &raw::headers(3, &[raw::block(raw::REQUEST), entry].concat(), true),
        3,
        Reason::REFUSED_STREAM,
    );
    // Trailers on the first stream use what the refused block put into the table.
    server.feed(&raw::headers(1, &[0x80 | 62], true));
    let Some(Event::Trailers { stream }) = server.events().pop() else { panic!() };
    server.conn.take_fields(stream);
    let fields = server.conn.take_fields(stream).unwrap();
    assert_eq!(fields.get(b"x-later"), Some(&b"needed"[..]));
}

/// Threats: H6.
/// Obligations: 5.
#[test]
fn field_block_on_a_reset_stream_is_still_decoded() {
    // RFC 9113 §4.3
    let mut server = Raw::server();
    let key = server.open(1, false);
    server.open(3, false);
    server.conn.reset(key, Reason::CANCEL);
    server.ignores(&raw::headers(1, &indexing("x-later", "needed"), true));
    server.feed(&raw::headers(3, &[0x80 | 62], true));
    assert!(matches!(server.events()[..], [Event::Trailers { .. }]));
}

/// Threats: H6.
/// Obligations: 5.
#[test]
fn field_block_that_cannot_be_decoded_ends_the_connection_on_any_stream() {
    // RFC 9113 §4.3
    const BROKEN: [u8; 1] = [0xff];
    let mut server = Raw::server();
    server.dies_of(&raw::headers(1, &BROKEN, true), Reason::COMPRESSION_ERROR);

    let mut server = Raw::server();
    let key = server.open(1, false);
    server.conn.reset(key, Reason::CANCEL);
    server.sent();
    server.dies_of(&raw::headers(1, &BROKEN, true), Reason::COMPRESSION_ERROR);

    let mut server = Raw::server_with(raw::config(|config| config.limits.max_concurrent_streams = 0));
    server.dies_of(&raw::headers(1, &[0x80 | 70], true), Reason::COMPRESSION_ERROR);

    let mut client = Raw::client();
    client.open(1, true);
    client.dies_of(&raw::headers(1, &[0x80], true), Reason::COMPRESSION_ERROR);
}

/// Obligations: 6.
#[test]
fn first_block_after_our_smaller_table_must_signal_it() {
    // RFC 9113 §4.3.1
    let small = || raw::config(|config| config.limits.decoder_table_size = 100);
    let mut server = Raw::server_with(small());
    server.dies_of(&raw::request(1, true), Reason::COMPRESSION_ERROR);

    let mut server = Raw::server_with(small());
    // RFC 7541 §6.3: 100 is 31 in the prefix and 69 more.
    let block = [vec![0x3f, 69], raw::block(raw::REQUEST)].concat();
    server.feed(&raw::headers(1, &block, true));
    assert!(matches!(server.events()[..], [Event::Headers { .. }]));
}
