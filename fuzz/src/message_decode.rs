//! The DATA of a call as its peer likes it: prefixes, flags, lengths, compression.
//!
//! However it is cut, a server and a client find the same messages and the same end. No message is longer than the limit,
//! none is compressed in a call without an encoding, and together they are no more than what came. What is decompressed
//! stays within the limit too, is the same each time, needs exactly the room that it takes, and survives our own
//! compression.
//!
//! Input: an octet for the encoding (its lower two bits), the number of messages (bit 2: one, else many) and whether the
//! stream ends (bit 3: not); the longest message in two octets; the length of pieces (0: all at once); then the DATA.

use unwired_core::Instant;
use unwired_core::grpc::client::{self, NewCall};
use unwired_core::grpc::{
    CallLimits, Cardinality, Code, Config, Encoding, Message, Metadata, PREFIX_LEN, Received, compress,
    decompress, server,
};
use unwired_core::http2::Fields;

use super::input::{Input, pieces};
use super::stream::Stream;

const ENCODINGS: [Encoding; 4] = [Encoding::Identity, Encoding::Gzip, Encoding::Deflate, Encoding::Zstd];

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let (Some(how), Some(limit), Some(step)) = (input.octet(), input.short(), input.octet()) else { return };
    let setting = Setting {
        encoding: ENCODINGS[usize::from(how & 3)],
        cardinality: if how & 4 == 0 { Cardinality::Many } else { Cardinality::One },
        ends: how & 8 == 0,
        limit: limit.into(),
    };
    let whole = outcome(&mut setting.server(), input.0, 0, &setting);
    for (end, step) in [(true, step), (true, 1), (false, 0), (false, step)] {
        let other = if end {
            outcome(&mut setting.server(), input.0, step, &setting)
        } else {
            outcome(&mut setting.client(), input.0, step, &setting)
        };
        assert_eq!(
            other,
            whole,
            "another outcome in pieces of {step}, at a {}",
            ["client", "server"][usize::from(end)]
        );
    }
    whole.check(input.0.len(), &setting);
}

struct Setting {
    encoding: Encoding,
    cardinality: Cardinality,
    ends: bool,
    limit: usize,
}

impl Setting {
    fn limits(&self) -> CallLimits {
        let mut limits = CallLimits::default();
        limits.max_recv_message = Some(self.limit);
        limits
    }

    fn server(&self) -> server::Call {
        let mut fields: Fields =
            [(":method", "POST"), (":path", "/a/b"), ("content-type", "application/grpc")]
                .into_iter()
                .collect();
        self.put_encoding(&mut fields);
        let config = Config::server();
        let head = server::RequestHead::read(fields, config.accept).expect("a call");
        let mut call = server::Call::new(Instant::ZERO, head, &config, None);
        call.accept(self.cardinality, self.limits());
        call
    }

    fn client(&self) -> client::Call {
        let metadata = Metadata::new();
        let call = NewCall {
            response: self.cardinality,
            limits: self.limits(),
            ..NewCall::new("a", "/a/b", &metadata)
        };
        let mut call = client::Call::new(&call, &Config::client());
        let mut fields: Fields =
            [(":status", "200"), ("content-type", "application/grpc")].into_iter().collect();
        self.put_encoding(&mut fields);
        assert!(call.on_head(&mut Stream::default(), fields, false), "a response");
        call
    }

    fn put_encoding(&self, fields: &mut Fields) {
        if self.encoding != Encoding::Identity {
            fields.push(b"grpc-encoding", self.encoding.name().as_bytes());
        }
    }
}

/// The receiving half of a call, at either end.
trait Half {
    fn end(&mut self, stream: &mut Stream);
    fn receive(&mut self, stream: &mut Stream) -> Received;
}

impl Half for server::Call {
    fn end(&mut self, _: &mut Stream) {
        self.on_end();
    }

    fn receive(&mut self, stream: &mut Stream) -> Received {
        self.recv_message(stream)
    }
}

impl Half for client::Call {
    fn end(&mut self, stream: &mut Stream) {
        self.on_trailers(stream, [("grpc-status", "0")].into_iter().collect());
    }

    fn receive(&mut self, stream: &mut Stream) -> Received {
        self.recv_message(stream)
    }
}

/// What came of it: messages, and the code that ended them, where they ended well or not.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    messages: Vec<Message>,
    end: Option<Code>,
}

fn outcome(half: &mut impl Half, data: &[u8], step: u8, setting: &Setting) -> Outcome {
    let mut stream = Stream::default();
    let mut messages = Vec::new();
    for piece in pieces(data, step) {
        stream.data.extend_from_slice(piece);
        if let Some(end) = drain(half, &mut stream, &mut messages) {
            return Outcome { messages, end: Some(end) };
        }
    }
    if setting.ends {
        half.end(&mut stream);
    }
    let end = drain(half, &mut stream, &mut messages);
    assert!(end.is_some() || !setting.ends, "a stream that has ended is waited for");
    if end.is_some() {
        assert!(matches!(half.receive(&mut stream), Received::End), "there is something after the end");
    }
    Outcome { messages, end }
}

fn drain(half: &mut impl Half, stream: &mut Stream, messages: &mut Vec<Message>) -> Option<Code> {
    loop {
        match half.receive(stream) {
            Received::Message(message) => messages.push(message),
            Received::Pending => return None,
            Received::End => return Some(Code::Ok),
            Received::Failed(status) => {
                assert!(!status.is_ok() && !status.message().is_empty(), "a failure without a reason");
                return Some(status.code());
            }
        }
    }
}

impl Outcome {
    fn check(&self, octets: usize, setting: &Setting) {
        let taken: usize = self.messages.iter().map(|message| PREFIX_LEN + message.payload.len()).sum();
        assert!(taken <= octets, "more than what came");
        assert!(
            setting.cardinality == Cardinality::Many || self.messages.len() <= 1,
            "more than one message"
        );
        for message in &self.messages {
            assert!(message.payload.len() <= setting.limit, "a message over the limit");
            if message.compressed {
                assert_ne!(setting.encoding, Encoding::Identity, "compressed in a call without an encoding");
                check_decompressed(setting.encoding, &message.payload, setting.limit);
            }
        }
    }
}

fn check_decompressed(encoding: Encoding, payload: &[u8], limit: usize) {
    let message = match decompress(encoding, payload, limit) {
        Ok(message) => message,
        Err(status) => {
            assert!(matches!(status.code(), Code::ResourceExhausted | Code::Internal), "{status}");
            return;
        }
    };
    assert!(message.len() <= limit, "over the limit");
    assert_eq!(decompress(encoding, payload, message.len()).ok().as_ref(), Some(&message), "not enough room");
    if let Some(less) = message.len().checked_sub(1) {
        let code = decompress(encoding, payload, less).map_err(|status| status.code());
        assert_eq!(code, Err(Code::ResourceExhausted), "more than there is room for");
    }
    let again = compress(encoding, &message).expect("an encoding of ours");
    assert_eq!(decompress(encoding, &again, limit).ok(), Some(message), "our own compression loses it");
}
