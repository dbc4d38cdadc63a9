//! gRPC on one side, and on the other a peer of HTTP/2 alone, which says whatever it likes.

use bytes::{Buf, Bytes};
use unwired_core::grpc::Config;
use unwired_core::http2::{Config as Http2Config, Event, Fields, StreamKey};
use unwired_core::{Instant, Outbox};
use unwired_replay::grpc::{client, server};
use unwired_replay::{Keeper, http2};

/// Either connection of gRPC.
pub(crate) trait Grpc {
    fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize;
    fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool;
}

macro_rules! grpc {
    ($side:ident) => {
        impl Grpc for $side::Connection {
            fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize {
                self.handle_input(now, input)
            }
            fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool {
                self.poll_transmit(now, out, budget)
            }
        }
    };
}

grpc!(client);
grpc!(server);

pub(crate) struct Bare<C> {
    pub(crate) grpc: C,
    pub(crate) peer: http2::Connection,
    /// What the peer saw.
    pub(crate) seen: Vec<Event>,
    /// Behind the connections: they are over when they are kept.
    _keeper: Keeper,
}

/// The lines of a request as every client sends them.
pub(crate) const REQUEST: [(&str, &str); 6] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/test.Service/Method"),
    (":authority", "localhost"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
];

/// Those of the answer to it, up to the first message.
pub(crate) const RESPONSE: &[(&str, &str)] = &[(":status", "200"), ("content-type", "application/grpc")];

/// A server of gRPC, and a client that says anything.
pub(crate) fn server() -> Bare<server::Connection> {
    server_for(Http2Config::default())
}

pub(crate) fn server_for(client: Http2Config) -> Bare<server::Connection> {
    let keeper = Keeper::new();
    let grpc = server::Connection::new(Config::server(), Instant::ZERO);
    Bare::new(grpc, http2::Connection::client(client, Instant::ZERO), keeper)
}

/// A client of gRPC, and a server that says anything.
pub(crate) fn client() -> Bare<client::Connection> {
    let keeper = Keeper::new();
    let grpc = client::Connection::new(Config::client(), Instant::ZERO);
    Bare::new(grpc, http2::Connection::server(Http2Config::default(), Instant::ZERO), keeper)
}

impl<C: Grpc> Bare<C> {
    fn new(grpc: C, peer: http2::Connection, keeper: Keeper) -> Self {
        let mut bare = Self { grpc, peer, seen: Vec::new(), _keeper: keeper };
        bare.settle();
        bare
    }

    /// Carries bytes both ways until nothing moves.
    pub(crate) fn settle(&mut self) {
        let (now, mut out) = (Instant::ZERO, Outbox::new());
        loop {
            while self.grpc.poll_transmit(now, &mut out, 1 << 20) {}
            let to_peer = out.copy_to_bytes(out.len());
            while self.peer.poll_transmit(now, &mut out, 1 << 20) {}
            let from_peer = out.copy_to_bytes(out.len());
            let mut rest = &to_peer[..];
            while !rest.is_empty() {
                let taken = self.peer.handle_input(now, rest);
                self.seen.extend(std::iter::from_fn(|| self.peer.poll_event()));
                rest = &rest[taken..];
            }
            let mut rest = &from_peer[..];
            while !rest.is_empty() {
                let taken = self.grpc.handle_input(now, rest);
                assert!(taken > 0, "the connection takes nothing any more");
                rest = &rest[taken..];
            }
            if to_peer.is_empty() && from_peer.is_empty() {
                self.seen.extend(std::iter::from_fn(|| self.peer.poll_event()));
                return;
            }
        }
    }

    /// Sends `data` on `stream`, as it is.
    pub(crate) fn send(&mut self, stream: StreamKey, data: &'static [u8], end: bool) {
        self.peer.send_data(stream, &[], Bytes::from_static(data), end).unwrap();
        self.settle();
    }
}

/// Names and values as a section.
pub(crate) fn fields(lines: &[(&str, &str)]) -> Fields {
    lines.iter().copied().collect()
}
