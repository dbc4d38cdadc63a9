//! RFC 9113 §6.6 and §8.4: push is off.

use unwired_core::http2::{Config, Event, Reason, frame::flag};

use crate::raw::{self, Frame, Raw};

fn promise(stream: u32, promised: u32, block: &[u8]) -> Vec<u8> {
    let payload = [&promised.to_be_bytes()[..], block].concat();
    raw::frame(raw::PUSH_PROMISE, flag::END_HEADERS, stream, &payload)
}

/// A client with a request under way, whose SETTINGS are not acknowledged.
fn client() -> Raw {
    let mut client = Raw::fresh_client(Config::default());
    client.feed(&raw::settings(&[]));
    client.sent();
    client.open(1, true);
    client
}

/// Obligations: 26.
#[test]
fn push_promise_after_the_ack_ends_the_connection() {
    // RFC 9113 §6.6
    let mut client = client();
    client.feed(&raw::settings_ack());
    client.dies_of(&promise(1, 2, &raw::block(raw::REQUEST)), Reason::PROTOCOL_ERROR);
}

/// Obligations: 26.
#[test]
fn push_promise_before_the_ack_is_refused_and_its_block_decoded() {
    // RFC 9113 §8.4
    let mut client = client();
    let entry = [&[0x40, 1][..], b"x", &[1], b"y"].concat();
    client.resets(&promise(1, 2, &[raw::block(raw::REQUEST), entry].concat()), 2, Reason::REFUSED_STREAM);
    // What the server has sent on it by then is let pass.
    client.ignores(&raw::response(2, false));
    client.ignores(&raw::data(2, b"abc", true));
    client.feed(&raw::headers(1, &[raw::block(raw::RESPONSE), vec![0x80 | 62]].concat(), true));
    let [Event::Headers { stream, .. }, Event::Finished { .. }] = client.events()[..] else { panic!() };
    assert_eq!(client.conn.take_fields(stream).unwrap().get(b"x"), Some(&b"y"[..]));
    assert_eq!(client.answers(), [] as [Frame; 0]);
}

#[test]
fn push_promise_of_a_wrong_stream_ends_the_connection() {
    // RFC 9113 §6.6: promised by an idle stream, promising the client's own, none, or one that is not new.
    for wrong in [promise(3, 2, b""), promise(1, 3, b""), promise(1, 1, b""), promise(1, 0, b"")] {
        client().dies_of(&wrong, Reason::PROTOCOL_ERROR);
    }
    let mut client = client();
    client.resets(&promise(1, 4, &raw::block(raw::REQUEST)), 4, Reason::REFUSED_STREAM);
    client.dies_of(&promise(1, 2, b""), Reason::PROTOCOL_ERROR);
}

#[test]
fn push_promise_without_a_stream_or_its_number_ends_the_connection() {
    // RFC 9113 §6.6
    client().dies_of(&promise(0, 2, b""), Reason::PROTOCOL_ERROR);
    let short = raw::frame(raw::PUSH_PROMISE, flag::END_HEADERS, 1, &[0; 3]);
    client().dies_of(&short, Reason::FRAME_SIZE_ERROR);
}

/// H2spec: http2/8.2/1.
/// Obligations: 26.
#[test]
fn push_promise_of_a_client_ends_the_connection() {
    // RFC 9113 §8.4
    let mut server = Raw::server();
    server.open(1, false);
    server.dies_of(&promise(1, 2, &raw::block(raw::REQUEST)), Reason::PROTOCOL_ERROR);
}
