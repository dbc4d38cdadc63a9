//! Messages that go out and come in together: what they are, when they leave, and what is left of them when a call ends.

use std::time::Duration;

use bytes::Bytes;
use unwired_core::grpc::{
    Batch, BatchBuilder, Cardinality, Code, Config, Message, Received, SendMessageError, Status, client,
    server,
};

use crate::pair::{Pair, message};

const LONG_AFTER: Duration = Duration::from_secs(1);

fn batch(payloads: impl IntoIterator<Item = Vec<u8>>) -> Batch {
    let mut builder = BatchBuilder::new(usize::MAX);
    for payload in payloads {
        let put = builder.put(false, |out| {
            out.extend_from_slice(&payload);
            Ok(())
        });
        put.unwrap();
    }
    builder.take()
}

/// So many messages, of which each says which it is and is a little longer than the one before.
fn numbered(messages: u8) -> Vec<Vec<u8>> {
    (0..messages).map(|n| vec![n; usize::from(n) + 1]).collect()
}

fn payloads(batch: Batch) -> Vec<Vec<u8>> {
    batch.map(|message| message.payload.to_vec()).collect()
}

/// A pair whose streams may have `window` octets under way.
fn pair(window: u32) -> Pair {
    let with = |mut config: Config| {
        config.http2.initial_window = window;
        config.http2.bdp = false;
        config
    };
    let mut pair = Pair::with(with(Config::client()), with(Config::server()));
    pair.settle();
    pair
}

#[test]
fn batches_arrive_whole_whatever_the_windows_are() {
    for window in [5, 64, 1000, 65_535] {
        let mut pair = pair(window);
        let (call, served) = pair.call(Cardinality::Many, Cardinality::Many);
        pair.client.send_messages(call, batch(numbered(30))).unwrap();
        pair.client.half_close(call).unwrap();
        pair.server.send_messages(served, batch(numbered(40))).unwrap();
        pair.server.finish(served, &Status::OK);
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for _ in 0..2_000 {
            pair.pass(Duration::from_millis(100));
            while let Received::Message(batch) = pair.server.recv_messages(served) {
                up.extend(payloads(batch));
            }
            while let Received::Message(batch) = pair.client.recv_messages(call) {
                down.extend(payloads(batch));
            }
            if down.len() == 40 {
                break;
            }
        }
        assert_eq!(down, numbered(40), "a window of {window}");
        // A server that has answered wants no more of the request.
        assert_eq!(up, numbered(30)[..up.len()], "a window of {window}");
    }
}

#[test]
fn what_is_there_is_taken_at_once_and_its_credit_returns_with_the_next() {
    let mut pair = pair(1000);
    let (call, served) = pair.call(Cardinality::One, Cardinality::Many);
    pair.server.send_messages(served, batch(vec![vec![1; 95]; 20])).unwrap();
    pair.pass(LONG_AFTER);
    let Received::Message(first) = pair.client.recv_messages(call) else { panic!("messages are there") };
    assert_eq!((first.len(), payloads(first).len()), (500, 5), "half a window");
    pair.pass(LONG_AFTER);
    let waits = pair.server.stats().http2.buffered_to_send;
    assert_eq!(waits, 1000, "nothing more comes for what may still be read");
    let Received::Message(second) = pair.client.recv_messages(call) else { panic!("messages are there") };
    assert_eq!(payloads(second).len(), 5);
    pair.pass(LONG_AFTER);
    assert_eq!(pair.server.stats().http2.buffered_to_send, waits - 500);
}

#[test]
fn one_message_longer_than_half_a_window_is_taken_alone() {
    let mut pair = pair(1000);
    let (call, served) = pair.call(Cardinality::One, Cardinality::Many);
    pair.server.send_messages(served, batch([vec![1; 3000], vec![2; 10]])).unwrap();
    let mut taken = Vec::new();
    for _ in 0..20 {
        pair.pass(LONG_AFTER);
        while let Received::Message(batch) = pair.client.recv_messages(call) {
            taken.push(payloads(batch));
        }
    }
    assert_eq!(taken, [[vec![1; 3000]], [vec![2; 10]]]);
}

/// Threats: G5.
#[test]
fn messages_before_one_that_is_no_message_are_had() {
    let mut pair = pair(65_535);
    let (call, served) = pair.call(Cardinality::One, Cardinality::Many);
    pair.server.send_messages(served, batch(numbered(3))).unwrap();
    // Compressed, on a call that has no encoding.
    pair.server
        .send_message(served, Message { compressed: true, payload: Bytes::from_static(b"?") })
        .unwrap();
    pair.server.send_messages(served, batch(numbered(2))).unwrap();
    pair.pass(LONG_AFTER);
    let Received::Message(good) = pair.client.recv_messages(call) else { panic!("messages are there") };
    assert_eq!(payloads(good), numbered(3));
    let Received::Failed(status) = pair.client.recv_messages(call) else { panic!("it is no message") };
    assert_eq!(status.code(), Code::Internal);
    assert!(matches!(pair.client.recv_messages(call), Received::End));
}

#[test]
fn a_batch_with_one_message_over_the_limit_is_not_sent() {
    let mut pair = pair(65_535);
    let (call, _) = pair.call(Cardinality::Many, Cardinality::Many);
    let limit = pair.client.max_send_message(call);
    let refused =
        pair.client.send_messages(call, batch([vec![1], vec![0; limit.saturating_add(1).min(1 << 26)]]));
    match refused {
        Err(SendMessageError::TooLong(status)) => assert_eq!(status.code(), Code::ResourceExhausted),
        // There is no limit but what a prefix can say.
        other => assert!(limit > 1 << 26 && other.is_ok(), "{other:?}"),
    }
}

#[test]
fn a_batch_comes_back_whole_where_there_is_no_room() {
    let mut pair = pair(65_535);
    let (call, served) = pair.call(Cardinality::One, Cardinality::Many);
    let sent = vec![vec![7; 1000]; 40];
    let back = loop {
        match pair.server.send_messages(served, batch(sent.clone())) {
            Ok(()) => {}
            Err(SendMessageError::Full(back)) => break back,
            Err(error) => panic!("{error:?}"),
        }
    };
    assert_eq!(payloads(back), sent);
    assert!(matches!(pair.client.recv_messages(call), Received::Pending));
    for _ in 0..10 {
        pair.pass(LONG_AFTER);
        while let Received::Message(_) = pair.client.recv_messages(call) {}
    }
    assert!(pair.server_events.contains(&server::Event::Writable { call: served }));
}

/// Of a batch that was encoded up to the end of one of its messages, the peer misses nothing that it has begun to get.
#[test]
fn a_deadline_cuts_a_batch_between_two_messages_or_resets() {
    // Each message takes ten octets.
    for (window, code) in [(20, Code::DeadlineExceeded), (30, Code::DeadlineExceeded), (25, Code::Cancelled)]
    {
        let mut pair = pair(window);
        let begun = pair.now;
        let (call, served) = pair.call(Cardinality::One, Cardinality::Many);
        pair.server.shorten_deadline(served, begun + Duration::from_secs(10));
        pair.server.send_messages(served, batch(vec![vec![1; 5]; 9])).unwrap();
        pair.pass(Duration::from_secs(1));
        pair.pass(Duration::from_secs(10));
        let done = client::Event::Done { call };
        assert!(pair.client_events.contains(&done), "a window of {window}");
        let status = pair.client.status(call).expect("it is over").code();
        assert_eq!(status, code, "a window of {window}");
        let mut had = Vec::new();
        while let Received::Message(batch) = pair.client.recv_messages(call) {
            had.extend(payloads(batch));
        }
        assert_eq!(had, vec![vec![1; 5]; window as usize / 10], "a window of {window}");
    }
}

#[test]
fn one_message_and_a_batch_are_the_same_on_the_wire() {
    let mut pair = pair(65_535);
    let (call, served) = pair.call(Cardinality::One, Cardinality::Many);
    pair.server.send_message(served, message("one")).unwrap();
    pair.server.send_messages(served, message("two").into()).unwrap();
    pair.server.send_messages(served, Batch::default()).unwrap();
    pair.server.send_messages(served, batch([b"three".to_vec()])).unwrap();
    pair.pass(LONG_AFTER);
    let Received::Message(all) = pair.client.recv_messages(call) else { panic!("messages are there") };
    assert_eq!(payloads(all), [&b"one"[..], b"two", b"three"]);
}
