use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unwired_core::grpc::{CallId, server};

use super::service::Handler;
use crate::Status;
use crate::driver::{Link, keep};

/// A handler in a task of its own: dropped when its call ends early.
pub(crate) struct Running {
    handler: Option<Handler>,
    link: Arc<Link<server::Connection>>,
    call: CallId,
}

impl Running {
    pub(crate) fn new(handler: Handler, link: Arc<Link<server::Connection>>, call: CallId) -> Self {
        link.handlers.started();
        Self { handler: Some(handler), link, call }
    }

    /// The first step, where the request was read. Answers whether the handler is done.
    ///
    /// Nothing keeps the waker of this step: a handler that waits is polled again by its own task.
    pub(crate) fn first_step(&mut self) -> bool {
        self.step(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(handler) = &mut self.handler else { return Poll::Ready(()) };
        // What a handler leaves broken is dropped with it; what it shares with others is its own affair, as with any
        // task that panics.
        let done = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))).unwrap_or_else(|_| {
            // Most often its call was answered by the drop of what held it; something else may hold it still.
            let is_unanswered = self.link.with(|shared| {
                let is_active = shared.conn.is_active(self.call);
                shared.conn.finish(self.call, &panicked());
                is_active
            });
            if is_unanswered {
                self.link.handlers.panicked();
            }
            Poll::Ready(())
        });
        if done.is_ready() {
            self.drop_handler();
        }
        done
    }

    fn drop_handler(&mut self) {
        let Some(handler) = self.handler.take() else { return };
        self.link.handlers.ended();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(handler)));
    }
}

/// gRPC's statuscodes document says UNKNOWN for an exception; a handler that fails loses its own call and no other.
pub(crate) fn panicked() -> Status {
    Status::unknown("the handler of the call panicked")
}

impl Drop for Running {
    /// A runtime that ends drops its tasks.
    fn drop(&mut self) {
        self.drop_handler();
    }
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let ended = this.link.with(|shared| {
            let wakers = shared.wakers.of(this.call);
            keep(&mut wakers.task, cx.waker());
            wakers.ended
        });
        if ended {
            this.drop_handler();
            return Poll::Ready(());
        }
        this.step(cx)
    }
}
