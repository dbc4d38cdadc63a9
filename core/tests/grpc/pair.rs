//! A client and a server, a pipe each way, a clock.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes};
use unwired_core::grpc::client::NewCall;
use unwired_core::grpc::{CallId, CallLimits, Cardinality, Config, Message, Metadata};
use unwired_core::{Instant, Outbox};
use unwired_replay::Keeper;
use unwired_replay::grpc::{client, server};

/// Bytes of one write.
const WRITE: usize = 64 << 10;

pub(crate) struct Pair {
    pub(crate) client: client::Connection,
    pub(crate) server: server::Connection,
    pub(crate) client_events: Vec<client::Event>,
    pub(crate) server_events: Vec<server::Event>,
    pub(crate) now: Instant,
    /// How many bytes are delivered at a time.
    pub(crate) chunk: usize,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    /// The last that is dropped.
    _keeper: Keeper,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Config::client(), Config::server())
    }

    pub(crate) fn with(client: Config, server: Config) -> Self {
        let now = Instant::ZERO;
        let keeper = Keeper::new();
        Self {
            client: client::Connection::new(client, now),
            server: server::Connection::new(server, now),
            client_events: Vec::new(),
            server_events: Vec::new(),
            now,
            chunk: usize::MAX,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            _keeper: keeper,
        }
    }

    /// Carries bytes both ways until nothing moves.
    pub(crate) fn settle(&mut self) {
        while self.step() {}
    }

    /// Carries one write each way. Answers whether there may be more.
    pub(crate) fn step(&mut self) -> bool {
        let mut out = Outbox::new();
        let mut moved = false;
        self.client.poll_transmit(self.now, &mut out, WRITE);
        self.to_server.extend(out.copy_to_bytes(out.len()));
        self.server.poll_transmit(self.now, &mut out, WRITE);
        self.to_client.extend(out.copy_to_bytes(out.len()));
        while let Some(bytes) = next_chunk(&self.to_server, self.chunk) {
            let taken = self.server.handle_input(self.now, &bytes);
            self.to_server.drain(..taken);
            self.server_events.extend(std::iter::from_fn(|| self.server.poll_event()));
            moved |= taken > 0;
            if taken == 0 {
                break;
            }
        }
        while let Some(bytes) = next_chunk(&self.to_client, self.chunk) {
            let taken = self.client.handle_input(self.now, &bytes);
            self.to_client.drain(..taken);
            self.client_events.extend(std::iter::from_fn(|| self.client.poll_event()));
            moved |= taken > 0;
            if taken == 0 {
                break;
            }
        }
        self.server_events.extend(std::iter::from_fn(|| self.server.poll_event()));
        self.client_events.extend(std::iter::from_fn(|| self.client.poll_event()));
        moved || self.client.wants_transmit() || self.server.wants_transmit()
    }

    /// Lets `time` pass, timer by timer.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let next = [self.client.poll_timeout(), self.server.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else { break };
            self.now = next.max(self.now);
            self.client.handle_timeout(self.now);
            assert!(self.client.poll_timeout().is_none_or(|next| next > self.now));
            self.server.handle_timeout(self.now);
            assert!(self.server.poll_timeout().is_none_or(|next| next > self.now));
        }
        self.now = end;
        self.settle();
    }

    /// Starts a call and carries it over: its ids at the client and at the server.
    pub(crate) fn call(&mut self, request: Cardinality, response: Cardinality) -> (CallId, CallId) {
        self.call_with(request, &NewCall { response, ..new_call(&Metadata::new()) })
    }

    pub(crate) fn call_with(&mut self, request: Cardinality, call: &NewCall<'_>) -> (CallId, CallId) {
        let client = self.client.start(self.now, call).expect("a call");
        self.settle();
        let server = self.served();
        self.server.accept(server, request, CallLimits::default());
        (client, server)
    }

    /// The call that came last to the server.
    pub(crate) fn served(&mut self) -> CallId {
        let calls = self.server_events.iter().rev().filter_map(|event| match event {
            server::Event::Call { call } => Some(*call),
            _ => None,
        });
        calls.into_iter().next().expect("a call at the server")
    }
}

fn next_chunk(pipe: &VecDeque<u8>, chunk: usize) -> Option<Vec<u8>> {
    (!pipe.is_empty()).then(|| pipe.iter().take(chunk).copied().collect())
}

pub(crate) fn new_call(metadata: &Metadata) -> NewCall<'_> {
    NewCall {
        user_agent: "grpc-rust-unwired/0.1.0",
        ..NewCall::new("localhost", "/test.Service/Method", metadata)
    }
}

pub(crate) fn message(payload: impl Into<Bytes>) -> Message {
    Message::plain(payload.into())
}
