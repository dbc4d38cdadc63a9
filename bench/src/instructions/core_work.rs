//! The core alone, through its seam: bytes in, events, commands, bytes out.

use bytes::Bytes;
use core::time::Duration;

use unwired_core::grpc::client::{self, NewCall};
use unwired_core::grpc::{
    CallLimits, Cardinality, Config, Message, Metadata, Received, SendMessageError, Status, server,
};
use unwired_core::{Instant, Outbox};

use super::{IN_FLIGHT, MESSAGES};
use crate::wire::answers::{Answers, Replaying, streamed_payload};
use crate::wire::requests::{Calls, REQUEST, Requests, single};
use crate::wire::{PREFACE, SETTINGS_ACK, UNBOUNDED};

/// From one round to the next.
const ROUND: Duration = Duration::from_micros(100);
const BUDGET: usize = 64 << 10;

/// Answers the first `rounds` rounds of `requests`.
#[inline(never)]
pub(super) fn serve(requests: &[Vec<u8>], rounds: usize) {
    let mut now = Instant::ZERO;
    let mut conn = server::Connection::new(Config::server(), now);
    let mut out = Outbox::new();
    let mut answered = 0;
    for round in requests.iter().take(1 + rounds) {
        now += ROUND;
        answered += answer(&mut conn, now, round, &mut out);
    }
    assert_eq!(answered, rounds * IN_FLIGHT, "every call is answered");
}

/// Gives the connection what has come, and answers each greeting whose message is there; calls of other methods stay open.
/// Says how many were answered.
fn answer(conn: &mut server::Connection, now: Instant, input: &[u8], out: &mut Outbox) -> usize {
    let reply = Bytes::from_static(b"\x0a\x0bHello, you!");
    let mut answered = 0;
    let mut rest = input;
    let mut stuck = 0;
    while !rest.is_empty() && stuck < 2 {
        let taken = conn.handle_input(now, rest);
        stuck = if taken == 0 { stuck + 1 } else { 0 };
        rest = rest.get(taken..).unwrap_or_default();
        while let Some(event) = conn.poll_event() {
            match event {
                server::Event::Call { call } => {
                    let is_greeting = conn.request(call).is_some_and(|head| head.names().1 == b"SayHello");
                    let request = if is_greeting { Cardinality::One } else { Cardinality::Many };
                    conn.accept(call, request, CallLimits::default());
                }
                server::Event::Message { call } => {
                    let metadata = conn.take_metadata(call);
                    if let Received::Message(_) = conn.recv_message(call) {
                        conn.respond(call, &Metadata::new(), Message::plain(reply.clone()), &Status::OK);
                        answered += 1;
                    }
                    conn.release(call);
                    conn.recycle_metadata(metadata);
                }
                _ => {}
            }
        }
        conn.poll_transmit(now, out, BUDGET);
        out.clear();
        conn.handle_sent(now, 0);
    }
    answered
}

/// What there is of on a server's machine.
#[derive(Clone, Copy)]
pub(super) struct Crowd {
    pub(super) connections: usize,
    /// Calls that stay open on each of them.
    pub(super) open: usize,
}

/// Answers greetings on all connections in turn, one with each read: [`ONE_BY_ONE`] of them in a round.
#[inline(never)]
pub(super) fn serve_among(crowd: Crowd, rounds: usize) {
    let mut now = Instant::ZERO;
    let mut out = Outbox::new();
    let (held, greetings) = (Requests::held(b"/helloworld.Greeter/Hold"), Requests::new(Calls::Plain, 2));
    let mut input = Vec::new();
    let begin = |_| {
        let mut conn = server::Connection::new(Config::server(), now);
        answer(&mut conn, now, &[PREFACE, UNBOUNDED].concat(), &mut out);
        input.clear();
        input.extend(SETTINGS_ACK);
        for nth in 0..crowd.open {
            held.write(nth, &mut input);
        }
        // What comes the first time, and the second, costs more than it does ever after.
        for nth in crowd.open..crowd.open + WARM {
            greetings.write(nth, &mut input);
        }
        assert_eq!(answer(&mut conn, now, &input, &mut out), WARM);
        (conn, crowd.open + WARM)
    };
    let mut connections: Vec<_> = (0..crowd.connections).map(begin).collect();
    // One after the other, but not those that lie one behind the other.
    let stride = connections.len() / 7 + 1;
    let mut at = 0;
    for _ in 0..rounds * ONE_BY_ONE {
        now += ROUND;
        at = (at + stride) % connections.len();
        let (conn, next) = &mut connections[at];
        input.clear();
        greetings.write(*next, &mut input);
        *next += 1;
        assert_eq!(answer(conn, now, &input, &mut out), 1, "every call is answered");
    }
}

/// Greetings of a round of [`serve_among`].
pub(super) const ONE_BY_ONE: usize = 100;
/// Greetings of a connection before those that are counted.
const WARM: usize = 3;

/// Sends so many rounds of messages on one call.
#[inline(never)]
pub(super) fn send_stream(rounds: usize) {
    let mut now = Instant::ZERO;
    let mut conn = server::Connection::new(Config::server(), now);
    let mut out = Outbox::new();
    conn.handle_input(now, &single(b"/helloworld.Greeter/SayHello"));
    let mut calls = core::iter::from_fn(|| conn.poll_event());
    let call = calls.find_map(|event| match event {
        server::Event::Call { call } => Some(call),
        _ => None,
    });
    let call = call.expect("a call has come");
    conn.accept(call, Cardinality::One, CallLimits::default());
    let message = Bytes::from(streamed_payload());
    for _ in 0..rounds {
        now += ROUND;
        for _ in 0..MESSAGES {
            let sent = conn.send_message(call, Message::plain(message.clone()));
            assert!(sent.is_ok(), "there is room");
        }
        while conn.poll_transmit(now, &mut out, BUDGET) {
            out.clear();
        }
        assert!(out.len() <= BUDGET);
        out.clear();
        conn.handle_sent(now, 0);
        while conn.poll_event().is_some() {}
    }
}

/// Makes so many rounds of calls.
#[inline(never)]
pub(super) fn call(calls: Calls, rounds: usize) {
    let mut now = Instant::ZERO;
    let mut conn = client::Connection::new(Config::client(), now);
    let mut server = Replaying::new(Answers::Greetings);
    let (mut out, mut answers) = (Outbox::new(), Vec::new());
    let message = Bytes::from_static(REQUEST);
    let (mut ended, mut number) = (0, 0);
    for _ in 0..rounds {
        now += ROUND;
        for _ in 0..IN_FLIGHT {
            let mut metadata = Metadata::new();
            let mut deadline = None;
            if calls == Calls::Varied {
                number += 1;
                deadline = Some(now + Duration::from_micros(4_900_000 + number * 7));
                let id = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let set = [("x-tenant", "acme-production"), ("x-client-version", "4.17.1")]
                    .into_iter()
                    .chain([("x-request-id", &id[..])])
                    .try_for_each(|(name, value)| metadata.insert(name, value));
                assert!(set.is_ok());
            }
            let call = NewCall { deadline, ..new_call(&metadata) };
            let call = conn.start(now, &call).expect("a call can be started");
            let sent: Result<(), SendMessageError> = conn.send_message(call, Message::plain(message.clone()));
            assert!(sent.is_ok() && conn.half_close(call).is_ok());
        }
        while conn.poll_transmit(now, &mut out, BUDGET) {
            exchange(&mut out, &mut server);
        }
        exchange(&mut out, &mut server);
        conn.handle_sent(now, 0);
        server.write(&mut answers);
        let mut rest = &answers[..];
        while !rest.is_empty() {
            let taken = conn.handle_input(now, rest);
            rest = rest.get(taken..).unwrap_or_default();
            while let Some(event) = conn.poll_event() {
                if let client::Event::Done { call } = event {
                    let received = conn.recv_message(call);
                    let ok = conn.status(call).is_some_and(Status::is_ok);
                    ended += usize::from(ok && matches!(received, Received::Message(_)));
                    conn.release(call);
                }
            }
        }
        answers.clear();
    }
    assert_eq!(ended, rounds * IN_FLIGHT, "every call ends well");
}

/// Receives so many rounds of messages on one call.
#[inline(never)]
pub(super) fn receive_stream(rounds: usize) {
    let mut now = Instant::ZERO;
    let mut conn = client::Connection::new(Config::client(), now);
    let mut server = Replaying::new(Answers::Stream(usize::MAX));
    let (mut out, mut answers) = (Outbox::new(), Vec::new());
    let metadata = Metadata::new();
    let call = NewCall { response: Cardinality::Many, ..new_call(&metadata) };
    let call = conn.start(now, &call).expect("a call can be started");
    assert!(conn.half_close(call).is_ok());
    let mut received = 0;
    while received < rounds * MESSAGES {
        now += ROUND;
        conn.poll_transmit(now, &mut out, BUDGET);
        exchange(&mut out, &mut server);
        conn.handle_sent(now, 0);
        assert!(server.has_output(), "the window lets messages come");
        server.write(&mut answers);
        let mut rest = &answers[..];
        while !rest.is_empty() {
            let taken = conn.handle_input(now, rest);
            rest = rest.get(taken..).unwrap_or_default();
            while conn.poll_event().is_some() {}
            while let Received::Message(_) = conn.recv_message(call) {
                received += 1;
            }
        }
        answers.clear();
    }
}

fn new_call(metadata: &Metadata) -> NewCall<'_> {
    NewCall {
        user_agent: "unwired/0.1.0",
        ..NewCall::new("localhost:50051", "/helloworld.Greeter/SayHello", metadata)
    }
}

/// What the connection sends goes to the server.
fn exchange(out: &mut Outbox, server: &mut Replaying) {
    use bytes::Buf;
    while out.has_remaining() {
        let chunk = out.chunk();
        server.read(chunk);
        let length = chunk.len();
        out.advance(length);
    }
}
