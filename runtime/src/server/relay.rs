use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use unwired_core::grpc::{Batch, CallId, Encoding, Message, Received, SendMessageError};
use unwired_core::http2::UseError;

use super::running::panicked;
use crate::call::{Calls, Ending, ServedCalls, one_by_one};
use crate::driver::Handlers;
use crate::intercept::{Messages, Part, Payload, Pipe};
use crate::sync::{Mutex, lock};
use crate::transport::{Peer, RuntimeHandle};
use crate::{Metadata, Status};

/// Stands between a handler and the interceptors of its call, in place of the connection.
pub(super) struct Relay {
    /// The call where it came from, for all that interceptors have no say in.
    calls: Arc<dyn ServedCalls>,
    requests: Mutex<Messages>,
    pub(super) responses: Arc<Pipe>,
    is_answered: AtomicBool,
    never_compresses: AtomicBool,
}

impl Relay {
    pub(super) fn new(calls: Arc<dyn ServedCalls>, requests: Messages) -> Self {
        Self {
            calls,
            requests: Mutex::new(requests),
            responses: Arc::default(),
            is_answered: AtomicBool::new(false),
            never_compresses: AtomicBool::new(false),
        }
    }

    /// A message as the handler wants it to be sent now.
    fn payload(&self, call: CallId, message: Message) -> Payload {
        let is_plain = self.never_compresses.load(Ordering::Relaxed) || self.calls.is_uncompressed(call);
        Payload { bytes: message.payload, may_compress: !is_plain }
    }

    fn answer(&self, status: Status) {
        self.is_answered.store(true, Ordering::Relaxed);
        self.responses.end(status);
    }
}

impl Calls for Relay {
    fn poll_messages(&self, _: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        lock(&self.requests).poll_part(&mut Context::from_waker(waker)).map(|part| match part {
            Part::Message(message) => Received::Message(Message::plain(message.bytes).into()),
            Part::End(status) if status.is_ok() => Received::End,
            Part::End(status) => Received::Failed(status),
        })
    }

    fn recv_encoding(&self, _: CallId) -> Encoding {
        Encoding::Identity
    }

    fn poll_send(&self, call: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>> {
        if self.responses.is_abandoned() {
            return Err(SendMessageError::Ended);
        }
        one_by_one(batch, |message| {
            self.responses.poll_send(self.payload(call, message), waker).map_err(drop)
        })
    }

    /// What interceptors make of a message is judged where it is sent.
    fn max_send_message(&self, _: CallId) -> usize {
        usize::MAX
    }

    fn end_of(&self, call: CallId) -> Status {
        self.calls.end_of(call)
    }

    fn poll_ended(&self, call: CallId, waker: &Waker) -> Poll<()> {
        self.calls.poll_ended(call, waker)
    }

    /// Whoever could answer is gone.
    fn release(&self, _: CallId) {
        if !self.is_answered.load(Ordering::Relaxed) {
            let is_panic = std::thread::panicking();
            let gone = || Status::cancelled("the handler is gone and has not answered");
            self.answer(if is_panic { panicked() } else { gone() });
        }
    }
}

impl ServedCalls for Relay {
    fn runtime(&self) -> &RuntimeHandle {
        self.calls.runtime()
    }

    fn peer(&self) -> &Peer {
        self.calls.peer()
    }

    fn handlers(&self) -> &Handlers {
        self.calls.handlers()
    }

    fn send_metadata(&self, _: CallId, metadata: &Metadata) -> Result<(), UseError> {
        if self.responses.send_metadata(metadata) { Ok(()) } else { Err(UseError::OutOfOrder) }
    }

    fn end(&self, call: CallId, ending: Ending<'_>, _: Metadata, _: bool) {
        match ending {
            Ending::Message { metadata, message, status } => {
                self.responses.send_metadata(metadata);
                // There is room: it is the only one.
                let _ = self.responses.poll_send(self.payload(call, message), Waker::noop());
                self.answer(status.clone());
            }
            Ending::Status(status) => self.answer(status.clone()),
        }
    }

    fn is_uncompressed(&self, call: CallId) -> bool {
        self.calls.is_uncompressed(call)
    }

    fn set_uncompressed(&self, call: CallId, uncompressed: bool) {
        self.calls.set_uncompressed(call, uncompressed);
    }

    fn disable_compression(&self, _: CallId) {
        self.never_compresses.store(true, Ordering::Relaxed);
    }

    fn poll_task(&self, call: CallId, waker: &Waker) -> Poll<()> {
        self.calls.poll_task(call, waker)
    }

    fn fail_unanswered(&self, call: CallId, status: &Status) -> bool {
        self.calls.fail_unanswered(call, status)
    }
}
