use core::mem::replace;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use unwired_core::grpc::Metadata;

use super::{Part, Payload, Source};
use crate::Status;
use crate::driver::keep;
use crate::sync::{Mutex, lock};

/// One direction of a call between the application and interceptors: initial metadata, messages one at a time, the end.
#[derive(Default)]
pub(crate) struct Pipe(Mutex<State>);

#[derive(Default)]
struct State {
    head: Head,
    message: Option<Payload>,
    end: Option<Status>,
    /// Somebody reads.
    is_read: bool,
    /// Nobody reads any more.
    is_abandoned: bool,
    /// Something was done that the other end waits for.
    has_changed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Default)]
enum Head {
    #[default]
    None,
    Sent(Metadata),
    Read,
}

impl Pipe {
    /// Changes something, and wakes whoever waits at the other end for it.
    fn change<R>(
        &self,
        waiting: impl FnOnce(&mut State) -> &mut Option<Waker>,
        change: impl FnOnce(&mut State) -> R,
    ) -> R {
        let mut state = lock(&self.0);
        let result = change(&mut state);
        state.has_changed = true;
        let woken = waiting(&mut state).take();
        drop(state);
        if let Some(waker) = woken {
            waker.wake();
        }
        result
    }

    /// Whether there was a change since this was asked last.
    pub(crate) fn take_changed(&self) -> bool {
        replace(&mut lock(&self.0).has_changed, false)
    }

    /// Nobody reads any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        lock(&self.0).is_abandoned
    }

    /// Ready once somebody has begun to read, or will not.
    pub(crate) fn poll_read(&self, waker: &Waker) -> Poll<()> {
        let mut state = lock(&self.0);
        if state.is_read || state.is_abandoned {
            return Poll::Ready(());
        }
        keep(&mut state.writer, waker);
        Poll::Pending
    }

    /// Ready once nobody reads any more.
    pub(crate) fn poll_abandoned(&self, waker: &Waker) -> Poll<()> {
        let mut state = lock(&self.0);
        if state.is_abandoned {
            return Poll::Ready(());
        }
        keep(&mut state.writer, waker);
        Poll::Pending
    }

    /// Sends initial metadata. Answers whether there was none before.
    pub(crate) fn send_metadata(&self, metadata: &Metadata) -> bool {
        self.change(
            |state| &mut state.reader,
            |state| {
                let is_first = matches!(state.head, Head::None);
                if is_first {
                    state.head = Head::Sent(metadata.clone());
                }
                is_first
            },
        )
    }

    /// Sends a message, or gives it back while the one before it was not read.
    pub(crate) fn poll_send(&self, message: Payload, waker: &Waker) -> Result<(), Payload> {
        let mut state = lock(&self.0);
        if state.message.is_some() {
            keep(&mut state.writer, waker);
            return Err(message);
        }
        drop(state);
        self.change(|state| &mut state.reader, |state| state.message = Some(message));
        Ok(())
    }

    /// Nothing follows. The first end holds.
    pub(crate) fn end(&self, status: Status) {
        self.change(
            |state| &mut state.reader,
            |state| {
                state.end.get_or_insert(status);
            },
        );
    }

    /// Nobody reads any more, who could be told.
    pub(crate) fn abandon(&self) {
        self.change(
            |state| &mut state.writer,
            |state| {
                state.is_abandoned = true;
                state.message = None;
            },
        );
    }

    /// Initial metadata, or the status of what ended before.
    pub(crate) fn poll_head(&self, waker: &Waker) -> Poll<Result<Metadata, Status>> {
        let mut state = lock(&self.0);
        if let Head::Sent(_) = state.head
            && let Head::Sent(metadata) = replace(&mut state.head, Head::Read)
        {
            return Poll::Ready(Ok(metadata));
        }
        match &state.end {
            Some(end) if !end.is_ok() => Poll::Ready(Err(end.clone())),
            Some(_) => Poll::Ready(Ok(Metadata::new())),
            None => {
                keep(&mut state.reader, waker);
                Poll::Pending
            }
        }
    }

    fn poll_part(&self, waker: &Waker) -> Poll<Part> {
        let mut state = lock(&self.0);
        if let Some(message) = state.message.take() {
            drop(state);
            self.change(|state| &mut state.writer, |_| ());
            return Poll::Ready(Part::Message(message));
        }
        match &state.end {
            Some(end) => Poll::Ready(Part::End(end.clone())),
            None => {
                keep(&mut state.reader, waker);
                if !replace(&mut state.is_read, true) {
                    drop(state);
                    self.change(|state| &mut state.writer, |_| ());
                }
                Poll::Pending
            }
        }
    }
}

/// The end of a pipe that is read.
pub(crate) struct Outlet(pub(crate) Arc<Pipe>);

impl Source for Outlet {
    fn poll_metadata(&mut self, _: &mut Context<'_>) -> Poll<Metadata> {
        Poll::Ready(Metadata::new())
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        self.0.poll_part(cx.waker())
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
