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
        let end = message::framed_length(&framed.octets).min(framed.octets.len());
        framed.messages = framed.messages.saturating_sub(1);
        let mut payload = framed.octets.split_to(end);
        payload.advance(PREFIX_LEN);
        Some(Message { compressed: flag == 1, payload })
    }
}

/// Gathers messages that are to be sent, each encoded where it will lie.
#[derive(Debug)]
pub struct BatchBuilder {
    framed: BytesMut,
    messages: usize,
    longest: usize,
    max_length: usize,
    /// How much the batch before held: what comes now may be as much.
    room: usize,
}

impl BatchBuilder {
    /// No messages yet, and none longer than `max_length` bytes.
    pub fn new(max_length: usize) -> Self {
        Self { framed: BytesMut::new(), messages: 0, longest: 0, max_length, room: 0 }
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
        let start = self.framed.len();
        if start == 0 {
            self.framed.reserve(self.room.max(FIRST_ROOM));
        }
        self.framed.put_slice(&[u8::from(compressed), 0, 0, 0, 0]);
        let written = write(&mut self.framed).and_then(|()| self.close(start));
        if written.is_err() {
            self.framed.truncate(start);
        }
        written
    }

    /// Writes the length of the message whose prefix is at `start`.
    #[inline]
    fn close(&mut self, start: usize) -> Result<(), Status> {
        let length = self.framed.len().saturating_sub(start).saturating_sub(PREFIX_LEN);
        sending::check_length(length, self.max_length)?;
        let octets = self.framed.get_mut(start..).and_then(|message| message.first_chunk_mut::<PREFIX_LEN>());
        let (Some([_, place @ ..]), Ok(prefix)) = (octets, u32::try_from(length)) else {
            return Err(Status::internal("a codec took away what it was to write behind"));
        };
        *place = prefix.to_be_bytes();
        self.messages = self.messages.saturating_add(1);
        self.longest = self.longest.max(length);
        Ok(())
    }

    /// Octets on the wire that are there, prefixes included.
    #[inline]
    pub fn len(&self) -> usize {
        self.framed.len()
    }

    /// Whether there is no message.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.framed.is_empty()
    }

    /// How many messages there are.
    #[inline]
    pub const fn messages(&self) -> usize {
        self.messages
    }

    /// Takes what was gathered. Nothing is held until the next message.
    pub fn take(&mut self) -> Batch {
        let framed = core::mem::take(&mut self.framed);
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
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in(
            messages in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..300)), 0..8),
        ) {
            let mut builder = BatchBuilder::new(300);
            for _ in 0..2 {
                for (compressed, payload) in &messages {
                    builder.put(*compressed, write(payload)).unwrap();
                }
                prop_assert_eq!(builder.messages(), messages.len());
                let batch = builder.take();
                prop_assert!(builder.is_empty());
                prop_assert_eq!(batch.is_empty(), messages.is_empty());
                let out: Vec<_> = batch.map(|message| (message.compressed, message.payload.to_vec())).collect();
                prop_assert_eq!(&out, &messages);
            }
        }
    }
}
