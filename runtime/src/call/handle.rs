use core::fmt;
use core::task::{Poll, Waker};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use unwired_core::grpc::{
    CallId, Encoding, Message, Metadata, Received, SendMessageError, client, compress, decompress, server,
};

use crate::Status;
use crate::codec::Codec;
use crate::driver::{Link, wake_all};
use crate::server::panicked;

/// What the two ends of a call have in common, whichever side this is.
pub(crate) trait Calls: Send + Sync {
    fn poll_message(&self, call: CallId, waker: &Waker) -> Poll<Received>;
    /// The encoding in which the peer compresses.
    fn recv_encoding(&self, call: CallId) -> Encoding;
    /// Sends; gives the message back while there is no room.
    fn poll_send(&self, call: CallId, message: Message, waker: &Waker) -> Result<(), SendMessageError>;
    /// Why the call has ended, for whoever sends or receives on.
    fn end_of(&self, call: CallId) -> Status;
    /// Ready once the call has ended.
    fn poll_ended(&self, call: CallId, waker: &Waker) -> Poll<()>;
    /// Initial metadata, once it is there or will not be.
    fn poll_metadata(&self, call: CallId, waker: &Waker) -> Poll<Metadata>;
    /// The status, once it is there; at a server never.
    fn poll_status(&self, call: CallId, waker: &Waker) -> Poll<Status>;
    /// Whether the server never acted on the call, so that it can be made again.
    fn is_unprocessed(&self, call: CallId) -> bool;
    /// Whether initial metadata has come from the server.
    fn has_answered(&self, call: CallId) -> bool;
    fn half_close(&self, call: CallId);
    /// Gives the call up; a server has no way to.
    fn cancel(&self, call: CallId);
    /// Gives the call up with a status of this side; a server has no way to.
    fn fail(&self, call: CallId, status: Status);
    fn release(&self, call: CallId);
}

impl Calls for Link<server::Connection> {
    fn poll_message(&self, call: CallId, waker: &Waker) -> Poll<Received> {
        self.with(|shared| {
            if shared.conn.is_active(call) {
                shared.poll_message(call, waker)
            } else {
                // The end of a call that was given up must not look like the end of its request.
                Poll::Ready(Received::Failed(self.end_of(call)))
            }
        })
    }

    fn recv_encoding(&self, call: CallId) -> Encoding {
        self.with(|shared| shared.conn.request(call).map(|head| head.encodings.recv).unwrap_or_default())
    }

    fn poll_send(&self, call: CallId, message: Message, waker: &Waker) -> Result<(), SendMessageError> {
        self.with(|shared| {
            let sent = shared.conn.send_message(call, message);
            if let Err(SendMessageError::Full(_)) = sent {
                shared.wait_to_send(call, waker);
            }
            sent
        })
    }

    fn end_of(&self, _: CallId) -> Status {
        Status::cancelled("the call has ended")
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

    fn poll_metadata(&self, _: CallId, _: &Waker) -> Poll<Metadata> {
        Poll::Ready(Metadata::new())
    }

    fn poll_status(&self, _: CallId, _: &Waker) -> Poll<Status> {
        Poll::Pending
    }

    fn is_unprocessed(&self, _: CallId) -> bool {
        false
    }

    fn has_answered(&self, _: CallId) -> bool {
        false
    }

    fn half_close(&self, _: CallId) {}

    fn cancel(&self, _: CallId) {}

    fn fail(&self, _: CallId, _: Status) {}

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
    fn poll_message(&self, call: CallId, waker: &Waker) -> Poll<Received> {
        Self::poll_message(self, call, waker)
    }

    fn recv_encoding(&self, call: CallId) -> Encoding {
        self.with(|shared| shared.conn.encodings(call).recv)
    }

    fn poll_send(&self, call: CallId, message: Message, waker: &Waker) -> Result<(), SendMessageError> {
        self.with(|shared| {
            let sent = shared.conn.send_message(call, message);
            if let Err(SendMessageError::Full(_)) = sent {
                shared.wait_to_send(call, waker);
            }
            sent
        })
    }

    fn end_of(&self, call: CallId) -> Status {
        let status = self.with(|shared| shared.conn.status(call).cloned());
        // An OK that comes before the client has sent all it had is no failure of the call.
        status.unwrap_or_else(|| Status::cancelled("the call has ended"))
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

    fn cancel(&self, call: CallId) {
        give_up(self, call, |conn| conn.cancel(call));
    }

    fn fail(&self, call: CallId, status: Status) {
        give_up(self, call, |conn| conn.fail(call, status));
    }

    fn release(&self, call: CallId) {
        Self::release(self, call);
    }
}

/// Ends a call from this side, and wakes whoever waits for it: the driver may have nothing to do.
fn give_up(link: &Link<client::Connection>, call: CallId, command: impl FnOnce(&mut client::Connection)) {
    let mut woken = Vec::new();
    link.with(|shared| {
        if shared.conn.is_active(call) {
            command(&mut shared.conn);
            shared.wakers.of(call).take_all(&mut woken);
        }
    });
    wake_all(&mut woken);
}

/// Messages of a stream that is always ready, before others of the thread get their turn.
const MESSAGES_A_TURN: u32 = 64;

/// Counts the messages of a stream, and lets others have their turn now and then.
#[derive(Debug, Default)]
pub(crate) struct Turn(u32);

impl Turn {
    pub(crate) async fn pass(&mut self) {
        self.0 += 1;
        if self.0 < MESSAGES_A_TURN {
            return;
        }
        core::future::poll_fn(|cx| {
            if core::mem::take(&mut self.0) == 0 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Holds a call: when the last holder is dropped, it is released, and cancelled if it goes on.
pub(crate) struct CallHandle {
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) id: CallId,
}

/// Waits until `message` is taken.
///
/// Cancel-safe: a message is taken whole or not at all.
pub(crate) async fn send(calls: &dyn Calls, call: CallId, message: Message) -> Result<(), Status> {
    let mut message = Some(message);
    core::future::poll_fn(|cx| {
        let Some(next) = message.take() else { return Poll::Ready(Ok(())) };
        match calls.poll_send(call, next, cx.waker()) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(SendMessageError::Full(back)) => {
                message = Some(back);
                Poll::Pending
            }
            Err(SendMessageError::TooLong(status)) => Poll::Ready(Err(status)),
            Err(SendMessageError::Ended) => Poll::Ready(Err(calls.end_of(call))),
        }
    })
    .await
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

/// Encodes `message`, compressed if `encoding` says so.
pub(crate) fn compressed<C: Codec<T>, T>(message: &T, encoding: Encoding) -> Result<Message, Status> {
    let mut out = BytesMut::new();
    C::encode(message, &mut out)?;
    if encoding == Encoding::Identity {
        return Ok(Message::plain(out.freeze()));
    }
    Ok(Message { compressed: true, payload: compress(encoding, &out)? })
}

/// The payload of `message`, decompressed into `limit` bytes at most.
pub(crate) fn decompressed(message: Message, encoding: Encoding, limit: usize) -> Result<Bytes, Status> {
    if message.compressed { decompress(encoding, &message.payload, limit) } else { Ok(message.payload) }
}
