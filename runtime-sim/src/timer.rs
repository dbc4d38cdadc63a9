//! Timers of virtual time.

use core::fmt;
use core::task::{Context, Poll};
use std::sync::Arc;

use unwired::Instant;
use unwired::transport::Timer;

use crate::agenda::{Due, Entry};
use crate::world::World;

/// A timer in virtual time.
pub(crate) struct SimTimer {
    world: Arc<World>,
    at: Option<Instant>,
    /// Where it stands on the agenda, if somebody waits for it.
    entry: Option<Entry>,
}

impl SimTimer {
    pub(crate) const fn new(world: Arc<World>) -> Self {
        Self { world, at: None, entry: None }
    }

    fn take_off(&mut self) {
        if let Some(entry) = self.entry.take() {
            let due = self.world.with(|state| state.agenda.remove(entry));
            drop(due);
        }
    }
}

impl Timer for SimTimer {
    fn reset(&mut self, at: Instant) {
        self.take_off();
        self.at = Some(at);
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        let entry = &mut self.entry;
        self.world.with(|state| {
            // One that has rung is not there any more.
            if let Some(Due::Timer(waker)) = entry.take().and_then(|entry| state.agenda.remove(entry)) {
                state.spend(Some(waker));
            }
            // What is never due is no reason to let the time go on.
            if at == Instant::FAR_FUTURE {
                return Poll::Pending;
            }
            if at <= state.now {
                return Poll::Ready(());
            }
            *entry = Some(state.agenda.add(at, Due::Timer(cx.waker().clone())));
            Poll::Pending
        })
    }
}

impl Drop for SimTimer {
    fn drop(&mut self) {
        self.take_off();
    }
}

impl fmt::Debug for SimTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimTimer").field("at", &self.at).finish_non_exhaustive()
    }
}
