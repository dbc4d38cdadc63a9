use core::task::{Poll, Waker};

use crate::driver::keep;
use crate::sync::{Mutex, lock};

/// Tells a try to connect that nobody wants what it may come to.
#[derive(Default)]
pub(super) struct Abort(Mutex<State>);

#[derive(Default)]
struct State {
    is_given_up: bool,
    waiting: Option<Waker>,
}

impl Abort {
    pub(super) fn give_up(&self) {
        let mut state = lock(&self.0);
        state.is_given_up = true;
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Ready once the try was given up.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<()> {
        let mut state = lock(&self.0);
        if state.is_given_up {
            return Poll::Ready(());
        }
        keep(&mut state.waiting, waker);
        Poll::Pending
    }
}
