//! Field sections that are always the same: judged by a test and not in every message, and their block is remembered by the
//! [`Encoder`](super::hpack::Encoder) for as long as its table does not change.

use super::StreamKey;
use super::field::Class;
use super::fields::{Fields, Line};
use super::stream::{Item, Piece, SendSide};
use super::{Connection, Role, state::Half, store::Queue};

/// A section that is written down in the program.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Its place among what the encoder remembers: below [`COUNT`](Self::COUNT), and no other's.
    pub(crate) place: usize,
    pub(crate) lines: &'static [Line<'static, Class>],
}

impl Standing {
    /// How many of them there may be.
    pub(crate) const COUNT: usize = 2;
    /// What each counts at most against SETTINGS_MAX_HEADER_LIST_SIZE, bytes.
    pub(crate) const MAX_SIZE: u32 = 128;

    /// The section as any other.
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        for &line in self.lines {
            fields.push_line(line);
        }
        fields
    }
}

/// A whole response: it takes one place in its stream's queue, and when the windows allow it leaves in one pass.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: &'static Standing,
    pub(crate) piece: Piece,
    pub(crate) trailers: &'static Standing,
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

impl Connection {
    /// Answers a request with all that the response is. Gives the answer back, and has changed nothing, when the stream
    /// or the peer is in a state in which it must be judged piece by piece.
    pub(crate) fn answer(&mut self, stream: StreamKey, answer: Answer) -> Result<(), Answer> {
        let takes_sections = self.peer.max_header_list_size.is_none_or(|max| max >= Standing::MAX_SIZE);
        let (Role::Server, true, Some(record)) = (self.role, takes_sections, self.streams.get_mut(stream))
        else {
            return Err(answer);
        };
        let send = &mut record.send;
        if send.next != Half::Head || !send.items.is_empty() {
            return Err(answer);
        }
        send.next = Half::Ended;
        send.buffered = answer.piece.len();
        self.stats.buffered_to_send = self.stats.buffered_to_send.saturating_add(send.buffered);
        send.items.push_back(Item::Answer(answer));
        self.streams.push(Queue::Heads, stream);
        Ok(())
    }
}
