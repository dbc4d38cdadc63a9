//! Many calls on one connection: what they may hold, and that nobody waits for a neighbour who does not read.

use std::time::Duration;

use unwired_core::grpc::client::{self, NewCall, StartError};
use unwired_core::grpc::server::Event;
use unwired_core::grpc::{
    CallId, CallLimits, Cardinality, Config, Metadata, Received, SendMessageError, Status,
};

use crate::pair::{Pair, message, new_call};

/// Bytes of the longest message that is accepted by default.
const LONGEST: usize = 4 << 20;
const CALLS: usize = 128;

/// As many calls as the server takes by default.
fn calls(pair: &mut Pair, request: Cardinality, response: Cardinality) -> Vec<(CallId, CallId)> {
    (0..CALLS).map(|_| pair.call(request, response)).collect()
}

/// Threats: G3.
#[test]
pub(crate) fn interleaved_uploads_of_four_mebibytes_all_end() {
    let mut pair = Pair::new();
    let calls = calls(&mut pair, Cardinality::One, Cardinality::One);
    for (n, &(call, _)) in calls.iter().enumerate() {
        // The largest that fits; all of them are under way at once.
        pair.client.send_message(call, message(vec![n as u8; LONGEST])).unwrap();
        pair.client.half_close(call).unwrap();
    }
    let config = Config::server();
    // A message is longer than its payload by its prefix.
    let most = config.partial_message_budget + config.max_recv_message + 5;
    let mut left = CALLS;
    while pair.step() {
        for event in std::mem::take(&mut pair.server_events) {
            let Event::Message { call: served } = event else { continue };
            let n = calls.iter().position(|call| call.1 == served).unwrap();
            let Received::Message(message) = pair.server.recv_message(served) else {
                panic!("it was announced")
            };
            assert!(
                message.payload.len() == LONGEST && message.payload.iter().all(|&octet| octet == n as u8)
            );
            pair.server.respond(served, &Metadata::new(), message, &Status::OK);
            pair.server.release(served);
            left -= 1;
        }
        // What was asked for has been taken.
        assert!(pair.server.partial_bytes() <= most, "{} bytes of credit", pair.server.partial_bytes());
    }
    assert_eq!(left, 0, "uploads that wait for ever");
    assert_eq!(pair.server.partial_bytes(), 0);
    // The answers, as long as the requests, are read in another order than they came.
    for (n, &(call, _)) in calls.iter().enumerate().rev() {
        pair.settle();
        match pair.client.recv_message(call) {
            Received::Message(message) => assert_eq!(message.payload.first(), Some(&(n as u8))),
            other => panic!("{other:?}"),
        }
        pair.client.release(call);
    }
    pair.settle();
    assert_eq!((pair.client.active_calls(), pair.server.active_calls()), (0, 0));
}

#[test]
pub(crate) fn a_call_that_is_read_goes_on_beside_127_that_are_not() {
    let mut pair = Pair::new();
    let calls = calls(&mut pair, Cardinality::Many, Cardinality::Many);
    let (&(call, served), unread) = calls.split_first().unwrap();
    for &(_, served) in unread {
        while pair.server.send_message(served, message(vec![0; LONGEST / 4])).is_ok() {}
    }
    pair.settle();
    // What the unread ones hold is their windows.
    let window = Config::client().http2.initial_window as usize;
    let received: u64 = 128 * window as u64;
    assert!(pair.client.http2().stats().data_received <= received);
    for n in 0..100_u8 {
        pair.server.send_message(served, message(vec![n; 300_000])).unwrap();
        pair.client.send_message(call, message(vec![n; 300_000])).unwrap();
        assert!(matches!(pair.client.recv_message(call), Received::Pending));
        assert!(matches!(pair.server.recv_message(served), Received::Pending));
        pair.settle();
        for received in [pair.client.recv_message(call), pair.server.recv_message(served)] {
            let Received::Message(message) = received else { panic!("{received:?}") };
            assert!(message.payload.len() == 300_000 && message.payload[0] == n);
        }
    }
    // And the others go on as soon as they are read.
    for &(call, _) in unread {
        assert!(matches!(pair.client.recv_message(call), Received::Pending));
        pair.settle();
        assert!(matches!(pair.client.recv_message(call), Received::Message(_)));
        pair.client.release(call);
    }
    pair.client.release(call);
    pair.settle();
    calls.iter().for_each(|&(_, served)| pair.server.release(served));
    assert_eq!((pair.client.active_calls(), pair.server.active_calls()), (0, 0));
    assert_eq!((pair.client.partial_bytes(), pair.server.partial_bytes()), (0, 0));
}

#[test]
pub(crate) fn a_client_that_keeps_the_advertised_number_in_flight_is_never_refused() {
    let mut pair = Pair::new();
    pair.settle();
    let metadata = Metadata::new();
    let mut in_flight: Vec<CallId> = Vec::new();
    for round in 0..50 {
        while !pair.client.is_busy() {
            let call = pair.client.start(pair.now, &new_call(&metadata)).unwrap();
            pair.client.send_message(call, message("ask")).unwrap();
            pair.client.half_close(call).unwrap();
            in_flight.push(call);
        }
        assert_eq!(in_flight.len(), CALLS);
        pair.settle();
        // Another third ends each time, in another order.
        let events = std::mem::take(&mut pair.server_events);
        for event in events {
            if let Event::Call { call } = event {
                pair.server.accept(call, Cardinality::One, CallLimits::default());
                pair.server.respond(call, &metadata, message("answer"), &Status::OK);
                pair.server.release(call);
            }
        }
        pair.settle();
        in_flight.retain(|&call| {
            let over = pair.client.status(call).is_some_and(|status| {
                assert!(status.is_ok(), "round {round}: {status}");
                true
            });
            if over {
                pair.client.release(call);
            }
            !over
        });
    }
    assert_eq!(pair.server.http2().stats().abuse.total(), 0);
}

#[test]
pub(crate) fn who_sends_without_being_read_is_told_to_wait_and_then_to_go_on() {
    let mut pair = Pair::new();
    let (call, served) = pair.call(Cardinality::Many, Cardinality::Many);
    let mut accepted = 0_u32;
    let refused = loop {
        match pair.client.send_message(call, message(accepted.to_be_bytes().repeat(25_000))) {
            Ok(()) => accepted += 1,
            Err(SendMessageError::Full(message)) => break message,
            Err(other) => panic!("{other}"),
        }
        pair.settle();
    };
    assert_eq!(refused.payload.len(), 100_000, "the message comes back");
    let writable = client::Event::Writable { call };
    assert!(!pair.client_events.contains(&writable));
    for n in 0..accepted {
        if matches!(pair.server.recv_message(served), Received::Pending) {
            pair.settle();
        }
        match pair.server.recv_message(served) {
            Received::Message(message) => assert_eq!(message.payload[..4], n.to_be_bytes()),
            other => panic!("{other:?}"),
        }
        pair.settle();
    }
    assert_eq!(pair.client_events.iter().filter(|&event| *event == writable).count(), 1);
    pair.client.send_message(call, refused).unwrap();
}

#[test]
pub(crate) fn calls_over_the_limit_wait_and_are_told_once() {
    let mut config = Config::server();
    config.http2.limits.max_concurrent_streams = 2;
    let mut pair = Pair::with(Config::client(), config);
    pair.settle();
    let (one, served) = pair.call(Cardinality::One, Cardinality::One);
    let (_two, _) = pair.call(Cardinality::One, Cardinality::One);
    let metadata = Metadata::new();
    let third = NewCall { ..new_call(&metadata) };
    for _ in 0..3 {
        let refused = pair.client.start(pair.now, &third).unwrap_err();
        assert!(matches!(refused, StartError::Busy), "{refused}");
    }
    pair.server.finish(served, &Status::not_found("no"));
    pair.server.release(served);
    pair.settle();
    let available = client::Event::CallsAvailable;
    assert_eq!(pair.client_events.iter().filter(|&event| *event == available).count(), 1);
    pair.client.release(one);
    assert!(pair.client.start(pair.now, &third).is_ok());
}

/// Threats: G3.
#[test]
pub(crate) fn who_waits_for_credit_gets_it_when_the_oldest_has_enough() {
    // Prefixes fit into the budget and messages do not: whoever has had the prefix asks again, behind the others.
    for budget in 1..20 {
        let mut config = Config::client();
        config.http2.initial_window = 2;
        config.http2.bdp = false;
        config.partial_message_budget = budget;
        let mut pair = Pair::with(config, Config::server());
        pair.settle();
        let calls: Vec<_> = (0..6).map(|_| pair.call(Cardinality::One, Cardinality::Many)).collect();
        for &(call, served) in &calls {
            assert!(matches!(pair.client.recv_message(call), Received::Pending));
            pair.server.send_message(served, message(vec![7; 300])).unwrap();
            pair.server.finish(served, &Status::OK);
        }
        let mut left = calls.len();
        while left > 0 {
            pair.client_events.clear();
            // Small windows are not used at once.
            pair.pass(Duration::from_secs(1));
            let announced = std::mem::take(&mut pair.client_events);
            assert!(!announced.is_empty(), "{left} calls wait for ever with a budget of {budget}");
            for event in announced {
                let client::Event::Message { call } = event else { continue };
                assert!(matches!(pair.client.recv_message(call), Received::Message(_)));
                assert!(matches!(pair.client.recv_message(call), Received::Pending | Received::End));
                left -= 1;
            }
        }
    }
}
