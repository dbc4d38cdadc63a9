//! What the fuzzers found, each as the shortest story that shows it.

use std::time::Duration;

use bytes::{Buf, Bytes};
use unwired_core::grpc::{self, Cardinality, Message, SendMessageError};
use unwired_core::http2::frame::{FrameHead, HEAD_LEN, Kind, flag};
use unwired_core::http2::{Config, Connection, Event, Fields, OpenError, Reason, StreamId, hpack};
use unwired_core::{Instant, Outbox};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let stream = StreamId::from_wire(stream.to_be_bytes());
    let head = FrameHead { length: payload.len() as u32, kind, flags, stream };
    [&head.octets(), payload].concat()
}

/// What a client sends that begins with `frames`.
fn after_preface(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE, &frame(Kind::Settings, 0, 0, &[]), &frames.concat()].concat()
}

/// A server that has sent nothing yet and got `frames` after preface and SETTINGS, and its events.
fn server_with(config: Config, frames: &[Vec<u8>]) -> (Connection, Vec<Event>) {
    let mut server = Connection::server(config, Instant::ZERO);
    let input = after_preface(frames);
    assert_eq!(server.handle_input(Instant::ZERO, &input), input.len());
    let events = std::iter::from_fn(|| server.poll_event()).collect();
    (server, events)
}

fn server(frames: &[Vec<u8>]) -> (Connection, Vec<Event>) {
    server_with(Config::default(), frames)
}

fn request(stream: u32) -> Vec<u8> {
    let head = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/a.B/C"),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("grpc-timeout", "10m"),
    ];
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

/// The limit that a server has not told yet is taken for none, and what it refuses by hundreds for an attack.
#[test]
fn before_the_servers_settings_a_client_opens_no_more_than_a_hundred_streams() {
    let mut client = Connection::client(Config::default(), Instant::ZERO);
    let head = || [(":method", "GET"), (":scheme", "http"), (":path", "/")].into_iter().collect();
    for _ in 0..100 {
        client.open(head(), true).unwrap();
    }
    assert!(matches!(client.open(head(), true), Err(OpenError::Busy(_))));
    client.handle_input(Instant::ZERO, &frame(Kind::Settings, 0, 0, &[]));
    assert_eq!(client.poll_event(), Some(Event::Settings));
    assert_eq!(client.poll_event(), Some(Event::StreamsAvailable));
    client.open(head(), true).unwrap();
}

/// The refusal of a stream was forgotten when the connection had drained, though GOAWAY names a higher stream as the
/// last: the client waited for an answer, and could not know that it may ask elsewhere.
#[test]
fn a_refusal_leaves_before_a_drained_connection_ends() {
    let mut config = Config::default();
    config.limits.max_concurrent_streams = 1;
    let (mut server, events) = server_with(config, &[request(1), request(3)]);
    let [Event::Settings, Event::Headers { stream, .. }] = events[..] else { panic!("{events:?}") };
    server.drain(Instant::ZERO, None);
    server.release(stream);
    assert!(matches!(server.poll_event(), Some(Event::Closed(_))));
    let mut out = Outbox::new();
    server.poll_transmit(Instant::ZERO, &mut out, usize::MAX);
    let length = out.remaining();
    let mut sent = &out.copy_to_bytes(length)[..];
    let mut refused = Vec::new();
    while let Some((head, rest)) = sent.split_first_chunk::<HEAD_LEN>() {
        let head = FrameHead::parse(head);
        let (payload, rest) = rest.split_at(head.length as usize);
        sent = rest;
        if head.kind == Kind::ResetStream && payload == Reason::REFUSED_STREAM.0.to_be_bytes() {
            refused.push(head.stream.get());
        }
    }
    assert_eq!(refused, [3]);
}

/// The deadline of a call drops what is queued, which made room, which was told after the call's last event.
#[test]
fn no_room_is_told_of_after_the_deadline() {
    let mut server = grpc::server::Connection::new(grpc::Config::server(), Instant::ZERO);
    server.handle_input(Instant::ZERO, &after_preface(&[request(1)]));
    let events: Vec<_> = std::iter::from_fn(|| server.poll_event()).collect();
    let Some(&grpc::server::Event::Call { call }) = events.last() else { panic!("{events:?}") };
    server.accept(call, Cardinality::Many, grpc::CallLimits::default());
    let message = Message::plain(Bytes::from_static(&[0; 50_000]));
    while !matches!(server.send_message(call, message.clone()), Err(SendMessageError::Full(_))) {}
    let late = Instant::ZERO + Duration::from_secs(1);
    server.handle_timeout(late);
    server.poll_transmit(late, &mut Outbox::new(), usize::MAX);
    let how = grpc::server::Ended::DeadlineExceeded;
    assert_eq!(server.poll_event(), Some(grpc::server::Event::Ended { call, how }));
    assert_eq!(server.poll_event(), None);
}
