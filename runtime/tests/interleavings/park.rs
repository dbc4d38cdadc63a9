use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::sync::{Condvar, Mutex};

/// A thread that sleeps until it is woken: a task that has a thread for itself.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Parked {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let parked = Arc::<Self>::default();
        let waker = Arc::clone(&parked).into();
        (parked, waker)
    }

    pub(crate) fn sleep(&self) {
        let mut is_woken = self.is_woken.lock().unwrap();
        while !*is_woken {
            is_woken = self.changed.wait(is_woken).unwrap();
        }
        *is_woken = false;
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        *self.is_woken.lock().unwrap() = true;
        self.changed.notify_one();
    }
}
