//! Messages that never end, and messages of nothing: what they may hold is the windows of their streams and one budget
//! for all of them.

use bytes::Buf;
use unwired_core::grpc::server::{Connection, Event};
use unwired_core::grpc::{CallId, CallLimits, Cardinality, Config, Received, Status};
use unwired_core::http2::frame::{self, FrameHead, HEAD_LEN, Kind};
use unwired_core::{Instant, Outbox};

use crate::counting;
use crate::raw::{self, Work};
use crate::siege::{beside_a_neighbour, is_in_proportion};

const NOW: Instant = Instant::ZERO;
const STREAMS: usize = 128;
const PIECE: usize = 16 << 10;

/// A client that sends as much as it is let, and what it may still send.
struct Hoarder {
    server: Connection,
    connection: usize,
    streams: [usize; STREAMS],
    /// Octets still to be sent of each message.
    left: [usize; STREAMS],
    /// What the messages are made of.
    piece: Vec<u8>,
    work: Work,
}

impl Hoarder {
    /// `left` counts the prefixes as well, and `octet` is what follows them.
    fn new(config: Config, left: usize, octet: u8) -> Self {
        let window = config.http2.initial_window as usize;
        let mut hoarder = Self {
            server: Connection::new(config, NOW),
            connection: 65_535,
            streams: [window; STREAMS],
            left: [left; STREAMS],
            piece: vec![octet; PIECE],
            work: Work::default(),
        };
        hoarder.feed(raw::PREFACE);
        hoarder.feed(&[raw::settings(&[]), raw::settings_ack()].concat());
        hoarder
    }

    /// Begins a message of `length` on each stream.
    fn open(&mut self, length: usize) -> Vec<CallId> {
        let grpc = [("te", "trailers"), ("content-type", "application/grpc")];
        let head = raw::block(raw::REQUEST.into_iter().chain(grpc));
        let prefix = [&[0][..], &(length as u32).to_be_bytes()].concat();
        let mut calls = Vec::new();
        for n in 0..STREAMS {
            let id = 2 * n as u32 + 1;
            self.feed(&[raw::headers(id, &head, false), raw::data(id, &prefix, false)].concat());
            self.streams[n] -= prefix.len();
            self.connection -= prefix.len();
            self.left[n] -= prefix.len();
            calls.extend(self.calls());
        }
        assert_eq!(calls.len(), STREAMS);
        calls
    }

    /// All calls end, and nothing of them is left; nobody was blamed, and there was no more work than the client's own.
    fn end(mut self, calls: Vec<CallId>) {
        for call in calls {
            self.server.finish(call, &Status::OK);
            self.server.release(call);
        }
        self.read();
        assert_eq!((self.server.active_calls(), self.server.partial_bytes()), (0, 0));
        assert_eq!(self.calls(), []);
        let stats = self.server.http2().stats();
        assert_eq!((stats.abuse.total(), stats.kills.total()), (0, 0));
        is_in_proportion(self.work, stats);
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        self.work.pieces += 1;
        self.work.octets += bytes.len();
        while !rest.is_empty() {
            rest = &rest[self.server.handle_input(NOW, rest)..];
            self.work.inputs += 1;
            self.read();
        }
    }

    /// Reads what the server sends, for the windows alone.
    fn read(&mut self) {
        let mut out = Outbox::new();
        while self.server.poll_transmit(NOW, &mut out, 1 << 20) {}
        self.work.octets_sent += out.len();
        while let Some(head) = out.chunk().first_chunk::<HEAD_LEN>().map(FrameHead::parse) {
            out.advance(HEAD_LEN);
            let payload = out.copy_to_bytes(head.length as usize);
            self.work.frames_sent += 1;
            if head.kind == Kind::WindowUpdate {
                let more = frame::window_update(&payload).expect("an increment") as usize;
                match head.stream.get() as usize {
                    0 => self.connection += more,
                    id => self.streams[id / 2] += more,
                }
            }
        }
    }

    /// Sends what may be sent; answers how much it was.
    fn send(&mut self) -> usize {
        self.send_but(0)
    }

    /// As much less of each stream's window stays unused.
    fn send_but(&mut self, kept: usize) -> usize {
        (0..STREAMS).map(|n| self.send_on(n, kept)).sum()
    }

    fn send_on(&mut self, n: usize, kept: usize) -> usize {
        let window = self.streams[n].saturating_sub(kept);
        let length = PIECE.min(window).min(self.connection).min(self.left[n]);
        if length > 0 {
            let piece = raw::data(2 * n as u32 + 1, &self.piece[..length], false);
            self.streams[n] -= length;
            self.connection -= length;
            self.left[n] -= length;
            self.feed(&piece);
        }
        length
    }

    fn calls(&mut self) -> Vec<CallId> {
        std::iter::from_fn(|| self.server.poll_event())
            .inspect(|_| self.work.events += 1)
            .filter_map(|event| match event {
                Event::Call { call } => Some(call),
                _ => None,
            })
            .collect()
    }
}

/// What the messages of a connection with `config` may hold.
fn most(config: &Config) -> usize {
    STREAMS * config.http2.initial_window as usize + config.partial_message_budget + config.max_recv_message
}

/// Threats: G3.
#[test]
fn what_is_left_of_a_buffer_does_not_keep_it() {
    // Each call sends a long message and one octet of the next, is read, and lives on.
    const LONG: usize = 1 << 20;
    fn config() -> Config {
        let mut config = Config::server();
        config.partial_message_budget = 2 * LONG;
        config
    }
    let limits = config();
    let most = STREAMS + limits.partial_message_budget + limits.max_recv_message;
    beside_a_neighbour(most, || {
        let mut hoarder = Hoarder::new(config(), 5 + LONG + 1, 7);
        let calls = hoarder.open(LONG);
        for (n, &call) in calls.iter().enumerate() {
            hoarder.server.accept(call, Cardinality::Many, CallLimits::default());
            loop {
                match hoarder.server.recv_message(call) {
                    Received::Message(message) => break assert_eq!(message.payload.len(), LONG),
                    Received::Pending => {}
                    other => panic!("{other:?}"),
                }
                hoarder.read();
                hoarder.send_on(n, 0);
            }
        }
        assert_eq!(hoarder.server.active_calls(), STREAMS);
        hoarder.end(calls);
    });
}

/// Threats: G3.
#[test]
fn messages_that_never_end_hold_the_windows_and_one_budget() {
    let limits = Config::server();
    let (window, most, longest) =
        (limits.http2.initial_window as usize, most(&limits), limits.max_recv_message);
    beside_a_neighbour(most, || {
        let mut hoarder = Hoarder::new(Config::server(), 5 + longest - 1, 7);
        let calls = hoarder.open(longest);
        for &call in &calls {
            hoarder.server.accept(call, Cardinality::Many, CallLimits::default());
        }
        let mut sent = 0;
        loop {
            for &call in &calls {
                assert!(matches!(hoarder.server.recv_message(call), Received::Pending));
            }
            hoarder.read();
            match hoarder.send() {
                0 => break,
                more => sent += more,
            }
        }
        assert!(sent >= STREAMS * (window - 5), "the windows at least: {sent}");
        assert!(sent <= most, "{sent} octets were let in, {most} may be");
        let gauge = hoarder.server.partial_bytes();
        assert!(gauge > 0 && gauge <= most, "{gauge} octets of messages that have not ended");
        assert!(hoarder.left.contains(&0), "one of them may always go on");
        hoarder.end(calls);
    });
}

/// A message that has to be the only one cannot be had before its end: without that it is as unfinished as without its last
/// octet, and holds as much.
///
/// Threats: G3.
#[test]
fn whole_messages_that_do_not_end_hold_the_windows_and_one_budget() {
    // Octets of each window that are kept, to ask for more with one at a time.
    const KEPT: usize = 2 * STREAMS;
    let limits = Config::server();
    let (most, longest) = (most(&limits), limits.max_recv_message);
    beside_a_neighbour(most, || {
        let mut hoarder = Hoarder::new(Config::server(), 5 + longest, 7);
        let calls = hoarder.open(longest);
        for &call in &calls {
            hoarder.server.accept(call, Cardinality::One, CallLimits::default());
        }
        let mut sent = 0;
        for kept in (0..KEPT).rev() {
            loop {
                match hoarder.send_but(kept) {
                    0 => break,
                    more => sent += more,
                }
            }
        }
        assert!(sent <= most, "{sent} octets were let in, {most} may be");
        assert!(hoarder.left.contains(&0), "one of them may always go on");
        for &call in &calls {
            assert!(matches!(hoarder.server.recv_message(call), Received::Pending));
        }
        hoarder.end(calls);
    });
}

/// Threats: G4.
#[test]
fn empty_messages_are_decoded_when_they_are_asked_for() {
    let limits = Config::server();
    let window = limits.http2.initial_window as usize;
    let messages = window / 5;
    // The octets of as many as the windows hold, and no message of its own for each five of them.
    beside_a_neighbour(STREAMS * window, || {
        let mut hoarder = Hoarder::new(Config::server(), 5 * messages, 0);
        let calls = hoarder.open(0);
        for &call in &calls {
            hoarder.server.accept(call, Cardinality::Many, CallLimits::default());
        }
        while hoarder.send() > 0 {}
        assert_eq!(hoarder.left, [0; STREAMS]);
        let told = hoarder.work.events;
        hoarder.calls();
        assert!(hoarder.work.events - told <= 2 * STREAMS, "{} events", hoarder.work.events - told);
        let before = counting::held();
        for &call in &calls {
            for n in 0..messages {
                let Received::Message(message) = hoarder.server.recv_message(call) else {
                    panic!("message {n}")
                };
                assert!(message.payload.is_empty());
            }
            assert!(matches!(hoarder.server.recv_message(call), Received::Pending));
        }
        assert!(counting::held() <= before, "what is read is held no more");
        hoarder.end(calls);
    });
}
