use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use unwired_core::grpc::CallId;

use super::handle::Calls;

/// Ready once a call has ended, however: for work that a handler has spawned and that should end with its call.
#[derive(Clone)]
pub struct Cancellation {
    calls: Arc<dyn Calls>,
    call: CallId,
}

impl Cancellation {
    pub(crate) fn new(calls: Arc<dyn Calls>, call: CallId) -> Self {
        Self { calls, call }
    }

    /// Whether the call has ended, for a handler that computes and does not wait.
    pub fn is_cancelled(&self) -> bool {
        self.calls.poll_ended(self.call, Waker::noop()).is_ready()
    }
}

impl Future for Cancellation {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.calls.poll_ended(self.call, cx.waker())
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancellation").field(&self.call).finish()
    }
}
