//! Attacks on gRPC: messages and PINGs.

use std::time::Duration;

use bytes::Bytes;
use unwired_core::Instant;
use unwired_core::grpc::server::{Connection, Event};
use unwired_core::grpc::{CallLimits, Cardinality, Config, Received};
use unwired_core::http2;

use crate::bare::{Bare, fields};
use crate::counting;

const HEAD: [(&str, &str); 6] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/test.Service/Method"),
    (":authority", "localhost"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
];

/// Threats: G4.
#[test]
fn empty_messages_are_decoded_when_they_are_asked_for() {
    const MESSAGES: usize = 13_000;
    let grpc = Connection::new(Config::server(), Instant::ZERO);
    let mut bare = Bare::new(grpc, http2::Connection::client(http2::Config::default(), Instant::ZERO));
    let stream = bare.peer.open(fields(&HEAD), false).expect("a stream");
    bare.settle();
    let call = std::iter::from_fn(|| bare.grpc.poll_event())
        .find_map(|event| match event {
            Event::Call { call } => Some(call),
            _ => None,
        })
        .expect("a call");
    bare.grpc.accept(call, Cardinality::Many, CallLimits::default());
    let messages = Bytes::from(vec![0; 5 * MESSAGES]);
    bare.peer.send_data(stream, &[], messages, true).expect("room");
    // The octets, on their way and received, and no message of its own for each five of them.
    let peak = counting::peak(|| bare.settle());
    assert!(peak < 4 * 5 * MESSAGES, "{peak} octets");
    let told = std::iter::from_fn(|| bare.grpc.poll_event()).count();
    assert!(told <= 2, "{told} events");
    let baseline = counting::held();
    for n in 0..MESSAGES {
        let Received::Message(message) = bare.grpc.recv_message(call) else { panic!("message {n}") };
        assert!(message.payload.is_empty());
    }
    assert!(matches!(bare.grpc.recv_message(call), Received::End));
    assert!(counting::held() <= baseline);
    bare.grpc.release(call);
    bare.settle();
    assert_eq!((bare.grpc.active_calls(), bare.grpc.partial_bytes()), (0, 0));
}

/// Threats: G9.
#[test]
fn a_client_is_made_to_ask_no_more_than_every_ten_seconds() {
    let second = Duration::from_secs(1);
    for (asked, kept) in
        [(Duration::ZERO, 10 * second), (second / 1000, 10 * second), (11 * second, 11 * second)]
    {
        let mut config = Config::client();
        config.set_client_keepalive(asked, second, true);
        assert_eq!(config.http2.keepalive.map(|keepalive| keepalive.interval), Some(kept));
    }
}
