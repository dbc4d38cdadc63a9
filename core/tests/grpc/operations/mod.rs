//! A client and a server of gRPC, joined by two pipes, and applications that do anything in any order.
//!
//! Messages come whole, in order and once; each call's last event comes once at either end; neither end takes the other
//! for hostile; and when both applications only read and end what they have, every call ends without time passing and
//! nothing is left of it. The fuzz target `call_pair` runs the same.

mod call;
mod client;
mod server;

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use unwired_core::grpc::Config;
use unwired_core::{Instant, Outbox};
use unwired_replay::grpc::{client as grpc_client, server as grpc_server};

use call::{Calls, pick};
use client::Client;
use server::Server;

/// Calls that the server takes at a time.
const MOST_CALLS: u32 = 6;
/// Rounds in which everything has to end.
const ROUNDS: usize = 5_000;
/// Time that passes at most: short of the timers that blame a peer.
const MOST_TIME: Duration = Duration::from_secs(4);

/// Does what `operations` say, one octet each: what in the upper half, with which call or how much in the lower.
pub(crate) fn run(operations: &[u8]) {
    let mut pair = Pair::new();
    for &operation in operations {
        pair.act(operation >> 4, usize::from(operation & 0xf));
    }
    pair.settle();
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
        let connection = grpc_client::Connection::new(Config::client(), Instant::ZERO);
        let client = Client { connection, calls: Calls::new(), starts: 0, busy: false, closed: false };
        let connection = grpc_server::Connection::new(config, Instant::ZERO);
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
