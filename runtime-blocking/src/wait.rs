use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use crate::Blocking;
use crate::reactor::Waiter;

/// How a thread waits for what belongs to a connection.
#[derive(Clone, Debug)]
pub(crate) enum Wait {
    /// A client's thread does the input and output, when no other one does.
    Drive(Blocking),
    /// A handler's thread leaves it to the server's.
    Park,
}

impl Wait {
    pub(crate) fn on<F: Future>(&self, future: F) -> F::Output {
        match self {
            Self::Drive(runtime) => runtime.block_on(future),
            Self::Park => park_on(future),
        }
    }
}

/// Waits for `future`, which somebody else drives.
pub(crate) fn park_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waiter = Waiter::current();
    let waker = Waker::from(Arc::new(Parked(Arc::clone(&waiter))));
    let mut cx = Context::from_waker(&waker);
    loop {
        if !waiter.take_woken() {
            thread::park();
        } else if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// Wakes a thread that leads nobody.
struct Parked(Arc<Waiter>);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake(|| {});
    }
}

/// Sends what is left when something is dropped: that a call was cancelled, that no message follows. A field of this type
/// stands behind what it sends for, since fields are dropped in order.
#[derive(Clone, Debug)]
pub(crate) struct Flush(pub(crate) Wait);

impl Drop for Flush {
    fn drop(&mut self) {
        if let Wait::Drive(runtime) = &self.0 {
            runtime.reactor.flush();
        }
    }
}
