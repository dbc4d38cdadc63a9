//! A server that parses the heads of frames and replays its answers: what clients are measured against.

use super::MESSAGES;
use super::client_bytes::{SETTINGS_ACK, UNBOUNDED, frame, message};

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
            frame(&mut out, 1, 4, 0, head);
            frame(&mut out, 0, 0, 0, &message(REPLY));
            frame(&mut out, 1, 5, 0, trailers);
            out
        };
        let mut chunk = Vec::new();
        for _ in 0..MESSAGES {
            frame(&mut chunk, 0, 0, 1, &message(&streamed_payload()));
        }
        Self {
            answers,
            greeted: false,
            begun: false,
            calls: Vec::new(),
            window: 65_535,
            streamed: 0,
            streaming: None,
            first: answer(FIRST_HEAD, FIRST_TRAILERS),
            next: answer(b"\x88\xbf", b"\xbe"),
            chunk,
        }
    }

    /// Bytes of the client: whole frames.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        if !core::mem::replace(&mut self.begun, true) {
            bytes = bytes.get(24..).unwrap_or_default();
        }
        while let Some((&[a, b, c, kind, _, s, t, u, v], rest)) = bytes.split_first_chunk::<9>() {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let stream = u32::from_be_bytes([s, t, u, v]);
            let (payload, rest) = rest.split_at(length);
            match kind {
                1 => self.calls.push(stream),
                8 if stream > 0 => {
                    self.window +=
                        payload.first_chunk().map_or(0, |&increment| u32::from_be_bytes(increment) as usize);
                }
                _ => {}
            }
            bytes = rest;
        }
    }

    /// Whether there is something for the client.
    pub(crate) fn has_output(&self) -> bool {
        (self.begun && !self.greeted)
            || !self.calls.is_empty()
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
        for stream in self.calls.drain(..) {
            if self.streamed == 0 {
                answer = &self.first;
                self.streamed = 1;
            }
            if let Answers::Stream(_) = self.answers {
                frame(out, 1, 4, stream, FIRST_HEAD);
                self.streaming = Some(stream);
                return;
            }
            // Head, message and trailers, with the number put into each.
            let start = out.len();
            out.extend_from_slice(answer);
            let mut at = start;
            while let Some(head) = out.get_mut(at..at + 9) {
                let length = usize::from(head[1]) << 8 | usize::from(head[2]);
                head[5..].copy_from_slice(&stream.to_be_bytes());
                at += 9 + length;
            }
            answer = &self.next;
        }
        if let (Some(stream), Answers::Stream(messages)) = (self.streaming, self.answers)
            && self.has_window()
        {
            out.extend_from_slice(&self.chunk);
            self.window -= MESSAGES * STREAMED;
            self.streamed += MESSAGES;
            if self.streamed > messages {
                frame(out, 1, 5, stream, FIRST_TRAILERS);
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
