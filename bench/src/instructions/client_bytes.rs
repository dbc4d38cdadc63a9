//! What clients send, as bytes: as the common clients compress it (nghttp2, h2), not as ours does.

use std::collections::VecDeque;

use unwired_core::http2::Fields;
use unwired_core::http2::hpack::Encoder;

use super::IN_FLIGHT;

/// What distinguishes the calls of a load from each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// Nothing.
    Plain,
    /// Timeout and request id, beside some metadata that stays the same.
    Varied,
}

/// `HelloRequest { name: "you" }`.
pub(crate) const REQUEST: &[u8] = b"\x0a\x03you";

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// SETTINGS_INITIAL_WINDOW_SIZE of 2^31-1, then as much for the connection.
pub(crate) const UNBOUNDED: &[u8] =
    b"\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0";
/// The answer to SETTINGS.
pub(crate) const SETTINGS_ACK: &[u8] = b"\0\0\0\x04\x01\0\0\0\0";

const HEADERS: u8 = 1;
const DATA: u8 = 0;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The beginning of a connection, then so many rounds of calls, each as it arrives with one read.
pub(crate) fn requests(calls: Calls, rounds: usize) -> Vec<Vec<u8>> {
    let mut table = PeerTable::default();
    let mut ids = (1..).step_by(2);
    let mut number = 0_u64;
    let mut all = vec![[PREFACE, UNBOUNDED].concat()];
    for nth in 0..rounds {
        let mut round = if nth == 0 { SETTINGS_ACK.to_vec() } else { Vec::new() };
        for id in ids.by_ref().take(IN_FLIGHT) {
            number += 1;
            let block = table.request(calls, number, b"/helloworld.Greeter/SayHello");
            frame(&mut round, HEADERS, END_HEADERS, id, &block);
            frame(&mut round, DATA, END_STREAM, id, &message(REQUEST));
        }
        all.push(round);
    }
    all
}

/// The beginning of a connection, and one call of `path`.
pub(crate) fn single(path: &[u8]) -> Vec<u8> {
    let mut bytes = [PREFACE, UNBOUNDED].concat();
    let block = PeerTable::default().request(Calls::Plain, 1, path);
    frame(&mut bytes, HEADERS, END_HEADERS, 1, &block);
    frame(&mut bytes, DATA, END_STREAM, 1, &message(REQUEST));
    bytes
}

/// A frame.
pub(crate) fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A message behind its prefix.
pub(crate) fn message(payload: &[u8]) -> Vec<u8> {
    [&[0][..], &(payload.len() as u32).to_be_bytes(), payload].concat()
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
