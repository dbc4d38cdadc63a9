//! Who polls the operating system, of several threads that wait.
//!
//! One of them leads: it waits in the system, and runs the tasks of all. The others park. What has to hold is that while
//! anybody waits, somebody leads, and that whoever is woken gets to know it:
//!
//! - **Somebody leads.** Whether there is a leader, and who waits, stands behind one lock. A thread that begins to wait
//!   leads, if nobody does, or is entered among those who follow, in one step under that lock. A leader that has done
//!   waiting appoints one of those who follow, or leaves the duty vacant if there is none, in one step again. So the duty is
//!   never vacant while somebody follows. One that is appointed while its own future has become ready hands the duty on
//!   when it leaves, for it finds itself no longer among those who follow. A leader that panics leaves like any other,
//!   by the drop of its [`Place`]. A thread that waits within a wait follows twice; of the two the inner one is appointed
//!   first, for it came later, and while a thread leads, what it waits for within is led by that thread too.
//! - **A wake-up reaches the thread.** Whether it was woken, and whether it leads, are two bits of one word, so that whoever
//!   sets one learns the other in the same step. A waker that finds the thread following unparks it: a follower looks
//!   at the word before it parks, and `park` returns at once when `unpark` came first. One that finds it leading interrupts the
//!   sleep in the system; and a thread that was woken before it was appointed finds both bits, and does not sleep.
//! - **An interruption reaches the leader**, see [`Sleep`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sync::{AtomicBool, AtomicU8, Mutex, Ordering, Thread, lock, thread};

/// Who leads, and who follows.
#[derive(Debug, Default)]
pub(crate) struct Duty(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    leader: Option<Arc<Waiter>>,
    /// In the order in which they came.
    followers: BTreeMap<u64, Arc<Waiter>>,
    next: u64,
}

/// A thread that waits for a future.
#[derive(Debug)]
pub(crate) struct Waiter {
    thread: Thread,
    /// Of [`WOKEN`] and [`LEADS`].
    state: AtomicU8,
}

/// The future is to be polled.
const WOKEN: u8 = 1;
/// The thread polls the system, or is to do so from now on.
const LEADS: u8 = 2;

impl Waiter {
    /// This thread, whose future has not been polled yet.
    pub(crate) fn current() -> Arc<Self> {
        Arc::new(Self { thread: thread::current(), state: AtomicU8::new(WOKEN) })
    }

    /// The future is to be polled. Whoever leads is woken by `interrupt`.
    pub(crate) fn wake(&self, interrupt: impl FnOnce()) {
        match self.state.fetch_or(WOKEN, Ordering::AcqRel) {
            0 => self.thread.unpark(),
            LEADS => interrupt(),
            _ => {}
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.state.load(Ordering::Acquire) & WOKEN != 0
    }

    /// Whether the future is to be polled; whoever asks does so.
    pub(crate) fn take_woken(&self) -> bool {
        self.state.fetch_and(!WOKEN, Ordering::AcqRel) & WOKEN != 0
    }

    /// Whether this thread leads.
    pub(crate) fn leads(&self) -> bool {
        self.state.load(Ordering::Acquire) & LEADS != 0
    }

    fn appoint(&self) {
        self.state.fetch_or(LEADS, Ordering::AcqRel);
    }

    fn dismiss(&self) {
        self.state.fetch_and(!LEADS, Ordering::AcqRel);
    }
}

/// A thread's place among those that wait. Dropped, it is left, and the duty handed on.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    duty: &'a Duty,
    waiter: &'a Arc<Waiter>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Leader,
    /// A leader that waits once more within what it runs: the duty stays with the thread when this wait is over.
    Nested,
    Follower(u64),
}

impl Duty {
    /// Begins to wait, as leader if nobody leads.
    pub(crate) fn enter<'a>(&'a self, waiter: &'a Arc<Waiter>) -> Place<'a> {
        let mut state = lock(&self.0);
        let kind = match &state.leader {
            None => {
                waiter.appoint();
                state.leader = Some(Arc::clone(waiter));
                Kind::Leader
            }
            // What the leader runs waits itself: nobody else would do this thread's work in the meantime.
            Some(leader) if leader.thread.id() == waiter.thread.id() => {
                waiter.appoint();
                Kind::Nested
            }
            Some(_) => {
                let number = state.next;
                state.next += 1;
                state.followers.insert(number, Arc::clone(waiter));
                Kind::Follower(number)
            }
        };
        Place { duty: self, waiter, kind }
    }

    /// Leads, if nobody does.
    pub(crate) fn try_lead<'a>(&'a self, waiter: &'a Arc<Waiter>) -> Option<Place<'a>> {
        let mut state = lock(&self.0);
        if state.leader.is_some() {
            return None;
        }
        waiter.appoint();
        state.leader = Some(Arc::clone(waiter));
        Some(Place { duty: self, waiter, kind: Kind::Leader })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.duty.0);
        match self.kind {
            Kind::Nested => return,
            Kind::Follower(number) if state.followers.remove(&number).is_some() => return,
            // A follower that is not among them any more was appointed.
            Kind::Leader | Kind::Follower(_) => {}
        }
        self.waiter.dismiss();
        // The one that came last is likely to wait longest.
        state.leader = state.followers.pop_last().map(|(_, next)| next);
        let next = state.leader.clone();
        if let Some(next) = &next {
            next.appoint();
        }
        drop(state);
        if let Some(next) = next {
            next.thread.unpark();
        }
    }
}

/// Whether whoever leads sleeps in the operating system: others interrupt it then, and only then, for that is a system call.
///
/// Whoever has something for the leader puts it where the leader looks, then asks here. The leader says that it sleeps, then
/// looks once more, then sleeps. Both swap one flag, so one of the two comes first: either the leader's last look finds what
/// was put there, or the other one finds the leader asleep. An interruption that comes between the last look and the sleep
/// is kept by the system.
#[derive(Debug, Default)]
pub(crate) struct Sleep(AtomicBool);

impl Sleep {
    /// From now on the leader counts as asleep.
    pub(crate) fn begin(&self) {
        self.0.swap(true, Ordering::AcqRel);
    }

    /// The leader is awake.
    pub(crate) fn end(&self) {
        self.0.swap(false, Ordering::AcqRel);
    }

    /// Whether the leader has to be interrupted, by whoever asks.
    pub(crate) fn interrupt(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}
