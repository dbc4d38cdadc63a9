use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::recv_buffer::RecvBuffer;
use super::standing::Standing;
use super::state::{Half, State};
use super::store::Links;
use super::{Fields, StreamId, sections::SectionPlace};
use crate::Instant;

/// The longest head that a piece of DATA can carry in front of its body.
pub(crate) const MAX_PIECE_HEAD: usize = 8;

/// One stream: its state, what has arrived and was not taken, what was given and is not encoded.
#[derive(Debug)]
pub(crate) struct Stream {
    /// `None` until a client's HEADERS are encoded, so that a call given up before leaves no trace on the wire.
    pub(crate) id: Option<StreamId>,
    pub(crate) state: State,
    pub(crate) links: Links,
    pub(crate) recv: RecvSide,
    pub(crate) send: SendSide,
    /// The application will not ask for this stream again; at a server also a stream it never heard of.
    pub(crate) released: bool,
    /// The application reset it: what had been received and not polled is not told any more.
    pub(crate) given_up: bool,
    /// Its last event is queued or was polled.
    pub(crate) reported: bool,
    /// Counts until it is released, also when it has come to its end.
    pub(crate) held: bool,
    /// Counts against the limit of concurrent streams.
    pub(crate) counted: bool,
}

/// What comes from the peer.
#[derive(Debug)]
pub(crate) struct RecvSide {
    /// DATA that the application has not taken.
    pub(crate) buffer: RecvBuffer,
    /// How much the peer may still send, by what it was told. Signed: RFC 9113 §6.9.2.
    pub(crate) window: i64,
    /// Granted by the application, not yet told to the peer.
    pub(crate) granted: u32,
    /// Sections that were announced and not taken: the head, then the trailers.
    pub(crate) head: Option<SectionPlace>,
    pub(crate) trailers: Option<SectionPlace>,
    /// Octets of DATA that content-length still promises (RFC 9113 §8.1.1).
    pub(crate) content_left: Option<u64>,
    /// An unpolled `Event::Data` of this stream is in the queue.
    pub(crate) data_announced: bool,
    /// END_STREAM came with DATA, and no polled event has said so.
    pub(crate) end_unannounced: bool,
    /// 1xx responses so far.
    pub(crate) informational: u8,
    /// The request was HEAD: a content-length of the response describes content that does not come.
    pub(crate) head_request: bool,
}

/// What goes to the peer.
#[derive(Debug)]
pub(crate) struct SendSide {
    /// What waits to be encoded, in order.
    pub(crate) items: VecDeque<Item>,
    /// Octets of DATA in `items`.
    pub(crate) buffered: usize,
    /// How much we may still send. Signed: RFC 9113 §6.9.2.
    pub(crate) window: i64,
    /// What the application gives next; ahead of the wire's half in [`State`].
    pub(crate) next: Half,
    /// `send_data` said `Full` and `Writable` is due.
    pub(crate) want_writable: bool,
    /// Since when DATA waits for a window worth sending into.
    pub(crate) dribble_since: Option<Instant>,
}

/// Something to encode.
#[derive(Debug)]
pub(crate) enum Item {
    /// An interim response (`interim`), the head of a message, or its trailers.
    Headers {
        fields: Fields,
        interim: bool,
    },
    Data(Piece),
    /// The whole message: it is alone in its queue.
    Answer(Answer),
}

impl Item {
    pub(crate) fn data_len(&self) -> usize {
        match self {
            Self::Headers { .. } => 0,
            Self::Data(piece) => piece.len(),
            Self::Answer(answer) => answer.piece.len(),
        }
    }
}

/// A whole response: it takes one place in its stream's queue, and when the windows allow it leaves in one pass.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: &'static Standing,
    pub(crate) piece: Piece,
    pub(crate) trailers: &'static Standing,
}

/// What one `send_data` gave.
#[derive(Debug)]
pub(crate) struct Piece {
    head: [u8; MAX_PIECE_HEAD],
    /// The part of `head` not yet encoded: `head_start <= head_end <= MAX_PIECE_HEAD`.
    head_start: u8,
    head_end: u8,
    body: Bytes,
    /// Some of it was encoded.
    begun: bool,
    /// What the body consists of, where that is more than one thing.
    parts: Option<Box<Parts>>,
}

/// Where the parts of a body end.
#[derive(Debug)]
struct Parts {
    /// The whole body.
    whole: Bytes,
    /// Where in it a part begins of which some is left, when it was last asked for: nothing is looked at twice.
    start: usize,
    /// How long the part is at the front of what it is given, octets.
    length: fn(&[u8]) -> usize,
}

impl Parts {
    /// Where the part begins that `place` lies in, and how long it is.
    fn at(&mut self, place: usize) -> (usize, usize) {
        loop {
            let rest = self.whole.get(self.start..).unwrap_or_default();
            let length = (self.length)(rest).clamp(1, rest.len().max(1));
            let end = self.start.saturating_add(length);
            if end > place || rest.is_empty() {
                return (self.start, length);
            }
            self.start = end;
        }
    }
}

impl Piece {
    /// `None` if `head` is longer than [`MAX_PIECE_HEAD`].
    #[inline]
    pub(crate) fn new(head: &[u8], body: Bytes) -> Option<Self> {
        let mut octets = [0; MAX_PIECE_HEAD];
        octets.get_mut(..head.len())?.copy_from_slice(head);
        Some(Self {
            head: octets,
            head_start: 0,
            head_end: head.len() as u8,
            body,
            begun: false,
            parts: None,
        })
    }

    /// A piece whose head is certainly short enough.
    pub(crate) fn behind(head: [u8; 5], body: Bytes) -> Self {
        let [a, b, c, d, e] = head;
        Self { head: [a, b, c, d, e, 0, 0, 0], head_start: 0, head_end: 5, body, begun: false, parts: None }
    }

    /// A piece whose body consists of parts; `length` says how long the part is at the front of what it is given.
    pub(crate) fn of_parts(body: Bytes, length: fn(&[u8]) -> usize) -> Self {
        let parts = Parts { whole: body.clone(), start: 0, length };
        let head = [0; MAX_PIECE_HEAD];
        Self { head, head_start: 0, head_end: 0, body, begun: false, parts: Some(Box::new(parts)) }
    }

    /// The first octet of the head, and the body.
    pub(crate) fn into_parts(self) -> (u8, Bytes) {
        let [first, ..] = self.head;
        (first, self.body)
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "`head_start <= head_end`; 8 bytes more than `isize::MAX` at most"
    )]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.head_end - self.head_start) + self.body.len()
    }

    /// Whether some of it was encoded, and what it is, or one of its parts, is not whole without the rest.
    pub(crate) fn is_cut(&mut self) -> bool {
        let left = self.body.len();
        match &mut self.parts {
            None => self.begun,
            Some(parts) => {
                let encoded = parts.whole.len().saturating_sub(left);
                parts.at(encoded).0 < encoded
            }
        }
    }

    /// Octets up to where it, or the first of its parts that has some left, ends.
    pub(crate) fn left_of_part(&mut self) -> usize {
        let left = self.len();
        match &mut self.parts {
            None => left,
            Some(parts) => {
                let encoded = parts.whole.len().saturating_sub(left);
                let (start, length) = parts.at(encoded);
                start.saturating_add(length).saturating_sub(encoded)
            }
        }
    }

    /// Moves at most `max` octets to `out` and answers how many.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "never more than is left of the head, of the body, of `max`"
    )]
    pub(crate) fn encode(&mut self, max: usize, out: &mut crate::Outbox) -> usize {
        let head =
            self.head.get(usize::from(self.head_start)..usize::from(self.head_end)).unwrap_or_default();
        let from_head = head.len().min(max);
        out.put_slice(head.get(..from_head).unwrap_or_default());
        self.head_start += from_head as u8;
        let from_body = self.body.remaining().min(max - from_head);
        if from_body > 0 {
            out.put_bytes(self.body.split_to(from_body));
        }
        self.begun |= from_head + from_body > 0;
        from_head + from_body
    }
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self {
            id: None,
            state: State::Closed,
            links: Links::default(),
            recv: RecvSide {
                buffer: RecvBuffer::default(),
                window: 0,
                granted: 0,
                head: None,
                trailers: None,
                content_left: None,
                data_announced: false,
                end_unannounced: false,
                informational: 0,
                head_request: false,
            },
            send: SendSide {
                items: VecDeque::new(),
                buffered: 0,
                window: 0,
                next: Half::Head,
                want_writable: false,
                dribble_since: None,
            },
            released: false,
            given_up: false,
            reported: false,
            held: false,
            counted: false,
        }
    }

    /// Makes a used slot as good as new and keeps the memory of its queue, and a small buffer.
    pub(crate) fn renew(&mut self) {
        let mut items = core::mem::take(&mut self.send.items);
        items.clear();
        let mut buffer = core::mem::take(&mut self.recv.buffer);
        buffer.renew();
        *self = Self::new();
        self.send.items = items;
        self.recv.buffer = buffer;
    }

    /// Whether the application wants to hear of it.
    pub(crate) const fn is_heard(&self) -> bool {
        !self.released && !self.given_up
    }

    /// Whether the next piece of DATA, or a part that it consists of, has been encoded in part.
    pub(crate) fn front_is_cut(&mut self) -> bool {
        self.front_piece().is_some_and(Piece::is_cut)
    }

    /// Whether the first `length` octets of DATA end at least one piece, or one of the parts that it consists of.
    pub(crate) fn ends_part(&mut self, length: usize) -> bool {
        self.front_piece().is_some_and(|piece| piece.left_of_part() <= length)
    }

    fn front_piece(&mut self) -> Option<&mut Piece> {
        match self.send.items.front_mut() {
            Some(Item::Data(piece)) => Some(piece),
            _ => None,
        }
    }

    /// Whether a WINDOW_UPDATE is worth its frame: `worth` octets are to be told of, or the peer has less left than what is.
    pub(crate) fn is_update_due(&self, worth: u32) -> bool {
        let granted = self.recv.granted;
        granted > 0
            && self.id.is_some()
            && self.state.is_receiving()
            && (granted >= worth || i64::from(granted) >= self.recv.window)
    }

    /// Whether the next item can be encoded without any window.
    pub(crate) fn head_is_next(&self) -> bool {
        match self.send.items.front() {
            Some(Item::Headers { .. } | Item::Answer(_)) => true,
            // RFC 9113 §6.9.1: DATA without octets needs no window.
            Some(Item::Data(_)) => self.send.buffered == 0,
            None => false,
        }
    }
}

impl SendSide {
    /// Makes three items of an answer: for when not all of it may leave now, or some of it must not leave at all.
    pub(crate) fn part_answer(&mut self) {
        if matches!(self.items.front(), Some(Item::Answer(_)))
            && let Some(Item::Answer(Answer { head, piece, trailers })) = self.items.pop_front()
        {
            self.items.push_front(Item::Headers { fields: trailers.fields(), interim: false });
            if piece.len() > 0 {
                self.items.push_front(Item::Data(piece));
            }
            self.items.push_front(Item::Headers { fields: head.fields(), interim: false });
        }
    }
}

#[cfg(test)]
mod tests;
