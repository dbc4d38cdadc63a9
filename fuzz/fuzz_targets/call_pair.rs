//! A client and a server of gRPC, joined by two pipes, and applications that do anything in any order.
//!
//! Messages come whole, in order and once; each call's last event comes once at either end; neither end takes the other
//! for hostile; and when both applications only read and end what they have, every call ends without time passing and
//! nothing is left of it.
//!
//! Input: operations of one octet each, what to do in the upper half and with which call or how much in the lower.

#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use unwired_core::grpc::client::{self, NewCall, StartError};
use unwired_core::grpc::{
    CallId, CallLimits, Cardinality, Config, Encoding, Message, Metadata, Received, SendMessageError, Status,
    server,
};
use unwired_core::http2::{ConnectionEnd, Reason};
use unwired_core::{Instant, Outbox};

/// Calls that the server takes at a time.
const MOST_CALLS: u32 = 6;
/// Lengths of payloads, behind the eight octets that number them.
const LENGTHS: [usize; 8] = [0, 1, 100, 1_000, 16_366, 20_000, 70_000, 300_000];
/// Rounds in which everything has to end.
const ROUNDS: usize = 5_000;
/// Time that passes at most: short of the timers that blame a peer.
const MOST_TIME: Duration = Duration::from_secs(4);

fuzz_target!(|operations: &[u8]| {
    let mut pair = Pair::new();
    for &operation in operations {
        pair.act(operation >> 4, usize::from(operation & 0xf));
    }
    pair.settle();
});

/// What one end knows of a call.
struct Call {
    id: CallId,
    number: u32,
    /// Its answer is one message, rather than any number.
    unary: bool,
    sent: u32,
    received: u32,
    /// The application has ended its side.
    ended: bool,
    /// Its last event was seen.
    over: bool,
}

impl Call {
    fn new(id: CallId, number: u32, unary: bool) -> Self {
        Self { id, number, unary, sent: 0, received: 0, ended: false, over: false }
    }

    fn next_message(&self, length: usize) -> Message {
        let mut payload = BytesMut::with_capacity(8 + length);
        payload.extend_from_slice(&self.number.to_be_bytes());
        payload.extend_from_slice(&self.sent.to_be_bytes());
        payload.resize(8 + length, self.sent as u8);
        Message::plain(payload.freeze())
    }

    fn check(&mut self, message: &Message) {
        let Message { compressed: false, payload } = message else { panic!("compressed") };
        let (head, body) = payload.split_at(8);
        assert_eq!(
            head,
            [self.number.to_be_bytes(), self.received.to_be_bytes()].concat(),
            "another message's turn"
        );
        assert!(
            LENGTHS.contains(&body.len()) && body.iter().all(|&octet| octet == self.received as u8),
            "torn"
        );
        self.received += 1;
    }

    fn note_sent(&mut self, outcome: Result<(), SendMessageError>) {
        match outcome {
            Ok(()) => self.sent += 1,
            Err(SendMessageError::Full(_) | SendMessageError::Ended) => {}
            Err(SendMessageError::TooLong(status)) => panic!("{status}"),
        }
    }
}

/// By number, which is the order of their starts.
type Calls = BTreeMap<u32, Call>;

fn pick(calls: &mut Calls, how: usize) -> Option<&mut Call> {
    let nth = how % calls.len().max(1);
    calls.values_mut().nth(nth)
}

fn by_id(calls: &mut Calls, id: CallId) -> &mut Call {
    calls.values_mut().find(|call| call.id == id).expect("an event of a call that was released")
}

struct Client {
    connection: client::Connection,
    calls: Calls,
    starts: u32,
    busy: bool,
    closed: bool,
}

impl Client {
    fn start(&mut self, now: Instant, unary: bool, how: usize) {
        // Before it knows the limit a client may be refused; more often than the limit allows is an offence.
        if !self.connection.is_ready() && self.starts >= 2 * MOST_CALLS {
            return;
        }
        let path = format!("/{}/{}", if unary { "one" } else { "many" }, self.starts);
        let call = NewCall {
            scheme: "http",
            authority: "localhost",
            path: &path,
            user_agent: "",
            metadata: &Metadata::new(),
            deadline: (how % 4 == 3).then(|| now + Duration::from_millis(how as u64)),
            response: if unary { Cardinality::One } else { Cardinality::Many },
            encoding: Encoding::Identity,
            limits: CallLimits::default(),
        };
        match self.connection.start(now, &call) {
            Ok(id) => {
                self.calls.insert(self.starts, Call::new(id, self.starts, unary));
                self.starts += 1;
            }
            Err(StartError::Busy) => self.busy = true,
            Err(StartError::GoingAway) => {}
            Err(StartError::Failed(status)) => panic!("{status}"),
        }
    }

    fn send(&mut self, how: usize) {
        let Some(call) = pick(&mut self.calls, how) else { return };
        if !call.ended {
            let message = call.next_message(LENGTHS[how % LENGTHS.len()]);
            call.note_sent(self.connection.send_message(call.id, message));
        }
    }

    fn half_close(&mut self, how: usize) {
        let Some(call) = pick(&mut self.calls, how) else { return };
        call.ended = true;
        let _ = self.connection.half_close(call.id);
    }

    /// Takes a message; answers whether there was one.
    fn receive(connection: &mut client::Connection, call: &mut Call) -> bool {
        match connection.recv_message(call.id) {
            Received::Message(message) => call.check(&message),
            Received::Pending | Received::End | Received::Failed(_) => return false,
        }
        true
    }

    fn release(&mut self, how: usize) {
        let Some(number) = pick(&mut self.calls, how).map(|call| call.number) else { return };
        if let Some(call) = self.calls.remove(&number) {
            self.connection.release(call.id);
        }
    }

    fn take_events(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.connection.poll_event() {
            moved = true;
            assert!(!self.closed, "{event:?} after the last event");
            match event {
                client::Event::Metadata { call } => {
                    assert!(!by_id(&mut self.calls, call).over, "metadata after the last event");
                    assert!(self.connection.metadata(call).is_some());
                }
                client::Event::Message { call } | client::Event::Writable { call } => {
                    assert!(!by_id(&mut self.calls, call).over, "{event:?} after the last event");
                }
                client::Event::Done { call } => {
                    let known = by_id(&mut self.calls, call);
                    assert!(!std::mem::replace(&mut known.over, true), "a second last event");
                    assert!(self.connection.status(call).is_some(), "done without a status");
                }
                client::Event::CallsAvailable => self.busy = false,
                client::Event::Closed(end) => {
                    expect_peace(&end);
                    assert!(self.calls.values().all(|call| call.over), "closed before its calls");
                    self.closed = true;
                }
                _ => {}
            }
        }
        moved
    }

    /// Ends and reads whatever there is; answers whether a call went away.
    fn wind_up(&mut self) -> bool {
        let before = self.calls.len();
        for call in self.calls.values_mut() {
            while Self::receive(&mut self.connection, call) {}
            if !std::mem::replace(&mut call.ended, true) {
                let _ = self.connection.half_close(call.id);
            }
        }
        self.calls.retain(|_, call| {
            if call.over {
                self.connection.release(call.id);
            }
            !call.over
        });
        self.calls.len() < before
    }
}

struct Server {
    connection: server::Connection,
    calls: Calls,
    closed: bool,
}

impl Server {
    fn accept(&mut self, id: CallId) {
        let head = self.connection.request(id).expect("announced");
        let path = head.path();
        let unary = path.service == "one";
        let number = path.method.parse().expect("our client's");
        self.connection.accept(id, Cardinality::Many, CallLimits::default());
        self.calls.insert(number, Call::new(id, number, unary));
    }

    fn send(&mut self, how: usize) {
        let Some(call) = pick(&mut self.calls, how) else { return };
        let message = call.next_message(LENGTHS[how % LENGTHS.len()]);
        if call.ended {
            return;
        }
        if call.unary {
            call.ended = true;
            self.connection.respond(call.id, &Metadata::new(), message, &Status::ok(""));
        } else {
            call.note_sent(self.connection.send_message(call.id, message));
        }
    }

    fn send_metadata(&mut self, how: usize) {
        if let Some(call) = pick(&mut self.calls, how) {
            let _ = self.connection.send_metadata(call.id, &Metadata::new());
        }
    }

    fn finish(&mut self, how: usize) {
        let Some(call) = pick(&mut self.calls, how) else { return };
        call.ended = true;
        self.connection.finish(call.id, &Status::aborted("by the application"));
    }

    /// Takes a message; answers whether there was one.
    fn receive(connection: &mut server::Connection, call: &mut Call) -> bool {
        match connection.recv_message(call.id) {
            Received::Message(message) => call.check(&message),
            Received::Pending | Received::End => return false,
            Received::Failed(status) => {
                call.ended = true;
                connection.finish(call.id, &status);
                return false;
            }
        }
        true
    }

    fn release(&mut self, how: usize) {
        let Some(number) = pick(&mut self.calls, how).map(|call| call.number) else { return };
        if let Some(call) = self.calls.remove(&number) {
            self.connection.release(call.id);
        }
    }

    fn take_events(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.connection.poll_event() {
            moved = true;
            assert!(!self.closed, "{event:?} after the last event");
            match event {
                server::Event::Call { call } => self.accept(call),
                server::Event::Message { call } | server::Event::Writable { call } => {
                    assert!(!by_id(&mut self.calls, call).over, "{event:?} after the last event");
                }
                server::Event::Ended { call, .. } => {
                    let known = by_id(&mut self.calls, call);
                    assert!(!std::mem::replace(&mut known.over, true), "a second last event");
                }
                server::Event::Closed(end) => {
                    expect_peace(&end);
                    assert!(self.calls.values().all(|call| call.over), "closed before its calls");
                    self.closed = true;
                }
                _ => {}
            }
        }
        moved
    }

    /// Ends and reads whatever there is; answers whether a call went away.
    fn wind_up(&mut self) -> bool {
        let before = self.calls.len();
        for call in self.calls.values_mut() {
            while Self::receive(&mut self.connection, call) {}
            if !std::mem::replace(&mut call.ended, true) {
                self.connection.finish(call.id, &Status::ok(""));
            }
        }
        self.calls.retain(|_, call| {
            if call.over {
                self.connection.release(call.id);
            }
            !call.over
        });
        self.calls.len() < before
    }
}

struct Pair {
    now: Instant,
    client: Client,
    server: Server,
    up: BytesMut,
    down: BytesMut,
}

impl Pair {
    fn new() -> Self {
        let mut config = Config::server();
        config.http2.limits.max_concurrent_streams = MOST_CALLS;
        config.partial_message_budget = 200_000;
        let connection = client::Connection::new(Config::client(), Instant::ZERO);
        let client = Client { connection, calls: Calls::new(), starts: 0, busy: false, closed: false };
        let connection = server::Connection::new(config, Instant::ZERO);
        let server = Server { connection, calls: Calls::new(), closed: false };
        Self { now: Instant::ZERO, client, server, up: BytesMut::new(), down: BytesMut::new() }
    }

    fn act(&mut self, what: u8, how: usize) {
        match what {
            0 | 1 => self.client.start(self.now, what == 1, how),
            2 | 3 => self.client.send(how),
            4 => self.client.half_close(how),
            5 => {
                if let Some(call) = pick(&mut self.client.calls, how) {
                    Client::receive(&mut self.client.connection, call);
                }
            }
            6 => {
                if let Some(call) = pick(&mut self.client.calls, how) {
                    self.client.connection.cancel(call.id);
                }
            }
            7 => self.client.release(how),
            8 => {
                if let Some(call) = pick(&mut self.server.calls, how) {
                    Server::receive(&mut self.server.connection, call);
                }
            }
            9 => self.server.send_metadata(how),
            10 => self.server.send(how),
            11 => self.server.finish(how),
            12 => self.server.release(how),
            13 => drop(self.carry_up(1 << how)),
            14 => drop(self.carry_down(1 << how)),
            _ if how == 0 => self.server.connection.drain(self.now, None),
            _ => self.pass(Duration::from_millis(1 << (how / 2))),
        }
        self.client.take_events();
        self.server.take_events();
    }

    /// Carries at most `most` octets to the server; answers whether anything moved.
    fn carry_up(&mut self, most: usize) -> bool {
        let mut out = Outbox::new();
        self.client.connection.poll_transmit(self.now, &mut out, most);
        let sent = drain(&mut out, &mut self.up);
        self.client.connection.handle_sent(self.now, 0);
        let taken = self.server.connection.handle_input(self.now, &self.up[..self.up.len().min(most)]);
        self.up.advance(taken);
        sent + taken > 0
    }

    fn carry_down(&mut self, most: usize) -> bool {
        let mut out = Outbox::new();
        self.server.connection.poll_transmit(self.now, &mut out, most);
        let sent = drain(&mut out, &mut self.down);
        self.server.connection.handle_sent(self.now, 0);
        let taken = self.client.connection.handle_input(self.now, &self.down[..self.down.len().min(most)]);
        self.down.advance(taken);
        sent + taken > 0
    }

    fn pass(&mut self, time: Duration) {
        if self.now + time > Instant::ZERO + MOST_TIME {
            return;
        }
        self.now += time;
        self.client.connection.handle_timeout(self.now);
        self.server.connection.handle_timeout(self.now);
        let later = |timeout: Option<Instant>| timeout.is_none_or(|at| at > self.now);
        assert!(later(self.client.connection.poll_timeout()), "the client's timeout is still due");
        assert!(later(self.server.connection.poll_timeout()), "the server's timeout is still due");
    }

    /// Both ends read and end what they have: all calls end, and nothing is left.
    fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let mut moved = self.client.wind_up() | self.server.wind_up();
            moved |= self.carry_up(1 << 20) | self.carry_down(1 << 20);
            moved |= self.client.take_events() | self.server.take_events();
            if !moved {
                break;
            }
        }
        assert!(self.client.calls.is_empty(), "a call of the client never ends");
        assert!(self.server.calls.is_empty(), "a call of the server never ends");
        assert!(!self.client.busy || self.client.closed, "calls are available, and nobody is told");
        assert_eq!(self.client.connection.active_calls(), 0);
        assert_eq!(self.server.connection.active_calls(), 0);
        assert_eq!(self.client.connection.partial_bytes(), 0);
        assert_eq!(self.server.connection.partial_bytes(), 0);
    }
}

fn drain(out: &mut Outbox, pipe: &mut BytesMut) -> usize {
    let length = out.remaining();
    let bytes: Bytes = out.copy_to_bytes(length);
    pipe.extend_from_slice(&bytes);
    length
}

/// Nothing that the two ends do to each other is an offence.
fn expect_peace(end: &ConnectionEnd) {
    assert_eq!(end.reason, Reason::NO_ERROR, "{end}");
}
