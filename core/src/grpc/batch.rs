use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::message::{self, Message, PREFIX_LEN};
use super::{Status, sending};

/// Messages of one direction that change hands together, in order: one command, and one piece of memory, for all of them.
///
/// To send some, gather them with a [`BatchBuilder`]. Those that were received come out one by one: the batch is their
/// iterator.
#[derive(Clone, Debug)]
pub struct Batch(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// One message, which may be large: its payload lies by itself.
    Alone(Message),
    Framed(Framed),
}

/// Whole messages behind their prefixes, as they go over the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Framed {
    pub(crate) octets: Bytes,
    pub(crate) messages: usize,
    /// No message is longer, bytes without its prefix.
    pub(crate) longest: usize,
}

impl Batch {
    /// Octets on the wire, prefixes included.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Alone(message) => message.payload.len().saturating_add(PREFIX_LEN),
            Kind::Framed(framed) => framed.octets.len(),
        }
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Batch {
    /// No messages.
    fn default() -> Self {
        Self(Kind::Framed(Framed::default()))
    }
}

impl From<Message> for Batch {
    fn from(message: Message) -> Self {
        Self(Kind::Alone(message))
    }
}

impl Iterator for Batch {
    type Item = Message;

    #[inline]
    fn next(&mut self) -> Option<Message> {
        let Kind::Framed(framed) = &mut self.0 else {
            return match core::mem::take(self).0 {
                Kind::Alone(message) => Some(message),
                Kind::Framed(_) => None,
            };
        };
        let &[flag, ..] = framed.octets.first_chunk::<PREFIX_LEN>()?;
        let length = message::framed_length(&framed.octets).saturating_sub(PREFIX_LEN);
        framed.messages = framed.messages.saturating_sub(1);
        framed.octets.advance(PREFIX_LEN);
        // What is split off is not touched again: to move a handle just after half of it was written makes the machine wait.
        let payload = framed.octets.split_to(length.min(framed.octets.len()));
        Some(Message { compressed: flag == 1, payload })
    }
}

/// Gathers messages that are to be sent, each encoded where it will lie.
#[derive(Debug)]
pub struct BatchBuilder {
    /// What was gathered, up to `end`; then room, all of it written to already.
    framed: BytesMut,
    end: usize,
    messages: usize,
    longest: usize,
    max_length: usize,
    /// How much the batch before held: what comes now may be as much.
    room: usize,
}

impl BatchBuilder {
    /// No messages yet, and none longer than `max_length` bytes.
    pub fn new(max_length: usize) -> Self {
        Self { framed: BytesMut::new(), end: 0, messages: 0, longest: 0, max_length, room: 0 }
    }

    /// Puts a message behind those that are there: what `write` appends, `compressed` in the encoding of the direction.
    ///
    /// # Errors
    ///
    /// That of `write`, and RESOURCE_EXHAUSTED for a message over the limit; the batch is what it was before.
    #[inline]
    pub fn put(
        &mut self,
        compressed: bool,
        write: impl FnOnce(&mut BytesMut) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let start = self.end;
        self.framed.truncate(start);
        self.make_first_room();
        self.framed.put_slice(&[0; PREFIX_LEN]);
        let written = write(&mut self.framed).and_then(|()| {
            let length = self.framed.len().checked_sub(start.saturating_add(PREFIX_LEN));
            self.close(length, compressed)
        });
        if written.is_err() {
            self.framed.truncate(start);
        }
        written
    }

    /// Puts a message that is not compressed behind those that are there, if `write` can write it to the beginning of what it
    /// is given: it says how many octets it wrote, and need not care how the rest looks. Answers whether it did; if not,
    /// [`put`](Self::put) is to do it.
    ///
    /// # Errors
    ///
    /// RESOURCE_EXHAUSTED for a message over the limit; the batch is what it was before.
    #[inline]
    pub fn put_in_place(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Result<bool, Status> {
        if self.framed.len() < self.framed.capacity() || self.framed.is_empty() {
            self.open_room();
        }
        let place = self.framed.get_mut(self.end..).and_then(|rest| rest.get_mut(PREFIX_LEN..));
        let Some(length) = place.and_then(write) else { return Ok(false) };
        self.close(Some(length), false)?;
        Ok(true)
    }

    fn make_first_room(&mut self) {
        if self.framed.is_empty() {
            self.framed.reserve(self.room.max(FIRST_ROOM));
        }
    }

    /// Makes room that can be written to of what there is.
    #[cold]
    fn open_room(&mut self) {
        self.make_first_room();
        let most = self.end.saturating_add(MAX_ROOM).max(self.framed.len());
        self.framed.resize(self.framed.capacity().min(most), 0);
    }

    /// Writes the prefix of the message that stands behind the place for it, `length` octets of it.
    #[inline]
    fn close(&mut self, length: Option<usize>, compressed: bool) -> Result<(), Status> {
        const MISUSE: &str =
            "a codec took away what it was to write behind, or wrote more than there was room for";
        let Some(length) = length else { return Err(Status::internal(MISUSE)) };
        sending::check_length(length, self.max_length)?;
        let end = self.end.saturating_add(PREFIX_LEN).saturating_add(length);
        let octets =
            self.framed.get_mut(self.end..end).and_then(|message| message.first_chunk_mut::<PREFIX_LEN>());
        let (Some(place), Ok(said)) = (octets, u32::try_from(length)) else {
            return Err(Status::internal(MISUSE));
        };
        let [a, b, c, d] = said.to_be_bytes();
        *place = [u8::from(compressed), a, b, c, d];
        self.end = end;
        self.messages = self.messages.saturating_add(1);
        self.longest = self.longest.max(length);
        Ok(())
    }

    /// Octets on the wire that are there, prefixes included.
    #[inline]
    pub const fn len(&self) -> usize {
        self.end
    }

    /// Whether there is no message.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// How many messages there are.
    #[inline]
    pub const fn messages(&self) -> usize {
        self.messages
    }

    /// Takes what was gathered. Nothing is held until the next message.
    pub fn take(&mut self) -> Batch {
        let mut framed = core::mem::take(&mut self.framed);
        framed.truncate(core::mem::take(&mut self.end));
        self.room = framed.len().min(MAX_ROOM);
        // What waits to be sent is counted by its octets, so it must not hold much more memory than that.
        let is_tight = framed.capacity() / 2 <= framed.len().max(FIRST_ROOM);
        Batch(Kind::Framed(Framed {
            octets: if is_tight { framed.freeze() } else { Bytes::copy_from_slice(&framed) },
            messages: core::mem::take(&mut self.messages),
            longest: core::mem::take(&mut self.longest),
        }))
    }
}

/// Room for a small message, so that its prefix needs no memory of its own, octets.
const FIRST_ROOM: usize = 64;
/// Room that is made for messages before they are there, octets, at most.
const MAX_ROOM: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grpc::Code;

    fn write(octets: &[u8]) -> impl FnOnce(&mut BytesMut) -> Result<(), Status> {
        move |out| {
            out.extend_from_slice(octets);
            Ok(())
        }
    }

    /// As codecs do it that know how long a message will be.
    fn write_at(octets: &[u8]) -> impl FnOnce(&mut [u8]) -> Option<usize> {
        move |place| {
            place.get_mut(..octets.len())?.copy_from_slice(octets);
            Some(octets.len())
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_no_trace() {
        let mut builder = BatchBuilder::new(3);
        builder.put(false, write(b"one")).unwrap();
        let failed = builder.put(false, |out| {
            out.extend_from_slice(b"x");
            Err(Status::internal("no"))
        });
        assert_eq!(failed.unwrap_err().message(), "no");
        let too_long = builder.put(true, write(b"four")).unwrap_err();
        assert_eq!(too_long.code(), Code::ResourceExhausted);
        let broken = builder.put(false, |out| {
            out.clear();
            Ok(())
        });
        assert_eq!(broken.unwrap_err().code(), Code::Internal);
        let too_long = builder.put_in_place(|_| Some(4)).unwrap_err();
        assert_eq!(too_long.code(), Code::ResourceExhausted);
        let mut builder = BatchBuilder::new(usize::MAX);
        let broken = builder.put_in_place(|place| Some(place.len() + 1));
        assert_eq!(broken.unwrap_err().code(), Code::Internal);
        assert!(builder.is_empty() && builder.take().is_empty());
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in(
            messages in proptest::collection::vec(
                (any::<bool>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..300)),
                0..8,
            ),
        ) {
            let mut builder = BatchBuilder::new(300);
            for _ in 0..2 {
                for (compressed, in_place, payload) in &messages {
                    let put = *in_place && !compressed && builder.put_in_place(write_at(payload)).unwrap();
                    if !put {
                        builder.put(*compressed, write(payload)).unwrap();
                    }
                }
                prop_assert_eq!(builder.messages(), messages.len());
                let batch = builder.take();
                prop_assert!(builder.is_empty());
                prop_assert_eq!(batch.is_empty(), messages.is_empty());
                let out: Vec<_> = batch.map(|message| (message.compressed, message.payload.to_vec())).collect();
                let sent: Vec<_> =
                    messages.iter().map(|(compressed, _, payload)| (*compressed, payload.clone())).collect();
                prop_assert_eq!(out, sent);
            }
        }
    }
}
