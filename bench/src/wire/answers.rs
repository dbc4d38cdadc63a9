//! A server that parses the heads of frames and replays its answers: what clients are measured against.

use super::{
    ACK, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, PING, PREFACE, SETTINGS_ACK, UNBOUNDED,
    WINDOW_UPDATE, frame, message, set_stream,
};

/// Streamed messages that leave with one write.
pub(crate) const MESSAGES: usize = 50;

/// `HelloReply { message: "Hello, you!" }`.
const REPLY: &[u8] = b"\x0a\x0bHello, you!";

/// What the server answers with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// One greeting a call.
    Greetings,
    /// So many messages of 100 bytes, then the end.
    Stream(usize),
}

/// What was read, and what is to be written.
pub(crate) struct Replaying {
    answers: Answers,
    greeted: bool,
    /// The preface has come.
    begun: bool,
    /// Calls that are not answered.
    calls: Vec<u32>,
    /// Payloads of pings that are not answered.
    pings: Vec<u8>,
    /// How much the client takes on its stream, octets.
    window: usize,
    streamed: usize,
    streaming: Option<u32>,
    first: Vec<u8>,
    next: Vec<u8>,
    chunk: Vec<u8>,
}

const STREAMED: usize = 105;

impl Replaying {
    pub(crate) fn new(answers: Answers) -> Self {
        // The first answer puts into the table what the others find there: content-type, then grpc-status.
        let answer = |head: &[u8], trailers: &[u8]| {
            let mut out = Vec::new();
            frame(&mut out, HEADERS, END_HEADERS, 0, head);
            frame(&mut out, DATA, 0, 0, &message(REPLY));
            frame(&mut out, HEADERS, END_HEADERS | END_STREAM, 0, trailers);
            out
        };
        let mut chunk = Vec::new();
        for _ in 0..MESSAGES {
            frame(&mut chunk, DATA, 0, 1, &message(&streamed_payload()));
        }
        Self {
            answers,
            greeted: false,
            begun: false,
            calls: Vec::new(),
            pings: Vec::new(),
            window: 65_535,
            streamed: 0,
            streaming: None,
            first: answer(FIRST_HEAD, FIRST_TRAILERS),
            next: answer(b"\x88\xbf", b"\xbe"),
            chunk,
        }
    }

    /// Takes what a client sent, whole frames of it, and says how much that was.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        if !self.begun {
            let Some(frames) = rest.get(PREFACE.len()..) else { return 0 };
            self.begun = true;
            rest = frames;
        }
        while let Some((frame, next)) = Frame::split(rest) {
            match frame.kind {
                HEADERS if self.answers != Answers::Greetings => self.calls.push(frame.stream),
                DATA | HEADERS if frame.ends_stream() => self.calls.push(frame.stream),
                PING if !frame.is_ack() => self.pings.extend_from_slice(frame.payload),
                WINDOW_UPDATE if frame.stream > 0 => self.window += frame.increment(),
                _ => {}
            }
            rest = next;
        }
        bytes.len() - rest.len()
    }

    /// Whether there is something for the client.
    pub(crate) fn has_output(&self) -> bool {
        (self.begun && !self.greeted)
            || !self.calls.is_empty()
            || !self.pings.is_empty()
            || (self.streaming.is_some() && self.has_window())
    }

    fn has_window(&self) -> bool {
        self.window >= MESSAGES * STREAMED
    }

    /// The next bytes for the client.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) {
        let mut answer = &self.next;
        if !core::mem::replace(&mut self.greeted, true) {
            out.extend_from_slice(UNBOUNDED);
            out.extend_from_slice(SETTINGS_ACK);
        }
        for ping in self.pings.chunks(8) {
            frame(out, PING, ACK, 0, ping);
        }
        self.pings.clear();
        for stream in self.calls.drain(..) {
            if self.streamed == 0 {
                answer = &self.first;
                self.streamed = 1;
            }
            if let Answers::Stream(_) = self.answers {
                frame(out, HEADERS, END_HEADERS, stream, FIRST_HEAD);
                self.streaming = Some(stream);
                return;
            }
            // Head, message and trailers.
            let start = out.len();
            out.extend_from_slice(answer);
            set_stream(out.get_mut(start..).unwrap_or_default(), stream);
            answer = &self.next;
        }
        if let (Some(stream), Answers::Stream(messages)) = (self.streaming, self.answers)
            && self.has_window()
        {
            out.extend_from_slice(&self.chunk);
            self.window -= MESSAGES * STREAMED;
            self.streamed += MESSAGES;
            if self.streamed > messages {
                frame(out, HEADERS, END_HEADERS | END_STREAM, stream, FIRST_TRAILERS);
                self.streaming = None;
            }
        }
    }
}

const FIRST_HEAD: &[u8] = b"\x88\x5f\x10application/grpc";
const FIRST_TRAILERS: &[u8] = b"\x40\x0bgrpc-status\x010";

/// A `HelloReply` of 100 bytes.
pub(crate) fn streamed_payload() -> Vec<u8> {
    [&[0x0a, 98][..], &[b'x'; 98]].concat()
}
