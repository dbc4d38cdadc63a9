use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use unwired::transport::Runtime;
use unwired::{Response, Status};

use crate::Blocking;
use crate::reactor::lock;

/// What comes of a call.
type Outcome<T> = Result<Response<T>, Status>;

/// A call that was started and is not waited for. Dropped, it is cancelled.
///
/// As long as there are such calls, a thread of the crate's own does their input and output when no thread of the program
/// waits for a call; it ends by itself.
#[must_use = "the call is cancelled when this is dropped"]
pub struct Pending<T> {
    shared: Arc<Mutex<State<T>>>,
    runtime: Blocking,
    /// Whether dropping it cancels.
    holds: bool,
}

struct State<T> {
    outcome: Option<Outcome<T>>,
    is_done: bool,
    is_cancelled: bool,
    /// The task that makes the call.
    task: Option<Waker>,
    /// The thread that waits for the outcome.
    waiting: Option<Waker>,
    then: Option<Box<dyn FnOnce(Outcome<T>) + Send>>,
}

impl<T: Send + 'static> Pending<T> {
    pub(super) fn start(runtime: &Blocking, call: impl Future<Output = Outcome<T>> + Send + 'static) -> Self {
        let shared = Arc::new(Mutex::new(State {
            outcome: None,
            is_done: false,
            is_cancelled: false,
            task: None,
            waiting: None,
            then: None,
        }));
        let (told, running) = (Arc::clone(&shared), runtime.keep_running());
        runtime.spawn(Box::pin(async move {
            let outcome = unless_cancelled(&told, call).await;
            finish(&told, outcome);
            drop(running);
        }));
        runtime.reactor.flush();
        Self { shared, runtime: runtime.clone(), holds: true }
    }
}

/// Makes the call, unless it is cancelled.
async fn unless_cancelled<T>(shared: &Mutex<State<T>>, call: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let mut call = pin!(call);
    std::future::poll_fn(|cx| {
        let mut state = lock(shared);
        if state.is_cancelled {
            return Poll::Ready(Err(Status::cancelled("the call was cancelled")));
        }
        state.task = Some(cx.waker().clone());
        drop(state);
        call.as_mut().poll(cx)
    })
    .await
}

/// Tells whoever wants to know.
fn finish<T>(shared: &Mutex<State<T>>, outcome: Outcome<T>) {
    let mut state = lock(shared);
    state.is_done = true;
    let (then, waiting, task) = (state.then.take(), state.waiting.take(), state.task.take());
    let Some(then) = then else {
        state.outcome = Some(outcome);
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
        return drop(task);
    };
    drop(state);
    // A panic there is nobody else's affair.
    let _ = catch_unwind(AssertUnwindSafe(|| then(outcome)));
}

impl<T> Pending<T> {
    /// Whether the call has ended.
    pub fn is_done(&self) -> bool {
        lock(&self.shared).is_done
    }

    /// Waits for the response.
    ///
    /// # Errors
    ///
    /// The status of the call, if it is not OK.
    pub fn wait(mut self) -> Outcome<T> {
        let runtime = self.runtime.clone();
        runtime.block_on(std::future::poll_fn(|cx| self.poll(cx)))
    }

    /// Waits for the response, and for `timeout` at most. `Err` is the call itself, which goes on.
    ///
    /// # Errors
    ///
    /// When the call has not ended by then.
    pub fn result(mut self, timeout: Duration) -> Result<Outcome<T>, Self> {
        let runtime = self.runtime.clone();
        let ended = std::future::poll_fn(|cx| self.poll(cx));
        match runtime.block_on(runtime.handle().timeout(timeout, ended)) {
            Ok(outcome) => Ok(outcome),
            Err(_) => Err(self),
        }
    }

    /// Cancels the call, if it has not ended.
    pub fn cancel(self) {}

    /// Has `then` called with what comes of the call, and lets go of it: it cannot be cancelled any more.
    ///
    /// That is at once, in this thread, if the call has ended; otherwise in the thread that does the input and output, which
    /// `then` must not hold up.
    pub fn on_done(mut self, then: impl FnOnce(Outcome<T>) + Send + 'static) {
        self.holds = false;
        let mut state = lock(&self.shared);
        match state.outcome.take() {
            Some(outcome) => {
                drop(state);
                then(outcome);
            }
            None => state.then = Some(Box::new(then)),
        }
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Outcome<T>> {
        let mut state = lock(&self.shared);
        match state.outcome.take() {
            Some(outcome) => {
                drop(state);
                self.holds = false;
                Poll::Ready(outcome)
            }
            None => {
                state.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if !self.holds {
            return;
        }
        let mut state = lock(&self.shared);
        state.is_cancelled = true;
        let task = state.task.take();
        drop(state);
        if let Some(waker) = task {
            waker.wake();
        }
        self.runtime.reactor.flush();
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("is_done", &self.is_done()).finish_non_exhaustive()
    }
}
