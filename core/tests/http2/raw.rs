//! One connection against a peer that is made of frames by hand: what it feeds may be legal or not.

use std::time::Duration;

use bytes::{Buf, Bytes};
use unwired_core::http2::frame::{self, FrameHead, HEAD_LEN, Kind, flag};
use unwired_core::http2::hpack::{self, DecoderLimits};
use unwired_core::http2::{
    Config, ConnectionEnd, Event, Fields, Initiator, Reason, SharedConfig, StreamError, StreamKey,
};
use unwired_core::{Instant, Outbox};
use unwired_replay::Keeper;
use unwired_replay::http2::Connection;

pub(crate) use crate::frames::*;

pub(crate) const REQUEST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", "/a/b")];
pub(crate) const RESPONSE: [(&str, &str); 1] = [(":status", "200")];
pub(crate) const TRAILERS: [(&str, &str); 1] = [("grpc-status", "0")];

pub(crate) fn request(stream: u32, end: bool) -> Vec<u8> {
    headers(stream, &block(REQUEST), end)
}

pub(crate) fn response(stream: u32, end: bool) -> Vec<u8> {
    headers(stream, &block(RESPONSE), end)
}

pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

// ---- frames that were sent

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Frame {
    Data { stream: u32, payload: Vec<u8>, end: bool },
    Headers { stream: u32, fields: Fields, end: bool },
    Reset(u32, Reason),
    Settings(Vec<(frame::SettingId, u32)>),
    SettingsAck,
    Ping([u8; 8]),
    PingAck([u8; 8]),
    GoAway { last: u32, reason: Reason, debug: String },
    WindowUpdate(u32, u32),
}

/// What a connection has been given to do, and what it did.
#[derive(Clone, Copy, Default)]
pub(crate) struct Work {
    /// Pieces of input, and their octets.
    pub(crate) pieces: usize,
    pub(crate) octets: usize,
    /// Calls of `handle_input`.
    pub(crate) inputs: usize,
    pub(crate) events: usize,
    /// Frames sent, and their octets.
    pub(crate) frames_sent: usize,
    pub(crate) octets_sent: usize,
}

/// The peer of `conn`.
pub(crate) struct Raw {
    pub(crate) conn: Connection,
    pub(crate) now: Instant,
    /// What the connection said; taken by [`Raw::events`].
    events: Vec<Event>,
    /// What it sent; taken by [`Raw::sent`].
    frames: Vec<Frame>,
    /// Bytes of a frame that has not come whole.
    partial: Vec<u8>,
    decoder: hpack::Decoder,
    /// A field block under way.
    block: Option<(u32, bool, Vec<u8>)>,
    preface_seen: bool,
    is_client: bool,
    pub(crate) work: Work,
    /// Behind the connection: it is over when it is kept.
    _keeper: Keeper,
}

impl Raw {
    /// A server before the first byte.
    pub(crate) fn fresh_server(config: impl Into<SharedConfig>) -> Self {
        let keeper = Keeper::new();
        Self::around(Connection::server(config, Instant::ZERO), false, keeper)
    }

    /// A client before the first byte.
    pub(crate) fn fresh_client(config: impl Into<SharedConfig>) -> Self {
        let keeper = Keeper::new();
        Self::around(Connection::client(config, Instant::ZERO), true, keeper)
    }

    fn around(conn: Connection, is_client: bool, keeper: Keeper) -> Self {
        Self {
            conn,
            now: Instant::ZERO,
            events: Vec::new(),
            frames: Vec::new(),
            partial: Vec::new(),
            decoder: hpack::Decoder::new(DecoderLimits {
                list_size: 1 << 20,
                fields: 1 << 10,
                decoded: 1 << 20,
                block_wire: 1 << 20,
            }),
            block: None,
            preface_seen: !is_client,
            is_client,
            work: Work::default(),
            _keeper: keeper,
        }
    }

    /// A server that is past the handshake.
    pub(crate) fn server() -> Self {
        Self::server_with(Config::default())
    }

    pub(crate) fn server_with(config: impl Into<SharedConfig>) -> Self {
        let mut raw = Self::fresh_server(config);
        raw.feed(PREFACE);
        raw.shake_hands();
        raw
    }

    /// A client that is past the handshake.
    pub(crate) fn client() -> Self {
        Self::client_with(Config::default())
    }

    pub(crate) fn client_with(config: impl Into<SharedConfig>) -> Self {
        let mut raw = Self::fresh_client(config);
        raw.shake_hands();
        raw
    }

    fn shake_hands(&mut self) {
        self.feed(&settings(&[]));
        self.transmit();
        self.feed(&settings_ack());
        self.sent();
        self.events();
    }

    /// Gives `bytes`; reads what the connection sends when it wants that first.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        self.work.pieces += 1;
        self.work.octets += bytes.len();
        while !rest.is_empty() {
            let taken = self.conn.handle_input(self.now, rest);
            self.work.inputs += 1;
            self.conn.check_invariants();
            rest = &rest[taken..];
            let progress = taken > 0 || self.poll_events() > 0;
            if !self.conn.wants_input() {
                self.transmit();
            }
            assert!(progress || self.conn.wants_input(), "input is not taken and nothing helps");
        }
        self.poll_events();
    }

    /// Gives `bytes` to a connection that sends nothing meanwhile. Answers how much it took.
    pub(crate) fn offer(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        self.work.pieces += 1;
        loop {
            let step = self.conn.handle_input(self.now, &bytes[taken..]);
            self.work.inputs += 1;
            self.work.octets += step;
            taken += step;
            if (self.poll_events() == 0 && step == 0) || taken == bytes.len() {
                return taken;
            }
        }
    }

    fn poll_events(&mut self) -> usize {
        let before = self.events.len();
        while let Some(event) = self.conn.poll_event() {
            self.events.push(event);
        }
        let polled = self.events.len() - before;
        self.work.events += polled;
        polled
    }

    /// Reads what the connection sends.
    pub(crate) fn transmit(&mut self) {
        let mut out = Outbox::new();
        while self.conn.poll_transmit(self.now, &mut out, 1 << 14) {
            self.conn.handle_sent(self.now, 0);
        }
        self.conn.handle_sent(self.now, 0);
        self.conn.check_invariants();
        let bytes = out.copy_to_bytes(out.len());
        self.work.octets_sent += bytes.len();
        self.partial.extend(bytes);
        if !self.preface_seen && !self.partial.is_empty() {
            assert_eq!(self.partial.drain(..PREFACE.len()).collect::<Vec<_>>(), PREFACE);
            self.preface_seen = true;
        }
        while let Some(head) = self.partial.first_chunk::<HEAD_LEN>().map(FrameHead::parse) {
            let end = HEAD_LEN + head.length as usize;
            if self.partial.len() < end {
                break;
            }
            let payload: Vec<u8> = self.partial.drain(..end).skip(HEAD_LEN).collect();
            self.work.frames_sent += 1;
            self.parse(head, payload);
        }
        self.poll_events();
    }

    fn parse(&mut self, head: FrameHead, payload: Vec<u8>) {
        let stream = head.stream.get();
        let ack = head.has(flag::ACK);
        let frame = match head.kind {
            Kind::Data => Frame::Data { stream, payload, end: head.has(flag::END_STREAM) },
            Kind::Headers | Kind::Continuation => {
                let (_, _, block) =
                    self.block.get_or_insert_with(|| (stream, head.has(flag::END_STREAM), Vec::new()));
                block.extend(payload);
                if !head.has(flag::END_HEADERS) {
                    return;
                }
                let (stream, end, block) = self.block.take().expect("a block");
                let mut fields = Fields::new();
                let whole = self.decoder.decode(&block, true, &mut fields);
                assert_eq!(whole, Ok(hpack::Progress::Complete));
                Frame::Headers { stream, fields, end }
            }
            Kind::ResetStream => Frame::Reset(stream, frame::reset(&payload).expect("a reason")),
            Kind::Settings if ack => Frame::SettingsAck,
            Kind::Settings => {
                let parameters = frame::settings(&payload).expect("whole parameters");
                Frame::Settings(parameters.map(|setting| (setting.id, setting.value)).collect())
            }
            Kind::Ping if ack => Frame::PingAck(frame::ping(&payload).expect("8 octets")),
            Kind::Ping => Frame::Ping(frame::ping(&payload).expect("8 octets")),
            Kind::GoAway => {
                let (last, reason, debug) = frame::goaway(&payload).expect("a GOAWAY");
                let debug = String::from_utf8(debug.to_vec()).expect("text");
                Frame::GoAway { last: last.get(), reason, debug }
            }
            Kind::WindowUpdate => {
                Frame::WindowUpdate(stream, frame::window_update(&payload).expect("an increment"))
            }
            Kind::Priority | Kind::PushPromise | Kind::Unknown(_) => panic!("never sent: {head:?}"),
        };
        self.frames.push(frame);
    }

    /// Takes the frames sent since the last call.
    pub(crate) fn sent(&mut self) -> Vec<Frame> {
        self.transmit();
        std::mem::take(&mut self.frames)
    }

    /// Takes the frames sent without what the connection says on its own account: windows and measurement.
    pub(crate) fn answers(&mut self) -> Vec<Frame> {
        let mut frames = self.sent();
        frames.retain(|frame| !matches!(frame, Frame::WindowUpdate(..) | Frame::Ping(_)));
        frames
    }

    /// Takes the events since the last call.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        self.poll_events();
        std::mem::take(&mut self.events)
    }

    /// Opens `stream` at the server under test, or has the client under test open it.
    pub(crate) fn open(&mut self, stream: u32, end: bool) -> StreamKey {
        self.events();
        if self.is_client {
            let key = self.conn.open(REQUEST.into_iter().collect(), end).expect("a stream");
            let sent = self.sent();
            assert!(
                sent.iter().any(|frame| matches!(frame, Frame::Headers { stream: id, .. } if *id == stream)),
                "{sent:?}"
            );
            return key;
        }
        self.feed(&request(stream, end));
        let events = self.events();
        match events[..] {
            [Event::Headers { stream, end_stream }] if end_stream == end => stream,
            _ => panic!("{events:?}"),
        }
    }

    /// Answers a request with a head alone.
    pub(crate) fn respond(&mut self, key: StreamKey, end: bool) {
        self.conn.send_headers(key, RESPONSE.into_iter().collect(), end).expect("a response");
    }

    pub(crate) fn send(&mut self, key: StreamKey, length: usize, end: bool) {
        self.conn.send_data(key, &[], Bytes::from(vec![7; length]), end).expect("room");
    }

    /// Lets `time` pass, timer by timer, with a peer that says nothing.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.conn.poll_timeout().filter(|&next| next <= end) {
            self.now = next.max(self.now);
            self.conn.handle_timeout(self.now);
            assert!(
                self.conn.poll_timeout().is_none_or(|next| next > self.now),
                "a timer that was handled is over"
            );
            self.transmit();
        }
        self.now = end;
    }

    /// `bytes` end the connection with `reason`, and a GOAWAY says so.
    #[track_caller]
    pub(crate) fn dies_of(&mut self, bytes: &[u8], reason: Reason) {
        self.feed(bytes);
        self.is_dead_of(reason);
    }

    /// Answers the debug data of the GOAWAY.
    #[track_caller]
    pub(crate) fn is_dead_of(&mut self, reason: Reason) -> String {
        let frames = self.sent();
        let Some(Frame::GoAway { reason: sent, debug, .. }) = frames.last() else {
            panic!("no GOAWAY last: {frames:?}")
        };
        assert_eq!(*sent, reason, "{debug}");
        let events = self.events();
        let Some(Event::Closed(ConnectionEnd { reason: told, by: Initiator::Library, .. })) = events.last()
        else {
            panic!("no end: {events:?}")
        };
        assert_eq!(*told, reason);
        assert!(self.conn.stats().kills.total() <= 1, "one kill at most");
        assert!(self.conn.wants_shutdown());
        // Threats R5: what comes after the end means nothing.
        assert_eq!(self.conn.handle_input(self.now, &ping([9; 8])), 17);
        assert!(!self.conn.wants_transmit());
        assert_eq!(self.conn.poll_event(), None);
        debug.clone()
    }

    /// `bytes` end `stream` with `reason` and nothing else.
    #[track_caller]
    pub(crate) fn resets(&mut self, bytes: &[u8], stream: u32, reason: Reason) {
        self.feed(bytes);
        let frames = self.answers();
        assert_eq!(frames, [Frame::Reset(stream, reason)]);
        self.lives();
    }

    /// `bytes` are let pass: no answer, no event.
    #[track_caller]
    pub(crate) fn ignores(&mut self, bytes: &[u8]) {
        self.sent();
        self.events();
        self.feed(bytes);
        assert_eq!((self.answers(), self.events()), (vec![], vec![]));
        self.lives();
    }

    /// The connection still answers.
    #[track_caller]
    pub(crate) fn lives(&mut self) {
        let mark = [0xa5; 8];
        let before = std::mem::take(&mut self.frames);
        self.feed(&ping(mark));
        let frames = self.sent();
        assert!(frames.contains(&Frame::PingAck(mark)), "no answer: {frames:?}");
        self.frames = before;
    }

    /// The last event of `key`, which must be the last event at all.
    #[track_caller]
    pub(crate) fn reset_event(&mut self, key: StreamKey) -> StreamError {
        match self.events().last() {
            Some(&Event::Reset { stream, error }) if stream == key => error,
            other => panic!("{other:?}"),
        }
    }
}
