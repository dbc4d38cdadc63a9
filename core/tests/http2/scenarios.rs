//! Whole days of work for a connection: many streams, small buffers, readers that do not read.

use std::time::Duration;

use bytes::Bytes;
use unwired_core::http2::{Config, Event, OpenError, Reason, StreamKey};

use crate::pair::{Pair, request, response, send, trailers};
use crate::raw::{self, Frame, Raw};
use crate::sim::{CLIENT, Call, SERVER, Sim, octets, take};

#[test]
fn full_duplex_on_128_streams_through_tiny_socket_buffers() {
    const STREAMS: usize = 128;
    const EACH: u64 = 20_000;
    let mut sim = Sim::new(Config::default());
    for _ in 0..STREAMS {
        let key = sim.ends[CLIENT].conn.open(request(), false).unwrap();
        sim.ends[CLIENT].calls.push(Call::new(key, true, false));
    }
    let mut rounds = 0;
    loop {
        rounds += 1;
        assert!(rounds < 100_000, "no progress");
        let mut going = false;
        for side in [CLIENT, SERVER] {
            // Sockets take and give a prime number of bytes.
            sim.transmit(side, 1_500);
            sim.write(side, 1_009);
            sim.deliver(side, 1_499);
            let end = &mut sim.ends[side];
            for call in end.calls.iter_mut().filter(|call| !call.over) {
                going = true;
                if !call.answered {
                    end.conn.send_headers(call.key, response(), false).unwrap();
                    call.answered = true;
                }
                take(&mut end.conn, call);
                if !call.ended {
                    let piece = Bytes::from(octets(call.accepted, 777.min(EACH - call.accepted) as usize));
                    let ends = call.accepted + piece.len() as u64 == EACH;
                    if ends && side == SERVER && !call.complete {
                        // An answer that ends first would cut the request off.
                        continue;
                    }
                    match end.conn.send_data(call.key, &[], piece.clone(), ends) {
                        Ok(()) => {
                            call.accepted += piece.len() as u64;
                            call.ended = ends;
                        }
                        Err(_) => call.wants_room = true,
                    }
                }
            }
        }
        if !going {
            break;
        }
    }
    for side in [CLIENT, SERVER] {
        assert_eq!(sim.ends[side].calls.len(), STREAMS);
        assert_eq!(sim.ends[side].conn.stats().data_sent, EACH * STREAMS as u64);
    }
    sim.finish();
}

/// Streams that a server heard of since the last look.
fn requests(pair: &mut Pair) -> Vec<StreamKey> {
    let heard = pair.server.heard().into_iter();
    heard
        .filter_map(|event| match event {
            Event::Headers { stream, .. } => Some(stream),
            _ => None,
        })
        .collect()
}

#[test]
fn client_that_keeps_exactly_the_advertised_number_in_flight_is_never_refused() {
    const CALLS: usize = 10_000;
    let mut pair = Pair::new();
    pair.settle();
    let (mut opened, mut done) = (0, 0);
    let mut pending = Vec::new();
    while done < CALLS {
        while opened < CALLS {
            match pair.client.conn.open(request(), opened % 3 > 0) {
                Ok(_) => opened += 1,
                Err(OpenError::Busy(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(opened - done <= 128);
        pair.settle();
        pending.extend(requests(&mut pair));
        // Half of them are answered, the newest first; some before their request has ended.
        for served in pending.split_off(pending.len() / 2) {
            pair.server.conn.send_headers(served, response(), false).unwrap();
            pair.server.conn.send_trailers(served, trailers()).unwrap();
            pair.server.conn.release(served);
        }
        pair.settle();
        for event in pair.client.heard() {
            match event {
                Event::Finished { stream } => {
                    done += 1;
                    pair.client.conn.release(stream);
                }
                Event::Reset { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
    }
    let stats = pair.server.conn.stats();
    assert_eq!((stats.streams_refused, stats.streams_reset, stats.abuse.total()), (0, 0, 0));
}

/// Threats: R4.
#[test]
fn open_and_reset_without_end_keeps_nothing() {
    const CYCLES: u32 = 50_000;
    let mut pair = Pair::new();
    pair.settle();
    let mut most = 0;
    for _ in 0..CYCLES {
        let key = pair.client.conn.open(request(), false).unwrap();
        pair.settle();
        pair.client.conn.reset(key, Reason::CANCEL);
        pair.client.conn.release(key);
        pair.settle();
        for event in pair.server.heard() {
            if let Event::Reset { stream, .. } = event {
                pair.server.conn.release(stream);
            }
        }
        pair.client.events.clear();
        assert_eq!((pair.client.conn.active_streams(), pair.server.conn.active_streams()), (0, 0));
        most = most.max(pair.client.conn.capacity()).max(pair.server.conn.capacity());
        // 500 cancels a second are in good faith.
        pair.now += Duration::from_millis(2);
    }
    assert!(most < 64 << 10, "{most} bytes at most");
    assert_eq!(pair.server.conn.stats().streams_reset, u64::from(CYCLES));
    assert_eq!(pair.server.conn.stats().kills.total(), 0);
    pair.pass(Duration::from_secs(3));
    assert!(pair.client.conn.capacity() + pair.server.conn.capacity() < 16 << 10);
}

/// Threats: G12.
#[test]
fn cancelled_before_it_is_sent_leaves_no_trace() {
    let mut client = Raw::client();
    for n in 0..1_000 {
        let key = client.conn.open(raw::REQUEST.into_iter().collect(), false).unwrap();
        client.send(key, 1_000, n % 2 == 0);
        match n % 3 {
            0 => client.conn.reset(key, Reason::CANCEL),
            1 => client.conn.release(key),
            _ => {
                client.conn.reset(key, Reason::INTERNAL_ERROR);
                client.conn.release(key);
            }
        }
        assert!(!client.conn.wants_transmit());
        client.conn.release(key);
    }
    assert_eq!((client.sent(), client.events()), (vec![], vec![]));
    assert_eq!((client.conn.active_streams(), client.conn.stats().buffered_to_send), (0, 0));
    let key = client.conn.open(raw::REQUEST.into_iter().collect(), true).unwrap();
    assert!(matches!(client.sent()[..], [Frame::Headers { stream: 1, .. }]));
    assert_eq!(client.conn.stream_id(key).map(|id| id.get()), Some(1));
}

#[test]
fn readers_that_do_not_read_hold_up_nobody_else() {
    // 127 calls fill their windows and are not read; one goes on.
    let mut pair = Pair::new();
    pair.settle();
    let calls: Vec<_> = (0..128).map(|_| pair.client.conn.open(request(), false).unwrap()).collect();
    pair.settle();
    let served = requests(&mut pair);
    let mut rest = vec![Bytes::from(vec![1; 200_000]); 128];
    for _ in 0..10 {
        for (&call, rest) in calls.iter().zip(&mut rest) {
            send(&mut pair.client.conn, call, rest, false);
        }
        pair.settle();
    }
    for &stream in &served {
        assert_eq!(pair.server.conn.data_len(stream), Some(64 << 10));
    }
    let (call, stream) = (calls[77], served[77]);
    let mut received = 0;
    let mut rest = Bytes::from(vec![2; 5 << 20]);
    while received < 5 << 20 {
        received += pair.server.take_data(stream).len();
        send(&mut pair.client.conn, call, &mut rest, false);
        pair.settle();
    }
    assert_eq!(pair.server.conn.data_len(served[0]), Some(64 << 10));
}

#[test]
fn one_stream_after_another_gets_its_turn() {
    // Neither the first nor the largest has the connection for itself.
    let mut client = Raw::client();
    client.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 1 << 20)]));
    client.feed(&raw::window_update(0, 1 << 20));
    let keys = [1, 3, 5, 7].map(|stream| client.open(stream, false));
    client.sent();
    for key in keys {
        client.send(key, 64 << 10, true);
    }
    let turns: Vec<u32> = client
        .sent()
        .into_iter()
        .filter_map(|frame| match frame {
            Frame::Data { stream, .. } => Some(stream),
            _ => None,
        })
        .collect();
    assert_eq!(turns, [1, 3, 5, 7].repeat(4));
}
