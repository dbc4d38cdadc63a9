use core::task::{Context, Poll, Waker};

use unwired_core::Instant;
use unwired_core::grpc::client::{Call, NewCall};
use unwired_core::grpc::{Batch, CallId, Config, Encoding, Message, Metadata, Received, SendMessageError};
use unwired_core::http2::{Fields, StreamError};

use super::body::Outlet;
use super::fields;
use super::pipe::{Pipe, Taken};
use super::source::{Arrived, BoxError};
use crate::Status;
use crate::call::{Calls, ended};
use crate::driver::{CallWakers, keep, wake_all};
use crate::sync::{Mutex, MutexGuard, lock};

/// A call over somebody else's HTTP: whoever makes it, and the task that carries it, share it.
pub(super) struct ClientCall {
    state: Mutex<State>,
    /// What may come ahead of those who read, bytes.
    window: usize,
}

struct State {
    call: Call,
    pipe: Pipe,
    wakers: CallWakers,
    /// Who sends the request.
    sender: Option<Waker>,
    /// The task that reads the response.
    carrier: Option<Waker>,
}

impl State {
    /// Whether more of the response is wanted, of which so much may come ahead of those who read.
    fn wants_input(&self, window: usize) -> bool {
        self.call.is_awaited() || self.pipe.received() < window
    }

    /// Notes who is to be woken if the call has ended.
    fn settle(&mut self, woken: &mut Vec<Waker>) {
        if self.call.is_over() && !self.wakers.ended {
            self.wakers.ended = true;
            self.wakers.take_all(woken);
            woken.extend(self.sender.take());
            woken.extend(self.carrier.take());
        }
    }
}

impl ClientCall {
    pub(super) fn new(call: &NewCall<'_>, config: &Config) -> Self {
        let state = State {
            call: Call::new(call, config),
            pipe: Pipe::new(&config.http2.limits),
            wakers: CallWakers::default(),
            sender: None,
            carrier: None,
        };
        Self { state: Mutex::new(state), window: config.http2.initial_window as usize }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What changes the call, and may end it.
    fn with<R>(&self, change: impl FnOnce(&mut State, &mut Vec<Waker>) -> R) -> R {
        let mut woken = Vec::new();
        let mut state = self.lock();
        let result = change(&mut state, &mut woken);
        state.settle(&mut woken);
        drop(state);
        wake_all(&mut woken);
        result
    }

    /// Sends the one message of the request.
    pub(super) fn send_only(&self, message: Message) -> Result<(), SendMessageError> {
        self.with(|State { call, pipe, .. }, _| {
            call.send_message(pipe, message)?;
            call.half_close(pipe)
        })
    }

    /// Ready once the call has ended; until then the task that carries it waits for that.
    pub(super) fn poll_over(&self, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        if state.wakers.ended {
            return Poll::Ready(());
        }
        keep(&mut state.carrier, waker);
        Poll::Pending
    }

    /// Whether more of the response is wanted now.
    pub(super) fn wants_input(&self) -> bool {
        self.lock().wants_input(self.window)
    }

    /// The head of the response has come.
    pub(super) fn on_head(&self, fields: Fields, is_all: bool) {
        self.with(|State { call, pipe, wakers, .. }, woken| {
            if call.on_head(pipe, fields, is_all) {
                wakers.take_watchers(woken);
            }
        });
    }

    /// Something has come behind the head.
    pub(super) fn on_arrived(&self, now: Instant, arrived: Arrived, broken: impl FnOnce(BoxError) -> Broken) {
        self.with(|State { call, pipe, wakers, .. }, woken| match arrived {
            Arrived::Data(data) => {
                pipe.receive(data);
                if call.on_data(pipe) {
                    woken.extend(wakers.recv.take());
                }
            }
            Arrived::End(Some(trailers)) => call.on_trailers(pipe, fields::of_trailers(&trailers)),
            Arrived::End(None) => call.on_end(pipe),
            Arrived::Failed(error) => match broken(error) {
                Broken::Reset(error) => call.on_reset(now, error),
                Broken::Failed(status) => call.on_broken(status),
            },
        });
    }

    /// Nobody carries the call any more. If it has not ended, that is its end.
    pub(super) fn on_lost(&self, status: Status) {
        self.with(|State { call, .. }, _| call.on_broken(status));
    }

    pub(super) fn on_deadline(&self) {
        self.with(|State { call, pipe, .. }, _| call.on_deadline(pipe));
    }
}

/// How a stream broke.
pub(super) enum Broken {
    /// The server reset it.
    Reset(StreamError),
    /// In some other way.
    Failed(Status),
}

impl Outlet for ClientCall {
    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Taken> {
        let mut state = self.lock();
        match state.pipe.take() {
            Some(taken) => {
                let writer = if state.pipe.has_room() { state.wakers.send.take() } else { None };
                drop(state);
                if let Some(writer) = writer {
                    writer.wake();
                }
                Poll::Ready(taken)
            }
            None => {
                keep(&mut state.sender, cx.waker());
                Poll::Pending
            }
        }
    }

    fn abandon(&self) {
        // The response says how the call ends: whoever sends waits for that.
        self.lock().pipe.abandon();
    }
}

impl Calls for ClientCall {
    fn poll_messages(&self, _: CallId, waker: &Waker) -> Poll<Received<Batch>> {
        self.with(|state, woken| {
            let was_held_up = !state.wants_input(self.window);
            let received = state.call.recv_message(&mut state.pipe);
            if was_held_up && state.wants_input(self.window) {
                woken.extend(state.carrier.take());
            }
            let wakers = &mut state.wakers;
            match received {
                Received::Pending => {
                    keep(&mut wakers.recv, waker);
                    Poll::Pending
                }
                received => Poll::Ready(received.map(Batch::from)),
            }
        })
    }

    fn recv_encoding(&self, _: CallId) -> Encoding {
        self.lock().call.encodings.recv
    }

    fn poll_send(&self, _: CallId, batch: Batch, waker: &Waker) -> Result<(), SendMessageError<Batch>> {
        self.with(|State { call, pipe, wakers, sender, .. }, woken| {
            let sent = call.send_messages(pipe, batch);
            match sent {
                Err(SendMessageError::Full(_)) => keep(&mut wakers.send, waker),
                _ => woken.extend(sender.take()),
            }
            sent
        })
    }

    fn max_send_message(&self, _: CallId) -> usize {
        self.lock().call.max_send_message()
    }

    fn end_of(&self, _: CallId) -> Status {
        // An OK that comes before the client has sent all it had is no failure of the call.
        self.lock().call.status().cloned().unwrap_or_else(ended)
    }

    fn poll_ended(&self, _: CallId, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        if state.wakers.ended {
            return Poll::Ready(());
        }
        state.wakers.watch(waker);
        Poll::Pending
    }

    fn poll_metadata(&self, _: CallId, waker: &Waker) -> Poll<Metadata> {
        let mut state = self.lock();
        if let Some(metadata) = state.call.metadata() {
            return Poll::Ready(metadata.clone());
        }
        if state.wakers.ended {
            return Poll::Ready(Metadata::new());
        }
        state.wakers.watch(waker);
        Poll::Pending
    }

    fn poll_status(&self, _: CallId, waker: &Waker) -> Poll<Status> {
        let mut state = self.lock();
        if let Some(status) = state.call.status() {
            return Poll::Ready(status.clone());
        }
        state.wakers.watch(waker);
        Poll::Pending
    }

    fn is_unprocessed(&self, _: CallId) -> bool {
        self.lock().call.unprocessed
    }

    fn has_answered(&self, _: CallId) -> bool {
        self.lock().call.metadata().is_some()
    }

    fn half_close(&self, _: CallId) {
        self.with(|State { call, pipe, sender, .. }, woken| {
            // A call that has ended needs no end from us.
            let _ = call.half_close(pipe);
            woken.extend(sender.take());
        });
    }

    fn fail(&self, _: CallId, status: Status) {
        self.with(|State { call, pipe, .. }, _| call.fail(pipe, status));
    }

    fn release(&self, call: CallId) {
        self.cancel(call);
    }
}
