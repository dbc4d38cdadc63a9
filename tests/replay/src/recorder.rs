//! Writes down what is done to one connection and what it answers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

use unwired_core::Instant;

use crate::digest::Digest;
use crate::octets::{Malformed, Reader, Writer};

/// What a recording begins with; the last octet is the version of the format.
pub(crate) const MAGIC: [u8; 8] = *b"UNWIRED\x01";
/// Behind the last operation of a connection that was dropped in peace: then comes the digest, whole.
pub(crate) const END: u8 = 0;

/// What kind of connection it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// `grpc::client::Connection`.
    Client,
    /// `grpc::server::Connection`.
    Server,
    /// `http2::Connection`, opened as a client.
    Http2Client,
    /// `http2::Connection`, opened as a server.
    Http2Server,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Client, Self::Server, Self::Http2Client, Self::Http2Server];

    /// The name, which is also how the name of a recording's file ends.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Http2Client => "http2-client",
            Self::Http2Server => "http2-server",
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(reader.malformed("it is none, or its format has another version"));
        }
        let kind = usize::from(reader.octet()?);
        Self::ALL.get(kind).copied().ok_or_else(|| reader.malformed("no kind of connection"))
    }
}

/// A recording that grows.
pub(crate) type Tape = Rc<RefCell<Writer>>;

/// Writes a recording; `K` names calls or streams.
pub(crate) struct Recorder<K> {
    tape: Tape,
    last: Instant,
    digest: Digest,
    numbers: HashMap<K, u64>,
    count: u64,
    /// The last operation asked for an event, and there was none.
    pub(crate) is_drained: bool,
}

impl<K: Copy + Eq + Hash> Recorder<K> {
    pub(crate) fn new(tape: Tape, kind: Kind) -> Self {
        {
            let writer = &mut *tape.borrow_mut();
            writer.0.extend_from_slice(&MAGIC);
            writer.octet(kind as u8);
        }
        Self {
            tape,
            last: Instant::ZERO,
            digest: Digest::new(),
            numbers: HashMap::new(),
            count: 0,
            is_drained: false,
        }
    }

    /// Appends to the recording.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Self, &mut Writer)) {
        let tape = Rc::clone(&self.tape);
        write(self, &mut tape.borrow_mut());
    }

    /// The time, as what has passed since the last one; it may go back as well.
    pub(crate) fn time(&mut self, writer: &mut Writer, now: Instant) {
        let passed = now.as_nanos().wrapping_sub(self.last.as_nanos()) as i64;
        writer.number((passed << 1 ^ passed >> 63) as u64);
        self.last = now;
    }

    /// A call or stream that was begun has the next number; what was refused takes one as well.
    pub(crate) fn name(&mut self, key: Option<K>) {
        if let Some(key) = key {
            self.numbers.entry(key).or_insert(self.count);
        }
        self.count += 1;
    }

    pub(crate) fn is_known(&self, key: K) -> bool {
        self.numbers.contains_key(&key)
    }

    pub(crate) fn number(&self, key: K) -> u64 {
        *self.numbers.get(&key).expect("a call of this connection, that was not released before it came")
    }

    /// What the operation came to: two octets that depend on this and all outcomes before.
    pub(crate) fn outcome(&mut self, outcome: impl FnOnce(&mut Digest)) {
        outcome(&mut self.digest);
        let folded = self.digest.0 ^ self.digest.0 >> 32;
        let folded = (folded ^ folded >> 16) as u16;
        self.tape.borrow_mut().0.extend_from_slice(&folded.to_be_bytes());
    }
}

/// Length of what [`Recorder::outcome`] writes.
pub(crate) const OUTCOME_LEN: usize = 2;

impl<K> Drop for Recorder<K> {
    fn drop(&mut self) {
        // What panicked has no last outcome, and more may be wrong with it.
        if !std::thread::panicking() {
            let writer = &mut *self.tape.borrow_mut();
            writer.octet(END);
            writer.0.extend_from_slice(&self.digest.0.to_be_bytes());
        }
    }
}

/// Reads the times of a recording.
pub(crate) struct Clock(pub(crate) Instant);

impl Clock {
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Result<Instant, Malformed> {
        let number = reader.number()?;
        let passed = (number >> 1) as i64 ^ -((number & 1) as i64);
        self.0 = Instant::from_nanos(self.0.as_nanos().wrapping_add(passed as u64));
        Ok(self.0)
    }
}
