//! Two connections, a pipe each way, a clock.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes};
use unwired_core::http2::{Config, Event, Fields, StreamKey};
use unwired_core::{Instant, Outbox};
use unwired_replay::Keeper;
use unwired_replay::http2::Connection;

/// One end of the pair, with what it heard.
pub(crate) struct End {
    pub(crate) conn: Connection,
    pub(crate) events: Vec<Event>,
    /// Bytes under way to this end.
    pub(crate) inbound: VecDeque<u8>,
}

impl End {
    fn new(conn: Connection) -> Self {
        Self { conn, events: Vec::new(), inbound: VecDeque::new() }
    }

    /// Takes all events heard so far; neighbouring DATA of a stream is one event, however the bytes were split.
    pub(crate) fn heard(&mut self) -> Vec<Event> {
        let mut joined: Vec<Event> = Vec::new();
        for event in self.events.drain(..) {
            match (joined.last_mut(), &event) {
                (
                    Some(Event::Data { stream: before, end_stream }),
                    &Event::Data { stream, end_stream: ends },
                ) if *before == stream => *end_stream |= ends,
                _ => joined.push(event),
            }
        }
        joined
    }

    /// Takes all DATA of the stream and grants as much.
    pub(crate) fn take_data(&mut self, stream: StreamKey) -> Vec<u8> {
        let Some(data) = self.conn.take_data(stream) else { return Vec::new() };
        self.conn.grant(stream, data.len());
        data.to_vec()
    }
}

pub(crate) struct Pair {
    pub(crate) client: End,
    pub(crate) server: End,
    pub(crate) now: Instant,
    /// How many bytes are delivered at a time.
    pub(crate) chunk: usize,
    /// Behind the connections: they are over when they are kept.
    _keeper: Keeper,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), Config::default())
    }

    pub(crate) fn with(client: Config, server: Config) -> Self {
        let (now, keeper) = (Instant::ZERO, Keeper::new());
        Self {
            client: End::new(Connection::client(client, now)),
            server: End::new(Connection::server(server, now)),
            now,
            chunk: usize::MAX,
            _keeper: keeper,
        }
    }

    /// Carries bytes both ways until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            let moved = carry(&mut self.client, &mut self.server, self.now, self.chunk)
                | carry(&mut self.server, &mut self.client, self.now, self.chunk);
            if !moved {
                return;
            }
        }
    }

    /// Lets `time` pass, timer by timer.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let next = [self.client.conn.poll_timeout(), self.server.conn.poll_timeout()]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next.filter(|&next| next <= end) else { break };
            self.now = next.max(self.now);
            for conn in [&mut self.client.conn, &mut self.server.conn] {
                conn.handle_timeout(self.now);
                assert!(
                    conn.poll_timeout().is_none_or(|next| next > self.now),
                    "a timer that was handled is over"
                );
            }
        }
        self.now = end;
        self.settle();
    }

    /// Opens a stream and carries it over: the keys at the client and at the server.
    pub(crate) fn open(&mut self, end_stream: bool) -> (StreamKey, StreamKey) {
        let client = self.client.conn.open(request(), end_stream).expect("a stream");
        self.settle();
        let server = self
            .server
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::Headers { stream, .. } => Some(*stream),
                _ => None,
            })
            .expect("the request");
        (client, server)
    }
}

fn carry(from: &mut End, to: &mut End, now: Instant, chunk: usize) -> bool {
    let mut moved = false;
    let mut out = Outbox::new();
    loop {
        let more = from.conn.poll_transmit(now, &mut out, 1 << 16);
        from.conn.check_invariants();
        moved |= !out.is_empty();
        to.inbound.extend(out.copy_to_bytes(out.len()));
        from.conn.handle_sent(now, 0);
        if !more {
            break;
        }
    }
    while !to.inbound.is_empty() && to.conn.wants_input() {
        let n = to.inbound.len().min(chunk);
        let bytes: Vec<u8> = to.inbound.iter().take(n).copied().collect();
        let mut taken = to.conn.handle_input(now, &bytes);
        loop {
            to.conn.check_invariants();
            let before = to.events.len();
            while let Some(event) = to.conn.poll_event() {
                to.events.push(event);
            }
            if taken == n || to.events.len() == before {
                break;
            }
            taken += to.conn.handle_input(now, &bytes[taken..]);
        }
        to.inbound.drain(..taken);
        moved |= taken > 0;
        if taken == 0 {
            break;
        }
    }
    for end in [from, to] {
        while let Some(event) = end.conn.poll_event() {
            end.events.push(event);
            moved = true;
        }
    }
    moved
}

pub(crate) fn request() -> Fields {
    [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", "/a/b")]
        .into_iter()
        .collect()
}

pub(crate) fn response() -> Fields {
    [(":status", "200")].into_iter().collect()
}

pub(crate) fn trailers() -> Fields {
    [("grpc-status", "0")].into_iter().collect()
}

/// Sends all of `data` as far as the buffer allows; answers what is left.
pub(crate) fn send(conn: &mut Connection, stream: StreamKey, data: &mut Bytes, end_stream: bool) {
    while !data.is_empty() {
        let piece = data.slice(..data.len().min(10_000));
        let last = piece.len() == data.len();
        match conn.send_data(stream, &[], piece.clone(), end_stream && last) {
            Ok(()) => data.advance(piece.len()),
            Err(_) => return,
        }
    }
}
