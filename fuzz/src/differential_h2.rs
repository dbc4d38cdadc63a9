//! The same client bytes to our bare server connection and to that of the `h2` crate.
//!
//! After each frame (a field block with its CONTINUATIONs is one) both have accepted it or both have refused it, and both
//! have the same requests: the same streams, the same fields, as many octets of DATA, the same trailers and the same end. Where they
//! differ, the difference is one of [`known`], each with the section of the RFC that leaves room for it or that one of the
//! two does not keep to; the input ends there.
//!
//! Input: what follows the connection preface and the first SETTINGS.

mod known;
mod ours;
mod theirs;

use std::collections::{BTreeMap, BTreeSet};

use unwired_core::http2::Fields;
use unwired_core::http2::frame::{self, FrameHead, HEAD_LEN, Kind, flag};
use unwired_core::http2::hpack::{self, Decoder, DecoderLimits};

use known::known;
use ours::Ours;
use theirs::Theirs;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
/// Octets of a field section that both take, and that are far below the octets at which we end the connection.
const SECTION: u32 = 16 << 10;

/// Runs one input.
pub fn run(data: &[u8]) {
    let (mut ours, mut theirs) = (Ours::new(), Theirs::new());
    let mut reader = Reader::new();
    for octets in [PREFACE, SETTINGS] {
        ours.input(octets);
        theirs.input(octets);
    }
    let mut rest = data;
    while let Some(unit) = reader.next(&mut rest) {
        let before = [ours.view.refusals(), theirs.view.refusals()];
        ours.input(unit.octets);
        theirs.input(unit.octets);
        let refused = [ours.view.refusals() > before[0], theirs.view.refusals() > before[1]];
        let same = ours.view.comparable() == theirs.view.comparable();
        if refused[0] == refused[1] && same {
            if ours.view.dead.is_some() || theirs.is_over() {
                return;
            }
            continue;
        }
        // RFC 9113 §5.4: what is a stream error may be treated as a connection error.
        if refused == [true, true] {
            return;
        }
        assert!(
            known(&unit, &ours.view, &theirs.view, refused).is_some(),
            "{:?} with {:?}, after stream {}: {}\nours, refused: {}: {:#?}\ntheirs, refused: {}: {:#?}",
            unit.head,
            unit.fields,
            unit.highest,
            unit.octets.escape_ascii(),
            refused[0],
            ours.view,
            refused[1],
            theirs.view,
        );
        return;
    }
}

/// A frame, or a field block with all its frames.
struct Unit<'a> {
    octets: &'a [u8],
    head: FrameHead,
    /// What the field block holds, where it holds something.
    fields: Option<Fields>,
    /// What is wrong with its compression.
    broken_code: Option<hpack::Error>,
    /// The field block ends in another frame than CONTINUATION.
    is_broken: bool,
    /// The highest stream that was opened before.
    highest: u32,
    /// The client has reset the stream before.
    was_reset: bool,
    /// The client has said GOAWAY, now or before.
    is_leaving: bool,
}

/// Cuts the input into units, and reads their field blocks.
struct Reader {
    decoder: Decoder,
    highest: u32,
    /// Streams that the client has reset.
    resets: BTreeSet<u32>,
    is_leaving: bool,
}

impl Reader {
    fn new() -> Self {
        let limits = DecoderLimits {
            list_size: SECTION as usize,
            fields: 1 << 16,
            decoded: 1 << 20,
            block_wire: 1 << 20,
        };
        Self { decoder: Decoder::new(limits), highest: 0, resets: BTreeSet::new(), is_leaving: false }
    }

    fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Option<Unit<'a>> {
        let start = *rest;
        let (head, payload) = next_frame(rest)?;
        let mut block = block_of(head, payload).unwrap_or_default().to_vec();
        let mut last = head;
        while matches!(head.kind, Kind::Headers | Kind::PushPromise) && !last.has(flag::END_HEADERS) {
            // Whether a block is refused before its end is nobody's affair.
            let (next, payload) = next_frame(rest)?;
            if next.kind != Kind::Continuation || next.stream != head.stream {
                break;
            }
            last = next;
            block.extend_from_slice(payload);
        }
        let mut fields = Fields::new();
        let is_whole = last.has(flag::END_HEADERS);
        let decoded =
            (head.kind == Kind::Headers).then(|| self.decoder.decode(&block, is_whole, &mut fields));
        let id = head.stream.get();
        self.is_leaving |= head.kind == Kind::GoAway;
        let unit = Unit {
            octets: start.get(..start.len() - rest.len()).unwrap_or_default(),
            head,
            fields: matches!(decoded, Some(Ok(_))).then_some(fields),
            broken_code: decoded.and_then(Result::err),
            is_broken: head.kind == Kind::Headers && !is_whole,
            highest: self.highest,
            was_reset: self.resets.contains(&id),
            is_leaving: self.is_leaving,
        };
        if head.kind == Kind::Headers {
            self.highest = self.highest.max(id);
        } else if head.kind == Kind::ResetStream {
            self.resets.insert(id);
        }
        Some(unit)
    }
}

fn next_frame<'a>(rest: &mut &'a [u8]) -> Option<(FrameHead, &'a [u8])> {
    let (head, tail) = rest.split_first_chunk::<HEAD_LEN>()?;
    let head = FrameHead::parse(head);
    let (payload, tail) = tail.split_at_checked(head.length as usize)?;
    *rest = tail;
    Some((head, payload))
}

/// The field block in HEADERS, without padding and priority.
fn block_of(head: FrameHead, payload: &[u8]) -> Option<&[u8]> {
    let payload = match payload {
        [padding, rest @ ..] if head.has(flag::PADDED) => {
            rest.get(..rest.len().checked_sub(usize::from(*padding))?)?
        }
        _ => payload,
    };
    if head.has(flag::PRIORITY) { payload.get(5..) } else { Some(payload) }
}

/// Names and values with all but ASCII escaped, those of one name in order.
type Lines = Vec<(String, String)>;

/// One request as an application sees it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Request {
    head: Lines,
    data: usize,
    trailers: Option<Lines>,
    ended: bool,
}

/// What can be seen of a server from outside.
#[derive(Default, Debug)]
struct View {
    requests: BTreeMap<u32, Request>,
    /// Streams that the server reset with an error.
    resets: BTreeSet<u32>,
    reset_count: usize,
    /// Why it ended the connection, if it did.
    dead: Option<u32>,
    /// What it wrote and nobody has read.
    wire: Vec<u8>,
}

impl View {
    /// How often it refused something.
    fn refusals(&self) -> usize {
        self.reset_count + usize::from(self.dead.is_some())
    }

    /// Whether the stream has been reset, or answered as a whole.
    fn is_closed(&self, id: u32) -> bool {
        self.resets.contains(&id)
            || self.requests.get(&id).is_some_and(|request| request.ended && is_answered(id))
    }

    /// What both must agree on. Whether the end of a refused message was heard before the refusal is nobody's affair.
    fn comparable(&self) -> (bool, &BTreeSet<u32>, BTreeMap<u32, &Request>) {
        let requests = self.requests.iter().filter(|(id, _)| !self.resets.contains(id));
        (self.dead.is_some(), &self.resets, requests.map(|(&id, request)| (id, request)).collect())
    }

    /// Takes note of the frames that were written.
    fn read_wire(&mut self) {
        let wire = std::mem::take(&mut self.wire);
        let mut rest = &wire[..];
        while let Some((head, payload)) = next_frame(&mut rest) {
            match head.kind {
                // NO_ERROR only says that the rest of a request is not wanted (RFC 9113 §8.1).
                Kind::ResetStream if frame::reset(payload).is_some_and(|reason| reason.0 != 0) => {
                    self.resets.insert(head.stream.get());
                    self.reset_count += 1;
                }
                Kind::GoAway => {
                    let reason = frame::goaway(payload).map(|(_, reason, _)| reason.0);
                    self.dead = self.dead.or(reason.filter(|&reason| reason != 0));
                }
                _ => {}
            }
        }
        self.wire = rest.to_vec();
    }
}

/// Every other request is answered once it is whole.
fn is_answered(id: u32) -> bool {
    id % 4 == 1
}

/// By name, those of one name in order.
fn sorted(mut lines: Lines) -> Lines {
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines
}
