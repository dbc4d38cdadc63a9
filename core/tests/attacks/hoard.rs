//! Messages that never end: what they may hold is the windows of their streams and one budget for all of them.

use bytes::Buf;
use unwired_core::grpc::server::{Connection, Event};
use unwired_core::grpc::{CallId, CallLimits, Cardinality, Config, Received, Status};
use unwired_core::http2::frame::{self, FrameHead, HEAD_LEN, Kind};
use unwired_core::{Instant, Outbox};

use crate::counting;
use crate::raw;
use crate::siege::MOST_HELD;

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
    piece: Vec<u8>,
}

impl Hoarder {
    /// `left` counts the prefixes as well.
    fn new(config: Config, left: [usize; STREAMS]) -> Self {
        let window = config.http2.initial_window as usize;
        let mut hoarder = Self {
            server: Connection::new(config, NOW),
            connection: 65_535,
            streams: [window; STREAMS],
            left,
            piece: vec![7; PIECE],
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

    /// All calls end, and nothing of them is left.
    fn end(mut self, calls: Vec<CallId>) {
        assert_eq!(self.server.http2().stats().kills.total(), 0);
        for call in calls {
            self.server.finish(call, &Status::OK);
            self.server.release(call);
        }
        self.read();
        assert_eq!((self.server.active_calls(), self.server.partial_bytes()), (0, 0));
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.server.handle_input(NOW, rest)..];
            self.read();
        }
    }

    /// Reads what the server sends, for the windows alone.
    fn read(&mut self) {
        let mut out = Outbox::new();
        while self.server.poll_transmit(NOW, &mut out, 1 << 20) {}
        while let Some(head) = out.chunk().first_chunk::<HEAD_LEN>().map(FrameHead::parse) {
            out.advance(HEAD_LEN);
            let payload = out.copy_to_bytes(head.length as usize);
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
        (0..STREAMS).map(|n| self.send_on(n)).sum()
    }

    fn send_on(&mut self, n: usize) -> usize {
        let length = PIECE.min(self.streams[n]).min(self.connection).min(self.left[n]);
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
            .filter_map(|event| match event {
                Event::Call { call } => Some(call),
                _ => None,
            })
            .collect()
    }
}

/// Threats: G3.
#[test]
fn what_is_left_of_a_buffer_does_not_keep_it() {
    // Each call sends a long message and one octet of the next, is read, and lives on.
    const LONG: usize = 1 << 20;
    let mut config = Config::server();
    config.partial_message_budget = 2 * LONG;
    let most = STREAMS + config.partial_message_budget + config.max_recv_message;
    let baseline = counting::held();
    let peak = counting::peak(|| {
        let mut hoarder = Hoarder::new(config, [5 + LONG + 1; STREAMS]);
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
                hoarder.send_on(n);
            }
        }
        assert_eq!(hoarder.server.active_calls(), STREAMS);
        hoarder.end(calls);
    });
    assert!(peak < most + MOST_HELD, "{peak} octets of memory, {most} of messages");
    assert!(counting::held() - baseline < 1 << 10, "{} octets are left", counting::held() - baseline);
}

/// Threats: G3.
#[test]
fn messages_that_never_end_hold_the_windows_and_one_budget() {
    let config = Config::server();
    let window = config.http2.initial_window as usize;
    let most = STREAMS * window + config.partial_message_budget + config.max_recv_message;
    let longest = config.max_recv_message;
    let baseline = counting::held();
    let peak = counting::peak(|| {
        let mut hoarder = Hoarder::new(config, [5 + longest - 1; STREAMS]);
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
        hoarder.end(calls);
    });
    assert!(peak < most + MOST_HELD, "{peak} octets of memory, {most} of messages");
    assert!(counting::held() - baseline < 1 << 10, "{} octets are left", counting::held() - baseline);
}
