use core::task::{Poll, Waker};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use unwired_core::grpc::CallId;
use unwired_core::grpc::client::{Connection, NewCall, StartError};

use super::connecting::{Connected, Subchannel};
use crate::Status;
use crate::driver::Link;

/// Calls over the peer's limit, in the order in which they came.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(u64, Waker)>,
    next: u64,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody, or nobody but `ticket`, is first.
    fn is_turn_of(&self, ticket: Option<u64>) -> bool {
        self.lock().waiting.front().is_none_or(|(first, _)| Some(*first) == ticket)
    }

    /// Waits, at the end of the queue or where it stands already.
    fn wait(&self, ticket: Option<u64>, waker: &Waker) -> u64 {
        let mut queue = self.lock();
        if let Some(ticket) = ticket
            && let Some((_, there)) = queue.waiting.iter_mut().find(|(number, _)| *number == ticket)
        {
            there.clone_from(waker);
            return ticket;
        }
        queue.next += 1;
        let ticket = queue.next;
        queue.waiting.push_back((ticket, waker.clone()));
        ticket
    }

    /// Leaves the queue; the next one may have its turn now.
    fn leave(&self, ticket: u64) {
        self.lock().waiting.retain(|(number, _)| *number != ticket);
        self.wake(false);
    }

    /// A call may start, or, with `all`, none will.
    pub(crate) fn wake(&self, all: bool) {
        let queue = self.lock();
        let many = if all { usize::MAX } else { 1 };
        let wakers: Vec<_> = queue.waiting.iter().take(many).map(|(_, waker)| waker.clone()).collect();
        drop(queue);
        for waker in wakers {
            waker.wake();
        }
    }
}

/// A place in the queue of one connection, left when dropped.
struct Ticket {
    connected: Arc<Connected>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.connected.turns.leave(self.number);
    }
}

/// Starts a call: waits for a connection, and for its turn on it; then runs `then` under the connection's lock, so that
/// what it sends leaves together with the head.
///
/// # Errors
///
/// The status of a call that cannot be started.
pub(crate) async fn start<R>(
    subchannel: &Arc<Subchannel>,
    call: &NewCall<'_>,
    mut then: impl FnMut(&mut Connection, CallId) -> R,
) -> Result<(Arc<Link<Connection>>, CallId, R), Status> {
    let mut ticket: Option<Ticket> = None;
    core::future::poll_fn(|cx| {
        loop {
            let connected = match subchannel.poll_link(cx.waker()) {
                Poll::Ready(Ok(connected)) => connected,
                Poll::Ready(Err(status)) => return Poll::Ready(Err(status)),
                Poll::Pending => {
                    ticket = None;
                    return Poll::Pending;
                }
            };
            if ticket.as_ref().is_some_and(|ticket| !Arc::ptr_eq(&ticket.connected, &connected)) {
                ticket = None;
            }
            let number = ticket.as_ref().map(|ticket| ticket.number);
            let started = if connected.turns.is_turn_of(number) {
                connected.link.with(|shared| {
                    let call = shared.conn.start(subchannel.runtime.now(), call)?;
                    Ok((call, then(&mut shared.conn, call)))
                })
            } else {
                Err(StartError::Busy)
            };
            match started {
                Ok((call, result)) => {
                    // Dropped here, the ticket lets the next one try.
                    ticket = None;
                    return Poll::Ready(Ok((Arc::clone(&connected.link), call, result)));
                }
                Err(StartError::Failed(status)) => return Poll::Ready(Err(status)),
                Err(StartError::GoingAway) => {
                    ticket = None;
                    subchannel.retire(&connected.link);
                }
                Err(StartError::Busy) => {
                    let number = connected.turns.wait(number, cx.waker());
                    if ticket.is_none() {
                        ticket = Some(Ticket { connected: Arc::clone(&connected), number });
                        // Whoever was before us may have left in the meantime.
                        if connected.turns.is_turn_of(Some(number))
                            && !connected.link.with(|shared| shared.conn.is_busy())
                        {
                            continue;
                        }
                    }
                    return Poll::Pending;
                }
            }
        }
    })
    .await
}
