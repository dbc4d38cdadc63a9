//! What a call holds that is open and does nothing. Nobody attacks: it is what a server pays for each of its guests.

use std::time::Duration;

use bytes::Bytes;
use unwired_core::grpc::server::{Connection, Event};
use unwired_core::grpc::{CallLimits, Cardinality, Config, Message, Metadata, Received};
use unwired_core::{Instant, Outbox};

use crate::{counting, raw};

const CALLS: u32 = 100;
/// What each may hold, octets: its place among the streams and among the calls, which are both made for a power of two of
/// them, and in the table of numbers.
const MOST: usize = 480;

fn feed(server: &mut Connection, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[server.handle_input(Instant::ZERO, rest)..];
    }
}

fn transmit(server: &mut Connection) {
    while server.poll_transmit(Instant::ZERO, &mut Outbox::new(), 1 << 20) {}
}

#[test]
fn an_idle_call_holds_its_places_and_nothing_else() {
    let mut server = Connection::new(Config::server(), Instant::ZERO);
    feed(&mut server, raw::PREFACE);
    // Our SETTINGS leave before they are acknowledged.
    transmit(&mut server);
    feed(&mut server, &[raw::settings(&[]), raw::settings_ack()].concat());
    transmit(&mut server);
    while server.poll_event().is_some() {}
    let before = counting::held();

    let own =
        [("te", "trailers"), ("content-type", "application/grpc"), ("user-agent", "test"), ("x-id", "17")];
    let head = raw::block(raw::REQUEST.into_iter().chain(own));
    let message = [&[0, 0, 0, 0, 200][..], &[7; 200]].concat();
    let burst: Vec<u8> = (0..CALLS)
        .flat_map(|n| [raw::headers(2 * n + 1, &head, false), raw::data(2 * n + 1, &message, false)].concat())
        .collect();
    let (mut rest, mut calls) = (&burst[..], Vec::with_capacity(CALLS as usize));
    while !rest.is_empty() {
        rest = &rest[server.handle_input(Instant::ZERO, rest)..];
        while let Some(event) = server.poll_event() {
            if let Event::Call { call } = event {
                server.accept(call, Cardinality::Many, CallLimits::default());
                calls.push(call);
            }
        }
    }
    assert_eq!(calls.len(), CALLS as usize);
    // All of them at a time, as it comes.
    let metadata: Vec<Metadata> = calls.iter().map(|&call| server.take_metadata(call)).collect();
    assert!(metadata.iter().all(|metadata| metadata.get("x-id") == Some("17")));
    drop(metadata);
    for &call in &calls {
        let Received::Message(message) = server.recv_message(call) else { panic!("a message has come") };
        assert_eq!(message.payload.len(), 200);
        assert!(matches!(server.recv_message(call), Received::Pending));
        server.send_metadata(call, &Metadata::new()).expect("nothing was sent");
        server.send_message(call, Message::plain(Bytes::from_static(&[7; 200]))).expect("there is room");
    }
    transmit(&mut server);
    drop(burst);
    server.handle_timeout(Instant::ZERO + Duration::from_secs(2));

    assert_eq!(server.active_calls(), CALLS as usize);
    let held = counting::held() - before - (size_of_val(&calls[..]) as isize);
    let each = usize::try_from(held).unwrap_or(0) / CALLS as usize;
    assert!(each > 0 && each <= MOST, "{each} octets for each call");
}
