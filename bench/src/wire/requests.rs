//! What clients send, as bytes: as the common clients compress it (nghttp2, h2), not as ours does.

use std::collections::VecDeque;

use unwired_core::http2::Fields;
use unwired_core::http2::hpack::Encoder;

use super::{
    DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, PREFIX, SETTINGS_ACK, UNBOUNDED, frame, message,
    set_stream,
};

/// What distinguishes the calls of a load from each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// Nothing.
    Plain,
    /// Timeout and request id, beside some metadata that stays the same.
    Varied,
    /// Nothing; they are to the method whose handler computes.
    Computed,
}

impl Calls {
    const ALL: [Self; 3] = [Self::Plain, Self::Varied, Self::Computed];

    /// What processes tell each other.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Varied => "varied",
            Self::Computed => "computed",
        }
    }

    /// Those of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|calls| calls.name() == name)
    }

    const fn path(self) -> &'static [u8] {
        match self {
            Self::Plain | Self::Varied => b"/helloworld.Greeter/SayHello",
            Self::Computed => b"/helloworld.Greeter/SayHelloAgain",
        }
    }
}

/// `HelloRequest { name: "you" }`.
pub(crate) const REQUEST: &[u8] = b"\x0a\x03you";

/// Requests that differ in nothing: the first puts its lines into the table, the others find them there.
const ALIKE: usize = 2;

/// The requests of one connection, in order, with no number in their frames yet.
pub(crate) struct Requests {
    frames: Vec<u8>,
    /// Where each of them ends; those after the last are as that.
    ends: Vec<usize>,
}

impl Requests {
    /// Greetings: as many as are different from each other, of so many.
    pub(crate) fn new(calls: Calls, count: usize) -> Self {
        let different = match calls {
            Calls::Plain | Calls::Computed => count.min(ALIKE),
            Calls::Varied => count,
        };
        Self::of(calls.path(), calls, different, END_STREAM)
    }

    /// Calls of `path` that send one message and stay open.
    pub(crate) fn held(path: &[u8]) -> Self {
        Self::of(path, Calls::Plain, ALIKE, 0)
    }

    fn of(path: &[u8], calls: Calls, different: usize, flags: u8) -> Self {
        let mut table = PeerTable::default();
        let (mut frames, mut ends) = (Vec::new(), Vec::new());
        for number in 1..=different as u64 {
            let block = table.request(calls, number, path);
            frame(&mut frames, HEADERS, END_HEADERS, 0, &block);
            frame(&mut frames, DATA, flags, 0, &message(REQUEST));
            ends.push(frames.len());
        }
        Self { frames, ends }
    }

    /// Writes the `nth` request of a connection, from 0, and says how long its message is, prefix and all.
    pub(crate) fn write(&self, nth: usize, out: &mut Vec<u8>) -> usize {
        let nth_of_these = nth.min(self.ends.len().saturating_sub(1));
        let end = self.ends.get(nth_of_these).copied().unwrap_or_default();
        let start = nth_of_these.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let at = out.len();
        out.extend_from_slice(self.frames.get(start.unwrap_or_default()..end).unwrap_or_default());
        set_stream(out.get_mut(at..).unwrap_or_default(), nth as u32 * 2 + 1);
        REQUEST.len() + PREFIX
    }
}

/// The beginning of a connection, then so many rounds of so many calls, each as it arrives with one read.
pub(crate) fn requests(calls: Calls, rounds: usize, in_flight: usize) -> Vec<Vec<u8>> {
    let requests = Requests::new(calls, rounds * in_flight);
    let mut all = vec![[PREFACE, UNBOUNDED].concat()];
    for nth in 0..rounds {
        let mut round = if nth == 0 { SETTINGS_ACK.to_vec() } else { Vec::new() };
        for call in nth * in_flight..(nth + 1) * in_flight {
            requests.write(call, &mut round);
        }
        all.push(round);
    }
    all
}

/// The beginning of a connection, and one call of `path`.
pub(crate) fn single(path: &[u8]) -> Vec<u8> {
    let mut bytes = [PREFACE, UNBOUNDED].concat();
    Requests::of(path, Calls::Plain, 1, END_STREAM).write(0, &mut bytes);
    bytes
}

/// The compression table of a client that puts all into it but paths and ids.
#[derive(Default)]
struct PeerTable {
    lines: VecDeque<(&'static str, String)>,
    size: usize,
}

const CAPACITY: usize = 4096;
const STATIC_LINES: usize = 61;

impl PeerTable {
    fn request(&mut self, calls: Calls, number: u64, path: &[u8]) -> Vec<u8> {
        // `:method: POST`, `:scheme: http`, and a path that is not indexed.
        let mut block = vec![0x83, 0x86, 0x04];
        string(path, &mut block);
        self.line(":authority", Some(1), "localhost:50051", &mut block);
        self.line("te", None, "trailers", &mut block);
        self.line("content-type", Some(31), "application/grpc", &mut block);
        self.line("user-agent", Some(58), "grpc-example/1.0", &mut block);
        if calls == Calls::Varied {
            // Below 8 digits, as clients write what is left of some seconds.
            self.line("grpc-timeout", None, &format!("{}u", 4_900_000 + number * 7), &mut block);
            self.line("x-tenant", None, "acme-production", &mut block);
            self.line("x-client-version", None, "4.17.1", &mut block);
            // Not indexed, its name is.
            let id = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            match self.lines.iter().position(|(name, _)| *name == "x-request-id") {
                Some(at) => {
                    integer(STATIC_LINES + 1 + at, 4, 0x00, &mut block);
                    string(id.as_bytes(), &mut block);
                }
                None => self.line("x-request-id", None, &id, &mut block),
            }
        }
        block
    }

    fn line(&mut self, name: &'static str, name_index: Option<usize>, value: &str, out: &mut Vec<u8>) {
        if let Some(at) = self.lines.iter().position(|line| line.0 == name && line.1 == value) {
            return integer(STATIC_LINES + 1 + at, 7, 0x80, out);
        }
        let known = || self.lines.iter().position(|line| line.0 == name).map(|at| STATIC_LINES + 1 + at);
        match name_index.or_else(known) {
            Some(index) => integer(index, 6, 0x40, out),
            None => {
                out.push(0x40);
                string(name.as_bytes(), out);
            }
        }
        string(value.as_bytes(), out);
        self.lines.push_front((name, value.to_owned()));
        self.size += name.len() + value.len() + 32;
        while self.size > CAPACITY
            && let Some((name, value)) = self.lines.pop_back()
        {
            self.size -= name.len() + value.len() + 32;
        }
    }
}

/// A string literal, by its Huffman code where that is shorter.
fn string(text: &[u8], out: &mut Vec<u8>) {
    let mut fields = Fields::new();
    // Never indexed, behind the index of its name: the rest is the string.
    fields.push_sensitive(b":authority", text);
    let mut block = Vec::new();
    Encoder::new(CAPACITY as u32).encode(&fields, &mut block);
    out.extend_from_slice(block.get(1..).unwrap_or_default());
}

/// An integer with a prefix (RFC 7541 §5.1), below the prefix's limit plus 128.
fn integer(value: usize, prefix: u32, flags: u8, out: &mut Vec<u8>) {
    let most = (1 << prefix) - 1;
    if value < most {
        out.push(flags | value as u8);
    } else {
        out.extend_from_slice(&[flags | most as u8, (value - most) as u8]);
    }
}
