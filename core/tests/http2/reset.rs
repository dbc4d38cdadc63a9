//! RFC 9113 §6.4 and §7: RST_STREAM and error codes.

use unwired_core::http2::{Event, Initiator, Reason};

use crate::raw::{self, Raw};

#[test]
fn rst_stream_of_a_wrong_length_ends_the_connection() {
    // RFC 9113 §6.4
    for length in [0, 3, 5] {
        let mut server = Raw::server();
        server.open(1, false);
        server.dies_of(&raw::frame(raw::RST_STREAM, 0, 1, &vec![0; length]), Reason::FRAME_SIZE_ERROR);
    }
}

#[test]
fn rst_stream_without_a_stream_or_on_an_idle_one_ends_the_connection() {
    // RFC 9113 §6.4
    Raw::server().dies_of(&raw::rst(0, Reason::CANCEL), Reason::PROTOCOL_ERROR);
    Raw::server().dies_of(&raw::rst(1, Reason::CANCEL), Reason::PROTOCOL_ERROR);
    Raw::client().dies_of(&raw::rst(1, Reason::CANCEL), Reason::PROTOCOL_ERROR);
}

/// Obligations: 36.
#[test]
fn rst_stream_with_an_unknown_code_is_kept_as_it_is() {
    // RFC 9113 §7
    for code in [0xe, 0xff, 0xdead_beef] {
        let mut client = Raw::client();
        let key = client.open(1, true);
        client.feed(&raw::rst(1, Reason(code)));
        let error = client.reset_event(key);
        assert_eq!((error.reason, error.by, error.unprocessed), (Reason(code), Initiator::Peer, false));
        client.lives();
    }
}

/// Obligations: 41.
#[test]
fn rst_stream_refused_says_that_nothing_was_done() {
    // RFC 9113 §8.7
    let mut client = Raw::client();
    let key = client.open(1, true);
    client.feed(&raw::rst(1, Reason::REFUSED_STREAM));
    assert!(client.reset_event(key).unprocessed);
}

#[test]
fn rst_stream_drops_what_waits_and_comes_ahead_of_others() {
    let mut client = Raw::client();
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
    let key = client.open(1, false);
    client.send(key, 1000, true);
    client.sent();
    assert_eq!(client.conn.stats().buffered_to_send, 1000);
    client.conn.reset(key, Reason::CANCEL);
    assert_eq!(client.conn.stats().buffered_to_send, 0);
    assert_eq!(client.answers(), [raw::Frame::Reset(1, Reason::CANCEL)]);
    client.ignores(&raw::window_update(1, 1000));
    assert!(!client.events().iter().any(|event| matches!(event, Event::Reset { .. })));
}
