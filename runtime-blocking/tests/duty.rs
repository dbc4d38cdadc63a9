//! The duty of the leader, in all interleavings of a few threads.

mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    pub(crate) use thread::Thread;

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }

    /// Loom's own `unpark` also wakes threads that wait for a lock, and then it stumbles over them.
    pub(crate) mod thread {
        use std::sync::Arc;

        use loom::sync::{Condvar, Mutex};
        use loom::thread::ThreadId;

        #[derive(Clone, Debug)]
        pub(crate) struct Thread {
            id: ThreadId,
            token: Arc<(Mutex<bool>, Condvar)>,
        }

        loom::thread_local! {
            static THREAD: Thread = Thread {
                id: loom::thread::current().id(),
                token: Arc::new((Mutex::new(false), Condvar::new())),
            };
        }

        pub(crate) fn current() -> Thread {
            THREAD.with(Clone::clone)
        }

        pub(crate) fn park() {
            let (token, changed) = &*current().token;
            let mut token = token.lock().unwrap();
            while !*token {
                token = changed.wait(token).unwrap();
            }
            *token = false;
        }

        impl Thread {
            pub(crate) const fn id(&self) -> ThreadId {
                self.id
            }

            pub(crate) fn unpark(&self) {
                let (token, changed) = &*self.token;
                *token.lock().unwrap() = true;
                changed.notify_one();
            }
        }
    }
}

#[expect(dead_code, reason = "leading without waiting is tried with the reactor")]
#[path = "../src/reactor/duty.rs"]
mod duty;

use std::sync::Arc;

use duty::{Duty, Sleep, Waiter};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use sync::{AtomicBool, Ordering};

/// A reactor without a system: who leads sleeps until it is interrupted.
struct Model {
    duty: Duty,
    sleep: Sleep,
    /// The system's side of an interruption, which is kept until somebody sleeps.
    notified: Mutex<bool>,
    changed: Condvar,
    /// Something for whoever leads.
    work: AtomicBool,
    done: Mutex<Vec<Arc<Waiter>>>,
}

impl Model {
    fn new() -> Self {
        Self {
            duty: Duty::default(),
            sleep: Sleep::default(),
            notified: Mutex::new(false),
            changed: Condvar::new(),
            work: AtomicBool::new(false),
            done: Mutex::new(Vec::new()),
        }
    }

    fn interrupt(&self) {
        if self.sleep.interrupt() {
            *self.notified.lock().unwrap() = true;
            self.changed.notify_one();
        }
    }

    fn wake(&self, waiter: &Waiter) {
        waiter.wake(|| self.interrupt());
    }

    /// As `Reactor::block_on`.
    fn wait(&self, waiter: &Arc<Waiter>, mut is_ready: impl FnMut() -> bool) {
        let mut place = None;
        loop {
            if waiter.take_woken() && is_ready() {
                return;
            }
            place.get_or_insert_with(|| self.duty.enter(waiter));
            if waiter.leads() {
                self.lead(waiter);
            } else if !waiter.is_woken() {
                sync::thread::park();
            }
        }
    }

    /// As `Reactor::lead`; the one task that there is wakes whoever waits for it.
    fn lead(&self, waiter: &Waiter) {
        while !waiter.is_woken() {
            if self.work.swap(false, Ordering::SeqCst) {
                let done = std::mem::take(&mut *self.done.lock().unwrap());
                for waiter in done {
                    self.wake(&waiter);
                }
                continue;
            }
            self.sleep.begin();
            if !waiter.is_woken() && !self.work.load(Ordering::SeqCst) {
                let mut notified = self.notified.lock().unwrap();
                while !*notified {
                    notified = self.changed.wait(notified).unwrap();
                }
                *notified = false;
            }
            self.sleep.end();
        }
    }
}

fn explore(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(test);
}

#[test]
fn who_is_woken_from_outside_gets_to_know_it_leading_or_not() {
    explore(|| {
        let model = Arc::new(Model::new());
        let waits = |is_ready: Arc<AtomicBool>| {
            let model = Arc::clone(&model);
            let (tell, told) = (Arc::new(Mutex::new(None)), Arc::clone(&is_ready));
            let waiter = Arc::clone(&tell);
            let thread = thread::spawn(move || {
                let this = Waiter::current();
                *waiter.lock().unwrap() = Some(Arc::clone(&this));
                model.wait(&this, || told.load(Ordering::SeqCst));
            });
            (thread, tell, is_ready)
        };
        let all = [waits(Arc::new(AtomicBool::new(false))), waits(Arc::new(AtomicBool::new(false)))];
        for (_, waiter, is_ready) in &all {
            is_ready.store(true, Ordering::SeqCst);
            let waiter = waiter.lock().unwrap().clone();
            // One that has not begun finds its future ready.
            if let Some(waiter) = waiter {
                model.wake(&waiter);
            }
        }
        for (thread, ..) in all {
            thread.join().unwrap();
        }
    });
}

#[test]
fn work_is_done_by_whoever_is_left_when_the_leader_goes() {
    explore(|| {
        let model = Arc::new(Model::new());
        let first = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                let this = Waiter::current();
                let mut polls = 0;
                // Its own future is ready with the second poll; it wakes itself.
                model.wait(&this, || {
                    polls += 1;
                    if polls == 1 {
                        model.wake(&this);
                    }
                    polls == 2
                });
            })
        };
        let this = Waiter::current();
        let is_ready = AtomicBool::new(false);
        let mut is_asked = false;
        model.wait(&this, || {
            // The work says that it was done by waking.
            let was_asked = std::mem::replace(&mut is_asked, true);
            if was_asked {
                is_ready.store(true, Ordering::SeqCst);
                return true;
            }
            model.done.lock().unwrap().push(Arc::clone(&this));
            model.work.store(true, Ordering::SeqCst);
            model.interrupt();
            false
        });
        assert!(is_ready.load(Ordering::SeqCst));
        first.join().unwrap();
    });
}
