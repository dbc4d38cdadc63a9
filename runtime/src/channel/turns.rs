use core::mem::replace;
use core::task::{Poll, Waker};
use std::sync::Arc;

use crate::numbered::Numbered;
use crate::sync::{Mutex, MutexGuard, lock};

/// Calls over the peer's limit, in the order in which they came.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Numbered<Waker>>);

/// A place in the queue, left when dropped.
pub(crate) struct Ticket {
    turns: Arc<Turns>,
    number: u64,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Numbered<Waker>> {
        lock(&self.0)
    }

    /// Runs `start` when it is the turn of whoever holds `ticket`. While it is not, and while `start` gives `None` because
    /// there is no room, waits: where the ticket is, or at the end of the queue.
    ///
    /// [`wake`](Self::wake) must be called when there is room again after `start` has given `None`, once each time.
    pub(crate) fn poll<R>(
        self: &Arc<Self>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
        mut start: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        if ticket.as_ref().is_some_and(|ticket| !Arc::ptr_eq(&ticket.turns, self)) {
            // Of a connection that there was before.
            *ticket = None;
        }
        if ticket.is_none()
            && self.is_turn_of(None)
            && let Some(started) = start()
        {
            return Poll::Ready(started);
        }
        // Waits first, then asks: room that is made from then on is announced to `waker`. It may also have been made, and
        // taken by another call, before: nobody would announce it to who has not asked since.
        let number = self.wait(ticket.as_ref().map(|ticket| ticket.number), waker);
        if ticket.is_none() {
            *ticket = Some(Ticket { turns: Arc::clone(self), number });
        }
        if self.is_turn_of(Some(number))
            && let Some(started) = start()
        {
            // Left, the place lets the next one try.
            *ticket = None;
            return Poll::Ready(started);
        }
        Poll::Pending
    }

    /// Whether nobody, or nobody but `ticket`, is first.
    fn is_turn_of(&self, ticket: Option<u64>) -> bool {
        self.lock().first().is_none_or(|first| Some(first) == ticket)
    }

    /// Waits, at the end of the queue or where it stands already.
    fn wait(&self, ticket: Option<u64>, waker: &Waker) -> u64 {
        let mut waiting = self.lock();
        if let Some(ticket) = ticket
            && let Some(there) = waiting.get_mut(ticket)
        {
            // Dropped, a waker may run foreign code.
            let before = replace(there, waker.clone());
            drop(waiting);
            drop(before);
            return ticket;
        }
        waiting.push(waker.clone())
    }

    /// Leaves the queue; the next one may have its turn now.
    fn leave(&self, ticket: u64) {
        let left = self.lock().remove(ticket);
        drop(left);
        self.wake(false);
    }

    /// A call may start, or, with `all`, none will.
    pub(crate) fn wake(&self, all: bool) {
        let waiting = self.lock();
        let many = if all { usize::MAX } else { 1 };
        let wakers: Vec<_> = waiting.values().take(many).cloned().collect();
        drop(waiting);
        for waker in wakers {
            waker.wake();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.turns.leave(self.number);
    }
}
