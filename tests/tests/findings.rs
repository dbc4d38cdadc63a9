//! What the fuzzers found, each as the shortest story that shows it.

use std::time::Duration;

use unwired_core::http2::frame::{FrameHead, Kind, flag};
use unwired_core::http2::{Config, Connection, Event, Fields, Reason, StreamId, hpack};
use unwired_core::{Instant, Outbox};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let stream = StreamId::from_wire(stream.to_be_bytes());
    let head = FrameHead { length: payload.len() as u32, kind, flags, stream };
    [&head.octets(), payload].concat()
}

/// A server that has sent nothing yet and got `frames` after preface and SETTINGS, and its events.
fn server(frames: &[Vec<u8>]) -> (Connection, Vec<Event>) {
    let mut server = Connection::server(Config::default(), Instant::ZERO);
    let input = [PREFACE, &frame(Kind::Settings, 0, 0, &[]), &frames.concat()].concat();
    assert_eq!(server.handle_input(Instant::ZERO, &input), input.len());
    let events = std::iter::from_fn(|| server.poll_event()).collect();
    (server, events)
}

fn request(stream: u32) -> Vec<u8> {
    let head = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "localhost")];
    let head: Fields = head.into_iter().collect();
    let mut block = Vec::new();
    hpack::Encoder::new(0).encode(&head, &mut block);
    frame(Kind::Headers, flag::END_HEADERS, stream, &block)
}

/// Stream numbers nearly used up make a server drain: before its SETTINGS had left, that ended the connection under the
/// very request that came, which was told of after the end.
#[test]
fn a_high_stream_before_our_settings_is_served_before_the_connection_ends() {
    let (mut server, events) = server(&[request(0x7e00_0003)]);
    let [Event::Settings, Event::Headers { stream, .. }] = events[..] else { panic!("{events:?}") };
    server.reset(stream, Reason::CANCEL);
    server.release(stream);
    server.poll_transmit(Instant::ZERO, &mut Outbox::new(), usize::MAX);
    assert!(matches!(server.poll_event(), Some(Event::Closed(_))));
}

/// A stream that the peer had reset was released after the connection had closed, which set timers anew.
#[test]
fn a_closed_connection_waits_for_nothing_whatever_is_released() {
    let reset = frame(Kind::ResetStream, 0, 1, &Reason::CANCEL.0.to_be_bytes());
    let (mut server, events) = server(&[request(1), reset]);
    let [Event::Settings, Event::Headers { stream, .. }, Event::Reset { .. }] = events[..] else {
        panic!("{events:?}")
    };
    server.close(Instant::ZERO, Reason::NO_ERROR, "");
    let mut now = Instant::ZERO;
    while !server.is_closed() {
        now += Duration::from_secs(1);
        server.handle_timeout(now);
    }
    server.release(stream);
    assert_eq!(server.poll_timeout(), None);
}
