//! The four kinds of call, and how they end.

use std::time::Duration;

use bytes::Buf;
use unwired_core::Outbox;
use unwired_core::grpc::client::{self, NewCall};
use unwired_core::grpc::server::{self, Ended};
use unwired_core::grpc::{
    CallLimits, Cardinality, Code, Config, Metadata, Received, SendMessageError, Status,
};

use crate::pair::{Pair, message, new_call};

fn payload(received: Received) -> Vec<u8> {
    match received {
        Received::Message(message) => message.payload.to_vec(),
        other => panic!("no message but {other:?}"),
    }
}

#[test]
pub(crate) fn a_unary_call_crosses_at_any_chunk_size() {
    for chunk in [1, 2, 5, 9, 100, usize::MAX] {
        let mut pair = Pair::new();
        pair.chunk = chunk;
        let mut metadata = Metadata::new();
        metadata.insert("x-a", "1").unwrap();
        metadata.insert_bin("x-bin", [0, 255]).unwrap();
        let (call, served) = pair.call_with(Cardinality::One, &new_call(&metadata));
        let head = pair.server.request(served).unwrap();
        assert_eq!((head.path().service, head.path().method), ("test.Service", "Method"));
        let received = head.take_metadata();
        assert_eq!((received.get("x-a"), received.get_bin("x-bin")), (Some("1"), Some(vec![0, 255])));

        pair.client.send_message(call, message("ping")).unwrap();
        assert!(matches!(pair.server.recv_message(served), Received::Pending));
        pair.client.half_close(call).unwrap();
        pair.settle();
        assert_eq!(pair.server_events.last(), Some(&server::Event::Message { call: served }));
        assert_eq!(payload(pair.server.recv_message(served)), b"ping");
        assert!(matches!(pair.server.recv_message(served), Received::End));

        let mut trailing = Status::OK;
        trailing.metadata_mut().insert("x-t", "2").unwrap();
        pair.server.respond(served, &metadata, message("pong"), &trailing);
        pair.server.release(served);
        pair.settle();
        let events = std::mem::take(&mut pair.client_events);
        assert_eq!(
            events,
            [client::Event::Ready, client::Event::Metadata { call }, client::Event::Done { call }]
        );
        assert_eq!(pair.client.metadata(call).unwrap().get("x-a"), Some("1"));
        assert_eq!(payload(pair.client.recv_message(call)), b"pong");
        let status = pair.client.status(call).unwrap();
        assert_eq!((status.code(), status.metadata().get("x-t")), (Code::Ok, Some("2")));
        pair.client.release(call);
        assert_eq!((pair.client.active_calls(), pair.server.active_calls()), (0, 0));
    }
}

#[test]
pub(crate) fn both_directions_stream_at_once() {
    let mut pair = Pair::new();
    let (call, served) = pair.call(Cardinality::Many, Cardinality::Many);
    for n in 0..10_u8 {
        pair.client.send_message(call, message(vec![n; 3])).unwrap();
        pair.settle();
        assert_eq!(payload(pair.server.recv_message(served)), [n; 3]);
        pair.server.send_message(served, message(vec![n; 2])).unwrap();
        pair.settle();
        assert_eq!(payload(pair.client.recv_message(call)), [n; 2]);
    }
    pair.client.half_close(call).unwrap();
    pair.settle();
    assert!(matches!(pair.server.recv_message(served), Received::End));
    pair.server.finish(served, &Status::not_found("enough"));
    pair.settle();
    assert!(matches!(pair.client.recv_message(call), Received::End));
    assert_eq!(pair.client.status(call).unwrap().to_string(), "NotFound: enough");
    assert_eq!(pair.server_events.last(), Some(&server::Event::Ended { call: served, how: Ended::Finished }));
}

/// Obligations: 53.
#[test]
pub(crate) fn a_deadline_ends_the_call_on_both_sides() {
    let mut pair = Pair::new();
    let metadata = Metadata::new();
    let deadline = Some(pair.now + Duration::from_millis(100));
    let (call, served) = pair.call_with(Cardinality::One, &NewCall { deadline, ..new_call(&metadata) });
    assert_eq!(pair.server.deadline(served), deadline);
    pair.pass(Duration::from_millis(99));
    assert!(pair.client.status(call).is_none());
    pair.pass(Duration::from_millis(1));
    assert_eq!(pair.client.status(call).unwrap().code(), Code::DeadlineExceeded);
    let ended = server::Event::Ended { call: served, how: Ended::DeadlineExceeded };
    assert_eq!(pair.server_events.iter().filter(|&event| *event == ended).count(), 1);
    assert_eq!(pair.server.active_calls(), 1, "the handler may still run");
    pair.server.release(served);
    pair.client.release(call);
    assert_eq!((pair.client.active_calls(), pair.server.active_calls()), (0, 0));
}

#[test]
fn a_server_can_give_a_call_less_time_than_its_client() {
    let metadata = Metadata::new();
    for timeout in [None, Some(Duration::from_millis(100)), Some(Duration::from_millis(10))] {
        let mut pair = Pair::new();
        let deadline = timeout.map(|timeout| pair.now + timeout);
        let (_, served) = pair.call_with(Cardinality::One, &NewCall { deadline, ..new_call(&metadata) });
        let begun = pair.now;
        pair.server.shorten_deadline(served, begun + Duration::from_millis(50));
        pair.server.shorten_deadline(served, begun + Duration::from_millis(60));
        let held = timeout.map_or(50, |timeout| timeout.as_millis().min(50) as u64);
        assert_eq!(pair.server.deadline(served), Some(begun + Duration::from_millis(held)));
        pair.pass(Duration::from_millis(held));
        let ended = server::Event::Ended { call: served, how: Ended::DeadlineExceeded };
        assert_eq!(pair.server_events.iter().filter(|&event| *event == ended).count(), 1);
        pair.server.release(served);
        // The time of the one that there was comes, and means nothing.
        pair.pass(Duration::from_millis(200));
        assert_eq!(pair.server_events.iter().filter(|&event| *event == ended).count(), 1);
    }
}

#[test]
pub(crate) fn a_cancelled_call_is_told_to_the_server() {
    let mut pair = Pair::new();
    let (call, served) = pair.call(Cardinality::Many, Cardinality::One);
    pair.client.cancel(call);
    pair.settle();
    assert_eq!(pair.client.status(call).unwrap().code(), Code::Cancelled);
    assert!(matches!(
        pair.server_events.last(),
        Some(server::Event::Ended { call, how: Ended::Cancelled(_) }) if *call == served
    ));
    assert!(matches!(pair.server.send_message(served, message("late")), Err(SendMessageError::Ended)));
}

#[test]
pub(crate) fn nothing_is_heard_of_a_call_that_was_released_before_its_events_were_taken() {
    let mut pair = Pair::new();
    let (call, served) = pair.call(Cardinality::Many, Cardinality::Many);
    (pair.client_events, pair.server_events) = (Vec::new(), Vec::new());
    pair.client.cancel(call);
    pair.client.release(call);
    pair.server.send_metadata(served, &Metadata::new()).unwrap();
    assert_eq!(pair.client.poll_event(), None);
    let mut out = Outbox::new();
    pair.client.poll_transmit(pair.now, &mut out, 1 << 14);
    let bytes = out.copy_to_bytes(out.len());
    assert_eq!(pair.server.handle_input(pair.now, &bytes), bytes.len());
    pair.server.release(served);
    assert_eq!(pair.server.poll_event(), None);
}

#[test]
pub(crate) fn messages_pass_through_windows_that_are_smaller_than_a_prefix() {
    for window in 1..8 {
        let mut config = Config::server();
        config.http2.initial_window = window;
        config.http2.bdp = false;
        let mut pair = Pair::with(Config::client(), config);
        pair.settle();
        let (call, served) = pair.call(Cardinality::Many, Cardinality::One);
        for n in 0..3 {
            pair.client.send_message(call, message(vec![n; 20])).unwrap();
            assert!(matches!(pair.server.recv_message(served), Received::Pending));
            // Small windows are not used at once: there is time for larger ones.
            pair.pass(Duration::from_secs(5));
            assert_eq!(payload(pair.server.recv_message(served)), [n; 20], "window {window}");
        }
        pair.server.release(served);
        assert_eq!(pair.server.partial_bytes(), 0);
    }
}

#[test]
pub(crate) fn messages_pass_that_began_before_the_client_knew_of_a_smaller_window() {
    for (window, length) in [(1, 20_000), (2, 100_000), (1_000, 70_000), (60_000, 65_530), (1, 65_530)] {
        let mut config = Config::server();
        config.http2.initial_window = window;
        config.http2.bdp = false;
        let mut pair = Pair::with(Config::client(), config);
        let call = pair.client.start(pair.now, &new_call(&Metadata::new())).unwrap();
        pair.client.send_message(call, message(vec![7; length])).unwrap();
        // What the old window allows is on its way, or some of it.
        pair.chunk = 10_000;
        pair.settle();
        let served = pair.served();
        pair.server.accept(served, Cardinality::Many, CallLimits::default());
        for n in 0..3 {
            let mut received = pair.server.recv_message(served);
            if matches!(received, Received::Pending) {
                pair.pass(Duration::from_secs(5));
                received = pair.server.recv_message(served);
            }
            assert_eq!(payload(received), vec![7; length], "message {n}, window {window}");
            pair.client.send_message(call, message(vec![7; length])).unwrap();
        }
    }
}

#[test]
pub(crate) fn ten_mebibytes_pass_when_they_may_and_are_refused_when_not() {
    for allowed in [false, true] {
        let mut pair = Pair::new();
        let (call, served) = pair.call(Cardinality::One, Cardinality::One);
        if allowed {
            let mut limits = unwired_core::grpc::CallLimits::default();
            limits.max_recv_message = Some(16 << 20);
            pair.server.accept(served, Cardinality::One, limits);
        }
        let whole: Vec<u8> = (0..10 << 20).map(|n: u32| (n % 251) as u8).collect();
        pair.client.send_message(call, message(whole.clone())).unwrap();
        pair.client.half_close(call).unwrap();
        pair.settle();
        match pair.server.recv_message(served) {
            Received::Message(message) => assert!(allowed && message.payload == whole),
            Received::Failed(status) => {
                assert!(!allowed && status.code() == Code::ResourceExhausted, "{status}")
            }
            other => panic!("{other:?}"),
        }
        pair.server.release(served);
        assert_eq!(pair.server.partial_bytes(), 0);
    }
}
