//! A thread that drives a reactor while the program has calls under way that no thread of its own waits for.

use std::mem;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use unwired::transport::RuntimeHandle;

use crate::Blocking;
use crate::reactor::{Reactor, lock};

/// How long the thread stays when nobody needs it: the next call may come soon.
const LINGER: Duration = Duration::from_millis(100);

/// Who needs the thread.
#[derive(Debug, Default)]
pub(crate) struct Background(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    holders: usize,
    /// There is a thread, or one is about to be.
    runs: bool,
    thread: Option<Waker>,
}

/// Keeps a thread that drives a [`Blocking`], until this is dropped; see [`Blocking::keep_running`].
#[derive(Debug)]
#[must_use = "the thread ends when this is dropped"]
pub struct KeepRunning {
    reactor: Weak<Reactor>,
}

impl Blocking {
    /// Has a thread do the input and output while no thread of the program waits for any, until the answer is dropped: so
    /// PINGs are answered, and what async code has spawned goes on. One thread does for all who ask.
    ///
    /// If the system has no thread to give, things go on only while a thread waits.
    pub fn keep_running(&self) -> KeepRunning {
        let mut state = lock(&self.reactor.background.0);
        state.holders += 1;
        let is_first = !mem::replace(&mut state.runs, true);
        drop(state);
        if is_first {
            let (runtime, builder) = (self.clone(), thread::Builder::new().name("unwired-io".to_owned()));
            if builder.spawn(move || runtime.block_on(runtime.while_held(&runtime.handle()))).is_err() {
                lock(&self.reactor.background.0).runs = false;
            }
        }
        KeepRunning { reactor: Arc::downgrade(&self.reactor) }
    }

    async fn while_held(&self, handle: &RuntimeHandle) {
        let background = &self.reactor.background;
        loop {
            background.until_idle().await;
            handle.sleep(LINGER).await;
            let mut state = lock(&background.0);
            if state.holders == 0 {
                // In the same step: who comes now starts another thread.
                state.runs = false;
                return;
            }
        }
    }
}

impl Background {
    async fn until_idle(&self) {
        std::future::poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.holders == 0 {
                return Poll::Ready(());
            }
            state.thread = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for KeepRunning {
    fn drop(&mut self) {
        let Some(reactor) = self.reactor.upgrade() else { return };
        let mut state = lock(&reactor.background.0);
        state.holders -= 1;
        let thread = if state.holders == 0 { state.thread.take() } else { None };
        drop(state);
        if let Some(waker) = thread {
            waker.wake();
        }
    }
}
