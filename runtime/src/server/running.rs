use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unwired_core::grpc::CallId;

use super::service::Handler;
use crate::Status;
use crate::call::ServedCalls;

/// A handler in a task of its own: dropped when its call ends early.
pub(crate) struct Running {
    handler: Option<Handler>,
    calls: Arc<dyn ServedCalls>,
    call: CallId,
}

impl Running {
    pub(crate) fn new(handler: Handler, calls: Arc<dyn ServedCalls>, call: CallId) -> Self {
        calls.handlers().started();
        Self { handler: Some(handler), calls, call }
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
            if self.calls.fail_unanswered(self.call, &panicked()) {
                self.calls.handlers().panicked();
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
        self.calls.handlers().ended();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(handler)));
    }
}

/// gRPC's statuscodes document says UNKNOWN for an exception; a handler that fails loses its own call and no other.
pub(crate) fn panicked() -> Status {
    Status::unknown("the handler of the call panicked: the output of its server says where and why")
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
        if this.calls.poll_task(this.call, cx.waker()).is_ready() {
            this.drop_handler();
            return Poll::Ready(());
        }
        this.step(cx)
    }
}
