use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use unwired_core::Instant;
use unwired_core::grpc::{
    Batch, CallId, CallLimits, Cardinality, Config, Encoding, Metadata, Received, SendMessageError, server,
};
use unwired_core::http2::{Fields, UseError};

use super::body::Outlet;
use super::pipe::{Pipe, Taken};
use super::source::{Arrived, BoxSource};
use crate::Status;
use crate::call::{Calls, Ending, ServedCalls, ended};
use crate::driver::{CallWakers, Handlers, keep, wake_all};
use crate::server::{Tally, panicked};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::transport::{Peer, RuntimeHandle};

/// A call that came over somebody else's HTTP: its handler, and whoever sends its response, share it.
pub(super) struct ServedCall {
    runtime: RuntimeHandle,
    peer: Peer,
    tally: Arc<Tally>,
    deadline: Option<Instant>,
    state: Mutex<State>,
    /// The rest of the request; whoever reads has the lock. It is never taken under that of the state.
    request: Mutex<Option<BoxSource>>,
}

struct State {
    call: server::Call,
    pipe: Pipe,
    wakers: CallWakers,
    /// Who sends the response.
    sender: Option<Waker>,
}

/// What a handler is started with.
pub(super) struct Begun {
    pub(super) metadata: Metadata,
    pub(super) recv_encoding: Encoding,
    pub(super) send_encoding: Encoding,
}

impl ServedCall {
    pub(super) fn new(
        call: server::Call,
        config: &Config,
        request: BoxSource,
        runtime: RuntimeHandle,
        peer: Peer,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            runtime,
            peer,
            tally,
            deadline: call.deadline,
            state: Mutex::new(State {
                call,
                pipe: Pipe::new(&config.http2.limits),
                wakers: CallWakers::default(),
                sender: None,
            }),
            request: Mutex::new(Some(request)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The method is known: what its handler starts with.
    pub(super) fn begin(&self, request: Cardinality, limits: CallLimits, encoding: Encoding) -> Begun {
        let mut state = self.lock();
        state.call.accept(request, limits);
        Begun {
            send_encoding: state.call.set_encoding(encoding),
            recv_encoding: state.call.encodings().recv,
            metadata: state.call.take_head().map(|mut head| head.take_metadata()).unwrap_or_default(),
        }
    }

    /// A command of the handler: whoever sends is woken.
    fn with<R>(&self, command: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = command(&mut state);
        let sender = state.sender.take();
        drop(state);
        if let Some(sender) = sender {
            sender.wake();
        }
        result
    }

    /// The call has had its last event: nobody waits for anything of it any longer.
    fn close(&self, mut state: MutexGuard<'_, State>) {
        let mut woken = Vec::new();
        state.wakers.ended = true;
        state.wakers.take_all(&mut woken);
        woken.extend(state.sender.take());
        drop(state);
        // Whoever reads right now lets go of the request by itself.
        let request = self.request.try_lock().ok().and_then(|mut request| request.take());
        drop(request);
        wake_all(&mut woken);
    }

    /// The client has given the call up.
    fn cancel(&self) {
        let mut state = self.lock();
        if !state.wakers.ended {
            state.call.on_reset();
            state.pipe.abandon();
            self.close(state);
        }
    }

    /// The deadline has passed.
    pub(super) fn on_deadline(&self) {
        let mut state = self.lock();
        // What says everything is not taken back.
        if !state.wakers.ended && !state.pipe.is_answered_by_head() {
            let State { call, pipe, .. } = &mut *state;
            call.on_deadline(pipe);
            self.close(state);
        }
    }

    /// The head of the response, and whether it is all there is.
    pub(super) fn poll_head(&self, waker: &Waker) -> Poll<(Fields, bool)> {
        let mut state = self.lock();
        match state.pipe.take_head() {
            Some((fields, is_all)) => {
                if is_all {
                    self.close(state);
                }
                Poll::Ready((fields, is_all))
            }
            None => {
                keep(&mut state.sender, waker);
                Poll::Pending
            }
        }
    }
}

impl Outlet for ServedCall {
    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Taken> {
        if self.deadline.is_some_and(|deadline| deadline <= self.runtime.now()) {
            self.on_deadline();
        }
        let mut state = self.lock();
        match state.pipe.take() {
            Some(Taken::Data(data)) => {
                let writer = if state.pipe.has_room() { state.wakers.send.take() } else { None };
                drop(state);
                if let Some(writer) = writer {
                    writer.wake();
                }
                Poll::Ready(Taken::Data(data))
            }
            Some(last) => {
                if !state.wakers.ended {
                    self.close(state);
                }
                Poll::Ready(last)
            }
            None => {
                keep(&mut state.sender, cx.waker());
                Poll::Pending
            }
        }
    }

    fn abandon(&self) {
        self.cancel();
    }
}

impl Calls for ServedCall {
    fn poll_messages(&self, call: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        let mut request = lock(&self.request);
        loop {
            let mut state = self.lock();
            if state.wakers.ended {
                // The end of a call that was given up must not look like the end of its request.
                drop(state);
                *request = None;
                return Poll::Ready(Received::Failed(self.end_of(call)));
            }
            let State { call, pipe, wakers, .. } = &mut *state;
            match call.recv_message(pipe) {
                Received::Pending => keep(&mut wakers.recv, waker),
                received => return Poll::Ready(received.map(Batch::from)),
            }
            drop(state);
            let Some(source) = &mut *request else { return Poll::Pending };
            let arrived = source.as_mut().poll_read(&mut Context::from_waker(waker));
            match arrived {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Arrived::Data(data)) => self.lock().pipe.receive(data),
                Poll::Ready(Arrived::End(_)) => {
                    // gRPC has no trailers of requests.
                    *request = None;
                    self.lock().call.on_end();
                }
                Poll::Ready(Arrived::Failed(_)) => {
                    *request = None;
                    self.cancel();
                }
            }
        }
    }

    fn recv_encoding(&self, _: CallId) -> Encoding {
        self.lock().call.encodings().recv
    }

    fn poll_send(&self, _: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>> {
        self.with(|State { call, pipe, wakers, .. }| {
            let sent = call.send_messages(pipe, batch);
            if let Err(SendMessageError::Full(_)) = sent {
                keep(&mut wakers.send, waker);
            }
            sent
        })
    }

    fn max_send_message(&self, _: CallId) -> usize {
        self.lock().call.max_send_message()
    }

    fn end_of(&self, _: CallId) -> Status {
        ended()
    }

    fn poll_ended(&self, _: CallId, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        if state.wakers.ended {
            return Poll::Ready(());
        }
        state.wakers.watch(waker);
        Poll::Pending
    }

    fn release(&self, call: CallId) {
        let is_panicking = std::thread::panicking();
        let status = if is_panicking {
            // The stack of a handler that panicked is being unwound, and this is what held its call.
            panicked()
        } else {
            Status::cancelled("the handler of the call ended without an answer")
        };
        if self.fail_unanswered(call, &status) && is_panicking {
            self.handlers().panicked();
        }
    }
}

impl ServedCalls for ServedCall {
    fn runtime(&self) -> &RuntimeHandle {
        &self.runtime
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn handlers(&self) -> &Handlers {
        &self.tally.mounted
    }

    fn send_metadata(&self, _: CallId, metadata: &Metadata) -> Result<(), UseError> {
        self.with(|State { call, pipe, .. }| call.send_metadata(pipe, metadata))
    }

    fn end(&self, _: CallId, ending: Ending<'_>, _: Metadata, _: bool) {
        self.with(|State { call, pipe, .. }| match ending {
            Ending::Message { metadata, message, status } => call.respond(pipe, metadata, message, status),
            Ending::Status(status) => call.finish(pipe, status),
        });
    }

    fn is_uncompressed(&self, _: CallId) -> bool {
        self.lock().wakers.uncompressed
    }

    fn set_uncompressed(&self, _: CallId, uncompressed: bool) {
        self.lock().wakers.uncompressed = uncompressed;
    }

    fn poll_task(&self, _: CallId, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        keep(&mut state.wakers.task, waker);
        if state.wakers.ended { Poll::Ready(()) } else { Poll::Pending }
    }

    fn fail_unanswered(&self, _: CallId, status: &Status) -> bool {
        self.with(|State { call, pipe, .. }| {
            let is_unanswered = !call.is_finished();
            call.finish(pipe, status);
            is_unanswered
        })
    }
}
