use core::task::{Poll, Waker};

use unwired_core::grpc::{CallId, Message, server};
use unwired_core::http2::UseError;

use super::handle::Calls;
use crate::driver::{Handlers, Link, keep, wake_all};
use crate::transport::{Peer, RuntimeHandle};
use crate::{Metadata, Status};

/// How a handler answers its call for good.
pub(crate) enum Ending<'a> {
    /// With one message.
    Message { metadata: &'a Metadata, message: Message, status: &'a Status },
    /// With the status alone, or behind the messages that were sent.
    Status(&'a Status),
}

/// What a server does with its calls, whatever carries them: a connection of our own, or somebody else's HTTP.
pub(crate) trait ServedCalls: Calls {
    fn runtime(&self) -> &RuntimeHandle;
    fn peer(&self) -> &Peer;
    fn handlers(&self) -> &Handlers;
    fn send_metadata(&self, call: CallId, metadata: &Metadata) -> Result<(), UseError>;
    /// Answers the call, and takes the memory of its metadata back. If nobody else holds it, the call is released in the same
    /// moment.
    fn end(&self, call: CallId, ending: Ending<'_>, spare: Metadata, release: bool);
    /// Whether the handler wants its messages as they are.
    fn is_uncompressed(&self, call: CallId) -> bool;
    fn set_uncompressed(&self, call: CallId, uncompressed: bool);
    /// The handler's response is to have no compression, whatever is [set](Self::set_uncompressed). It comes uncompressed:
    /// only who hands it on to somebody that compresses has to know.
    fn disable_compression(&self, _: CallId) {}
    /// Ready when the task of the call's handler is to end with it.
    fn poll_task(&self, call: CallId, waker: &Waker) -> Poll<()>;
    /// Answers the call with `status` if nothing else has. Answers whether it did.
    fn fail_unanswered(&self, call: CallId, status: &Status) -> bool;
}

impl ServedCalls for Link<server::Connection> {
    fn runtime(&self) -> &RuntimeHandle {
        &self.runtime
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    fn send_metadata(&self, call: CallId, metadata: &Metadata) -> Result<(), UseError> {
        self.with(|shared| shared.conn.send_metadata(call, metadata))
    }

    fn end(&self, call: CallId, ending: Ending<'_>, spare: Metadata, release: bool) {
        let mut woken = Vec::new();
        self.with(|shared| {
            match ending {
                Ending::Message { metadata, message, status } => {
                    shared.conn.respond(call, metadata, message, status);
                }
                Ending::Status(status) => shared.conn.finish(call, status),
            }
            shared.conn.recycle_metadata(spare);
            if release {
                shared.release(call, &mut woken);
            }
        });
        wake_all(&mut woken);
    }

    fn is_uncompressed(&self, call: CallId) -> bool {
        self.with(|shared| shared.wakers.of(call).uncompressed)
    }

    fn set_uncompressed(&self, call: CallId, uncompressed: bool) {
        self.with(|shared| {
            if shared.conn.is_active(call) {
                shared.wakers.of(call).uncompressed = uncompressed;
            }
        });
    }

    fn poll_task(&self, call: CallId, waker: &Waker) -> Poll<()> {
        self.with(|shared| {
            let wakers = shared.wakers.of(call);
            keep(&mut wakers.task, waker);
            if wakers.ended { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    fn fail_unanswered(&self, call: CallId, status: &Status) -> bool {
        self.with(|shared| {
            let is_active = shared.conn.is_active(call);
            shared.conn.finish(call, status);
            is_active
        })
    }
}
