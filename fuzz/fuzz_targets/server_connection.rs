//! Bytes of any kind to a server connection and to an application that answers, resets and forgets.
//!
//! Whatever comes: input is taken or declined, never stuck; each stream's last event comes once, and the connection's
//! after all of them; what goes out is frames; a timeout that was handled lies behind; and it all ends.
//!
//! Input: an octet for the length of the pieces in which the rest arrives (0: all at once; with the upper bit nothing
//! that we write is read before the end), then what follows the connection preface.

#![no_main]

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Buf, Bytes};
use libfuzzer_sys::fuzz_target;
use unwired_core::http2::frame::{FrameHead, HEAD_LEN, Kind};
use unwired_core::http2::{Config, Connection, Event, Fields, Reason, StreamKey};
use unwired_core::{Instant, Outbox};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Between two pieces of input.
const TICK: Duration = Duration::from_millis(1);
/// More timers than a connection needs to end.
const TIMERS: usize = 1_000;

fuzz_target!(|data: &[u8]| {
    let Some((&how, wire)) = data.split_first() else { return };
    let step = usize::from(how & 0x7f);
    let mut server = Server::new(how & 0x80 != 0);
    server.input(PREFACE);
    for piece in wire.chunks(if step == 0 { wire.len().max(1) } else { step }) {
        server.input(piece);
        server.now += TICK;
    }
    server.deaf = false;
    server.turn();
    server.read();
    server.connection.handle_eof(server.now);
    server.turn();
    server.run_out();
});

struct Server {
    connection: Connection,
    now: Instant,
    /// Streams that have not had their last event, and whether the application still holds them.
    streams: HashMap<StreamKey, bool>,
    requests: usize,
    closed: bool,
    /// The peer does not read.
    deaf: bool,
    unread: Vec<u8>,
    wire: Vec<u8>,
}

impl Server {
    fn new(deaf: bool) -> Self {
        let mut config = Config::default();
        config.limits.max_concurrent_streams = 16;
        let connection = Connection::server(config, Instant::ZERO);
        Self {
            connection,
            now: Instant::ZERO,
            streams: HashMap::new(),
            requests: 0,
            closed: false,
            deaf,
            unread: Vec::new(),
            wire: Vec::new(),
        }
    }

    fn input(&mut self, piece: &[u8]) {
        self.unread.extend_from_slice(piece);
        self.read();
    }

    /// Gives it all that it takes.
    fn read(&mut self) {
        while !self.unread.is_empty() {
            let taken = self.connection.handle_input(self.now, &self.unread);
            self.unread.drain(..taken);
            if !self.turn() && taken == 0 {
                assert!(self.deaf && !self.connection.wants_input(), "input is stuck");
                return;
            }
        }
    }

    /// Drains events and output; answers whether there was anything.
    fn turn(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.connection.poll_event() {
            moved = true;
            self.on_event(event);
        }
        moved |= self.transmit();
        self.connection.check_invariants();
        if let Some(at) = self.connection.poll_timeout().filter(|&at| at <= self.now) {
            self.connection.handle_timeout(self.now);
            assert!(self.connection.poll_timeout().is_none_or(|next| next > self.now), "{at:?} is still due");
        }
        moved
    }

    fn transmit(&mut self) -> bool {
        if self.deaf {
            return false;
        }
        let before = self.wire.len();
        let mut out = Outbox::new();
        while self.connection.poll_transmit(self.now, &mut out, 1 << 10) || !out.is_empty() {
            assert!(!out.is_empty(), "it wants to transmit and has nothing");
            while out.has_remaining() {
                let chunk = out.chunk();
                self.wire.extend_from_slice(chunk);
                let length = chunk.len();
                out.advance(length);
            }
            self.connection.handle_sent(self.now, 0);
        }
        self.wire.len() > before
    }

    fn on_event(&mut self, event: Event) {
        assert!(!self.closed, "{event:?} after the last event");
        match event {
            Event::Headers { stream, .. } => {
                assert_eq!(self.streams.insert(stream, true), None, "a second request in one stream");
                let head = self.connection.take_fields(stream).expect("announced");
                assert!(head.get(b":method").is_some(), "a request without a method");
                self.connection.recycle(head);
                self.on_request(stream);
            }
            Event::Data { stream, end_stream } => {
                self.live(stream);
                let data = self.connection.recv_data(stream).expect("announced").split();
                self.connection.grant(stream, data.len());
                if end_stream {
                    self.finish(stream);
                } else {
                    // An echo; what is refused is lost, as with any bad application.
                    let _ = self.connection.send_data(stream, b"echo", data.freeze(), false);
                }
            }
            Event::Trailers { stream } => {
                self.live(stream);
                assert!(self.connection.take_fields(stream).is_some());
                self.finish(stream);
            }
            Event::Writable { stream } => self.live(stream),
            Event::Finished { stream } | Event::Reset { stream, .. } => {
                assert_eq!(
                    self.streams.remove(&stream),
                    Some(true),
                    "a last event, but not the first or unasked"
                );
                self.connection.release(stream);
            }
            Event::Closed(_) => {
                assert!(!self.streams.values().any(|&held| held), "closed before its streams");
                self.closed = true;
            }
            Event::Informational { .. } | Event::StreamsAvailable => panic!("{event:?} at a server"),
            _ => {}
        }
    }

    /// By turns: answers at the end, answers at once, resets, forgets.
    fn on_request(&mut self, stream: StreamKey) {
        self.requests += 1;
        match self.requests % 5 {
            0 => {
                self.connection.reset(stream, Reason::INTERNAL_ERROR);
                self.connection.release(stream);
                self.streams.remove(&stream);
            }
            1 => {
                self.connection.release(stream);
                self.streams.remove(&stream);
            }
            2 => self.finish(stream),
            _ => {
                let _ = self.connection.send_headers(stream, ok(), false);
            }
        }
    }

    fn finish(&mut self, stream: StreamKey) {
        let _ = self.connection.send_headers(stream, ok(), false);
        let _ = self.connection.send_data(stream, b"\0\0\0\0\x02", Bytes::from_static(b"hi"), false);
        let trailers = [("grpc-status", "0")].into_iter().collect();
        let _ = self.connection.send_trailers(stream, trailers);
    }

    fn live(&self, stream: StreamKey) {
        assert!(self.streams.contains_key(&stream), "an event of a stream that is over");
    }

    /// Lets time pass until nothing more happens.
    fn run_out(&mut self) {
        for _ in 0..TIMERS {
            if self.connection.is_closed() {
                break;
            }
            self.now =
                self.connection.poll_timeout().expect("what is not closed waits for something").max(self.now);
            self.connection.handle_timeout(self.now);
            self.turn();
        }
        assert!(self.connection.is_closed() && self.closed, "it never ends");
        self.check_wire();
    }

    /// All that we wrote: SETTINGS first, then frames to the last octet.
    fn check_wire(&self) {
        let mut rest = &self.wire[..];
        let mut first = true;
        while let Some((head, tail)) = rest.split_first_chunk::<HEAD_LEN>() {
            let head = FrameHead::parse(head);
            assert!(!first || head.kind == Kind::Settings, "the first frame is SETTINGS");
            assert!(!matches!(head.kind, Kind::PushPromise | Kind::Priority | Kind::Unknown(_)), "{head:?}");
            first = false;
            rest = tail.get(head.length as usize..).expect("a frame is cut off");
        }
        assert!(rest.is_empty(), "a frame head is cut off");
    }
}

fn ok() -> Fields {
    [(":status", "200"), ("content-type", "application/grpc")].into_iter().collect()
}
