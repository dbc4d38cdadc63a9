use core::fmt;
use core::task::{Poll, Waker};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use unwired_core::grpc::{
    Batch, BatchBuilder, CallId, Encoding, Message, Metadata, Received, SendMessageError, client, compress,
    decompress, server,
};

use crate::Status;
use crate::codec::Codec;
use crate::driver::{Link, wake_all};
use crate::server::panicked;

/// What the two ends of a call have in common, whichever side this is.
pub(crate) trait Calls: Send + Sync {
    /// The next messages. The peer may send as much again when the next ones are asked for.
    fn poll_messages(&self, call: CallId, waker: &Waker) -> Poll<Received<Batch>>;
    /// The encoding in which the peer compresses.
    fn recv_encoding(&self, call: CallId) -> Encoding;
    /// Sends; gives the messages back while there is no room.
    fn poll_send(&self, call: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>>;
    /// The longest message that may be sent, bytes.
    fn max_send_message(&self, call: CallId) -> usize;
    /// Why the call has ended, for whoever sends or receives on.
    fn end_of(&self, call: CallId) -> Status;
    /// Ready once the call has ended.
    fn poll_ended(&self, call: CallId, waker: &Waker) -> Poll<()>;
    fn release(&self, call: CallId);

    // What only clients have.

    /// Initial metadata, once it is there or will not be.
    fn poll_metadata(&self, _call: CallId, _waker: &Waker) -> Poll<Metadata> {
        Poll::Ready(Metadata::new())
    }
    /// The status, once it is there; at a server never.
    fn poll_status(&self, _call: CallId, _waker: &Waker) -> Poll<Status> {
        Poll::Pending
    }
    /// Whether the server never acted on the call, so that it can be made again.
    fn is_unprocessed(&self, _call: CallId) -> bool {
        false
    }
    /// Whether initial metadata has come from the server.
    fn has_answered(&self, _call: CallId) -> bool {
        false
    }
    fn half_close(&self, _call: CallId) {}
    /// Gives the call up.
    fn cancel(&self, call: CallId) {
        self.fail(call, given_up());
    }
    /// Gives the call up with a status of this side.
    fn fail(&self, _call: CallId, _status: Status) {}
}

/// The status of a call that was cancelled from this side.
pub(crate) fn given_up() -> Status {
    Status::cancelled("the call was cancelled by its caller")
}

/// The status for whoever goes on with a call that has ended without a failure.
pub(crate) fn ended() -> Status {
    Status::cancelled("the call has ended")
}

impl Calls for Link<server::Connection> {
    fn poll_messages(&self, call: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        self.with(|shared| {
            if shared.conn.is_active(call) {
                shared.poll_messages(call, waker)
            } else {
                // The end of a call that was given up must not look like the end of its request.
                Poll::Ready(Received::Failed(self.end_of(call)))
            }
        })
    }

    fn recv_encoding(&self, call: CallId) -> Encoding {
        self.with(|shared| shared.conn.encodings(call).recv)
    }

    fn poll_send(&self, call: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>> {
        self.with(|shared| {
            let sent = shared.conn.send_messages(call, batch);
            if let Err(SendMessageError::Full(_)) = sent {
                shared.wait_to_send(call, waker);
            }
            sent
        })
    }

    fn max_send_message(&self, call: CallId) -> usize {
        self.ask(|conn| conn.max_send_message(call))
    }

    fn end_of(&self, _: CallId) -> Status {
        ended()
    }

    fn poll_ended(&self, call: CallId, waker: &Waker) -> Poll<()> {
        self.with(|shared| {
            if !shared.conn.is_active(call) {
                return Poll::Ready(());
            }
            shared.wakers.of(call).watch(waker);
            Poll::Pending
        })
    }

    fn release(&self, call: CallId) {
        let panicking = std::thread::panicking();
        if panicking {
            // The stack of a handler that panicked is being unwound, and this is what held its call.
            self.with(|shared| shared.conn.finish(call, &panicked()));
            self.handlers.panicked();
        }
        Self::release(self, call);
    }
}

impl Calls for Link<client::Connection> {
    fn poll_messages(&self, call: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        Self::poll_messages(self, call, waker)
    }

    fn recv_encoding(&self, call: CallId) -> Encoding {
        self.with(|shared| shared.conn.encodings(call).recv)
    }

    fn poll_send(&self, call: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>> {
        self.with(|shared| {
            let sent = shared.conn.send_messages(call, batch);
            if let Err(SendMessageError::Full(_)) = sent {
                shared.wait_to_send(call, waker);
            }
            sent
        })
    }

    fn max_send_message(&self, call: CallId) -> usize {
        self.ask(|conn| conn.max_send_message(call))
    }

    fn end_of(&self, call: CallId) -> Status {
        let status = self.with(|shared| shared.conn.status(call).cloned());
        // An OK that comes before the client has sent all it had is no failure of the call.
        status.unwrap_or_else(ended)
    }

    fn poll_ended(&self, call: CallId, waker: &Waker) -> Poll<()> {
        self.with(|shared| {
            if !shared.conn.is_active(call) {
                return Poll::Ready(());
            }
            shared.wakers.of(call).watch(waker);
            Poll::Pending
        })
    }

    fn poll_metadata(&self, call: CallId, waker: &Waker) -> Poll<Metadata> {
        self.with(|shared| {
            if let Some(metadata) = shared.conn.metadata(call) {
                return Poll::Ready(metadata.clone());
            }
            if !shared.conn.is_active(call) {
                return Poll::Ready(Metadata::new());
            }
            shared.wakers.of(call).watch(waker);
            Poll::Pending
        })
    }

    fn poll_status(&self, call: CallId, waker: &Waker) -> Poll<Status> {
        self.with(|shared| match shared.conn.status(call) {
            Some(status) => Poll::Ready(status.clone()),
            None => {
                shared.wakers.of(call).watch(waker);
                Poll::Pending
            }
        })
    }

    fn is_unprocessed(&self, call: CallId) -> bool {
        self.with(|shared| shared.conn.is_unprocessed(call))
    }

    fn has_answered(&self, call: CallId) -> bool {
        self.ask(|conn| conn.metadata(call).is_some())
    }

    fn half_close(&self, call: CallId) {
        // A call that has ended needs no end from us.
        let _ = self.with(|shared| shared.conn.half_close(call));
    }

    fn fail(&self, call: CallId, status: Status) {
        let mut woken = Vec::new();
        self.with(|shared| {
            if shared.conn.is_active(call) {
                shared.conn.fail(call, status);
                // Whoever waits for the call is woken from here: the driver may have nothing to do.
                shared.wakers.of(call).take_all(&mut woken);
            }
        });
        wake_all(&mut woken);
    }

    fn release(&self, call: CallId) {
        Self::release(self, call);
    }
}

/// Holds a call: when the last holder is dropped, it is released, and cancelled if it goes on.
pub(crate) struct CallHandle {
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) id: CallId,
}

impl Drop for CallHandle {
    fn drop(&mut self) {
        self.calls.release(self.id);
    }
}

impl fmt::Debug for CallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// A message that is no longer is put together on the stack, octets: then its memory is asked for once, in its very length.
const SMALL: usize = 256;

/// Encodes `message`, compressed if `encoding` says so.
pub(crate) fn compressed<C: Codec<T>, T>(message: &T, encoding: Encoding) -> Result<Message, Status> {
    if encoding == Encoding::Identity {
        let mut place = [0; SMALL];
        if let Some(octets) = C::encode_in_place(message, &mut place).and_then(|length| place.get(..length)) {
            return Ok(Message::plain(Bytes::copy_from_slice(octets)));
        }
    }
    let mut out = BytesMut::new();
    C::encode(message, &mut out)?;
    if encoding == Encoding::Identity {
        return Ok(Message::plain(out.freeze()));
    }
    Ok(Message { compressed: true, payload: compress(encoding, &out)? })
}

/// As [`compressed`], behind what `batch` has.
// Inlined into the loop over a stream it has its pieces called and copied instead: 150 instructions a message.
#[inline(never)]
pub(crate) fn gather<C: Codec<T>, T>(
    message: &T,
    encoding: Encoding,
    batch: &mut BatchBuilder,
) -> Result<(), Status> {
    if encoding == Encoding::Identity {
        if batch.put_in_place(|place| C::encode_in_place(message, place))? {
            return Ok(());
        }
        return batch.put(false, |out| C::encode(message, out));
    }
    let Message { compressed, payload } = compressed::<C, T>(message, encoding)?;
    batch.put(compressed, |out| {
        out.extend_from_slice(&payload);
        Ok(())
    })
}

/// The payload of `message`, decompressed into `limit` bytes at most.
#[inline]
pub(crate) fn decompressed(message: Message, encoding: Encoding, limit: usize) -> Result<Bytes, Status> {
    if message.compressed { decompress(encoding, &message.payload, limit) } else { Ok(message.payload) }
}
