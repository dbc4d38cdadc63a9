//! RFC 9113 §6.7: PING.

use unwired_core::http2::{Abuse, Reason, frame::flag};

use crate::raw::{self, Frame, Raw};

#[test]
fn ping_of_a_wrong_length_ends_the_connection() {
    // RFC 9113 §6.7
    for length in [0, 7, 9] {
        for flags in [0, flag::ACK] {
            let frame = raw::frame(raw::PING, flags, 0, &vec![0; length]);
            Raw::server().dies_of(&frame, Reason::FRAME_SIZE_ERROR);
        }
    }
}

#[test]
fn ping_on_a_stream_ends_the_connection() {
    // RFC 9113 §6.7
    Raw::server().dies_of(&raw::frame(raw::PING, 0, 1, &[0; 8]), Reason::PROTOCOL_ERROR);
}

/// Obligations: 27.
#[test]
fn ping_is_answered_with_its_octets_ahead_of_data() {
    // RFC 9113 §6.7
    let mut server = Raw::server();
    let key = server.open(1, true);
    server.respond(key, false);
    server.send(key, 1000, true);
    server.feed(&raw::ping(*b"12345678"));
    server.feed(&raw::ping(*b"abcdefgh"));
    let answers = server.answers();
    assert!(
        matches!(&answers[..], [Frame::PingAck(first), Frame::PingAck(second), ..] if first == b"12345678" && second == b"abcdefgh"),
        "{answers:?}"
    );
}

#[test]
fn ping_ack_is_never_answered_and_an_unknown_one_is_a_glitch() {
    // RFC 9113 §6.7
    let mut server = Raw::server();
    server.ignores(&raw::frame(raw::PING, flag::ACK, 0, b"whatever"));
    server.ignores(&raw::frame(raw::PING, flag::ACK, 0, b"unw\x01\0\0\0\x01"));
    assert_eq!(server.conn.stats().abuse.get(Abuse::Glitches), 2);
}
