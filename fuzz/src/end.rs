//! One end of an HTTP/2 connection, a clock, and an application that does whatever its role has to do.
//!
//! Whatever comes: input is taken or declined, never stuck; each stream's last event comes once, and the connection's
//! after all of them; no stream is heard of that is over; a kill is counted once; what goes out is frames; a timeout that
//! was handled lies behind; and it all ends with nothing left.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Buf, Bytes};
use unwired_core::http2::frame::{FrameHead, HEAD_LEN, Kind};
use unwired_core::http2::{Config, Event, Fields, Reason, Role, StreamKey};
use unwired_core::{Instant, Outbox};
use unwired_replay::http2::Connection;

use super::input::pieces;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Between two pieces of input.
const TICK: Duration = Duration::from_millis(1);
/// More timers than a connection needs to end.
const TIMERS: usize = 1_000;
/// Streams that a server takes, and that a client opens, at a time.
const STREAMS: u32 = 16;
/// Streams that a client opens in all.
const MOST_STREAMS: usize = 40;

/// Plays `data` against a fresh connection: an octet for the length of the pieces in which the rest arrives (0: all at
/// once; with the upper bit nothing that we write is read before the end), then what the peer sends, without the
/// preface of a client.
pub(crate) fn play(role: Role, data: &[u8]) {
    let Some((&how, wire)) = data.split_first() else { return };
    let mut end = End::new(role, how & 0x80 != 0);
    match role {
        Role::Server => end.input(PREFACE),
        Role::Client => {
            end.open();
            end.turn();
        }
    }
    for piece in pieces(wire, how & 0x7f) {
        end.input(piece);
        end.now += TICK;
        end.open();
    }
    end.deaf = false;
    end.turn();
    end.read();
    end.connection.handle_eof(end.now);
    end.turn();
    end.run_out();
}

/// How far a message of the peer has come, and whether the application still holds its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Heard {
    head: bool,
    ended: bool,
    released: bool,
}

struct End {
    connection: Connection,
    now: Instant,
    /// Streams that have not had their last event.
    streams: HashMap<StreamKey, Heard>,
    /// Streams that were begun.
    begun: usize,
    closed: bool,
    /// The peer does not read.
    deaf: bool,
    unread: Vec<u8>,
    wire: Vec<u8>,
}

impl End {
    fn new(role: Role, deaf: bool) -> Self {
        let mut config = Config::default();
        config.limits.max_concurrent_streams = STREAMS;
        let connection = match role {
            Role::Client => Connection::client(config, Instant::ZERO),
            Role::Server => Connection::server(config, Instant::ZERO),
        };
        Self {
            connection,
            now: Instant::ZERO,
            streams: HashMap::new(),
            begun: 0,
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
        let role = self.connection.role();
        match event {
            Event::Headers { stream, end_stream } => {
                if role == Role::Server {
                    let heard = Heard { head: false, ended: false, released: false };
                    assert_eq!(self.streams.insert(stream, heard), None, "a second request in one stream");
                    self.begun += 1;
                }
                let heard = self.live(stream);
                assert!(!heard.head, "a second head");
                *heard = Heard { head: true, ended: end_stream, ..*heard };
                let head = self.connection.take_fields(stream).expect("announced");
                let line: &[u8] = if role == Role::Server { b":method" } else { b":status" };
                assert!(head.get(line).is_some(), "a head without {}", line.escape_ascii());
                self.connection.recycle(head);
                match role {
                    Role::Server => self.on_request(stream),
                    Role::Client => self.on_response(stream),
                }
            }
            Event::Informational { stream, status } => {
                assert_eq!(role, Role::Client, "an interim response at a server");
                assert!((100..200).contains(&status) && status != 101, "{status} is no interim response");
                assert!(!self.live(stream).head, "an interim response after the final one");
            }
            Event::Data { stream, end_stream } => {
                let heard = self.live(stream);
                assert!(heard.head && !heard.ended, "DATA out of order: {heard:?}");
                heard.ended = end_stream;
                let data = self.connection.take_data(stream).expect("announced");
                self.connection.grant(stream, data.len());
                match role {
                    Role::Server if end_stream => self.answer(stream),
                    // An echo; what is refused is lost, as with any bad application.
                    _ => drop(self.connection.send_data(stream, b"echo", data.freeze(), false)),
                }
            }
            Event::Trailers { stream } => {
                let heard = self.live(stream);
                assert!(heard.head && !heard.ended, "trailers out of order: {heard:?}");
                heard.ended = true;
                assert!(self.connection.take_fields(stream).is_some());
                if role == Role::Server {
                    self.answer(stream);
                }
            }
            Event::Writable { stream } => {
                self.live(stream);
            }
            Event::Finished { stream } | Event::Reset { stream, .. } => {
                let heard = self.streams.remove(&stream).expect("a last event, but not the first");
                assert!(!heard.released, "an event of a stream that was given up");
                // A server that has said all asks for no more of the request.
                let whole = heard.ended || role == Role::Server;
                assert!(whole || matches!(event, Event::Reset { .. }), "a response finished before its end");
                self.connection.release(stream);
            }
            Event::Closed(_) => {
                assert!(self.streams.values().all(|heard| heard.released), "closed before its streams");
                self.closed = true;
            }
            Event::StreamsAvailable => {
                assert_eq!(role, Role::Client, "a server opens no streams");
                self.open();
            }
            _ => {}
        }
    }

    /// By turns: answers at the end, answers at once, resets, forgets.
    fn on_request(&mut self, stream: StreamKey) {
        match self.begun % 5 {
            0 => {
                self.connection.reset(stream, Reason::INTERNAL_ERROR);
                self.give_up(stream);
            }
            1 => self.give_up(stream),
            2 => self.answer(stream),
            _ => drop(self.connection.send_headers(stream, ok(), false)),
        }
    }

    fn answer(&mut self, stream: StreamKey) {
        let _ = self.connection.send_headers(stream, ok(), false);
        let _ = self.connection.send_data(stream, b"\0\0\0\0\x02", Bytes::from_static(b"hi"), false);
        let trailers = [("grpc-status", "0")].into_iter().collect();
        let _ = self.connection.send_trailers(stream, trailers);
    }

    /// A client asks as long as it may: by turns all at once, with DATA and without an end, with trailers.
    fn open(&mut self) {
        if self.connection.role() == Role::Server || self.closed {
            return;
        }
        while self.begun < MOST_STREAMS && self.connection.active_streams() < STREAMS as usize {
            let Ok(stream) = self.connection.open(request(), self.begun.is_multiple_of(4)) else { return };
            self.streams.insert(stream, Heard { head: false, ended: false, released: false });
            match self.begun % 4 {
                0 => {}
                1 => drop(self.connection.send_data(stream, b"", Bytes::from_static(&[7; 20_000]), true)),
                2 => drop(self.connection.send_data(stream, b"head", Bytes::from_static(b"body"), false)),
                _ => drop(self.connection.send_trailers(stream, [("a", "b")].into_iter().collect())),
            }
            self.begun += 1;
        }
    }

    /// By turns: goes on, ends its own side, resets, forgets.
    fn on_response(&mut self, stream: StreamKey) {
        match self.streams.len() % 5 {
            0 => {
                self.connection.reset(stream, Reason::CANCEL);
                self.give_up(stream);
            }
            1 => self.give_up(stream),
            2 => drop(self.connection.send_data(stream, b"", Bytes::new(), true)),
            _ => {}
        }
    }

    fn give_up(&mut self, stream: StreamKey) {
        self.connection.release(stream);
        self.streams.remove(&stream);
    }

    fn live(&mut self, stream: StreamKey) -> &mut Heard {
        self.streams.get_mut(&stream).expect("an event of a stream that is over")
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
        assert!(self.streams.is_empty(), "a stream without a last event");
        assert_eq!(self.connection.active_streams(), 0, "a stream is counted that is no more");
        let stats = self.connection.stats();
        assert_eq!(stats.buffered_to_send, 0, "DATA is kept for nobody");
        assert!(stats.kills.total() <= 1, "ended more than once");
        self.check_wire();
    }

    /// All that we wrote: the preface of a client, SETTINGS, then frames to the last octet.
    fn check_wire(&self) {
        let mut rest = &self.wire[..];
        if self.connection.role() == Role::Client {
            rest = rest.strip_prefix(PREFACE).expect("a client's preface");
        }
        let mut first = true;
        let mut highest = 0;
        while let Some((head, tail)) = rest.split_first_chunk::<HEAD_LEN>() {
            let head = FrameHead::parse(head);
            assert!(!first || head.kind == Kind::Settings, "the first frame is SETTINGS");
            assert!(!matches!(head.kind, Kind::PushPromise | Kind::Priority | Kind::Unknown(_)), "{head:?}");
            if self.connection.role() == Role::Client && head.kind == Kind::Headers {
                // RFC 9113 §5.1.1; trailers come again.
                let id = head.stream.get();
                assert!(id % 2 == 1 && id <= highest + 2, "stream {id} after {highest}");
                highest = highest.max(id);
            }
            first = false;
            rest = tail.get(head.length as usize..).expect("a frame is cut off");
        }
        assert!(rest.is_empty(), "a frame head is cut off");
    }
}

fn ok() -> Fields {
    [(":status", "200"), ("content-type", "application/grpc")].into_iter().collect()
}

fn request() -> Fields {
    let head = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/a/b"),
        (":authority", "a"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];
    head.into_iter().collect()
}
