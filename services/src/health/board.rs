//! What is said of all services, and who waits for it to change.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::ServingStatus;

#[derive(Default, Debug)]
pub(super) struct Board {
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    services: BTreeMap<String, ServingStatus>,
    shut_down: bool,
    /// Those who wait for a change, by the service and a number of their own.
    waiting: HashMap<String, BTreeMap<u64, Waker>>,
    next: u64,
}

/// What a service looks like to who watches it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sight {
    /// `None` for a service that is not known.
    pub(super) status: Option<ServingStatus>,
    /// Nothing will change any more.
    pub(super) last: bool,
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and every state that it can be left in is a sound one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, service: &str) -> Option<ServingStatus> {
        self.state().services.get(service).copied()
    }

    pub(super) fn all(&self) -> Vec<(String, ServingStatus)> {
        self.state().services.iter().map(|(name, status)| (name.clone(), *status)).collect()
    }

    pub(super) fn set(&self, service: String, status: ServingStatus) {
        let mut state = self.state();
        if state.shut_down || state.services.get(&service) == Some(&status) {
            return;
        }
        let waiting = state.waiting.remove(&service);
        state.services.insert(service, status);
        drop(state);
        wake(waiting);
    }

    pub(super) fn remove(&self, service: &str) {
        let mut state = self.state();
        if state.shut_down || state.services.remove(service).is_none() {
            return;
        }
        let waiting = state.waiting.remove(service);
        drop(state);
        wake(waiting);
    }

    pub(super) fn shut_down(&self) {
        let mut state = self.state();
        state.shut_down = true;
        for status in state.services.values_mut() {
            *status = ServingStatus::NotServing;
        }
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        wake(waiting.into_values());
    }

    /// A number for one who will wait.
    pub(super) fn number(&self) -> u64 {
        let mut state = self.state();
        state.next += 1;
        state.next
    }

    /// What a service looks like, once that is not what it looked like before.
    pub(super) fn poll_change(
        &self,
        service: &str,
        before: Option<Sight>,
        number: u64,
        context: &Context<'_>,
    ) -> Poll<Sight> {
        let mut state = self.state();
        let sight = Sight { status: state.services.get(service).copied(), last: state.shut_down };
        if before != Some(sight) {
            return Poll::Ready(sight);
        }
        let waker = context.waker().clone();
        match state.waiting.get_mut(service) {
            Some(waiting) => drop(waiting.insert(number, waker)),
            None => drop(state.waiting.insert(service.to_owned(), BTreeMap::from([(number, waker)]))),
        }
        Poll::Pending
    }

    /// One that waited waits no longer.
    pub(super) fn leave(&self, service: &str, number: u64) {
        let mut state = self.state();
        if let Some(waiting) = state.waiting.get_mut(service) {
            waiting.remove(&number);
            if waiting.is_empty() {
                state.waiting.remove(service);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.values().map(BTreeMap::len).sum()
    }
}

/// Wakes them, with the lock given back: who is woken may be polled at once.
fn wake(waiting: impl IntoIterator<Item = BTreeMap<u64, Waker>>) {
    waiting.into_iter().flat_map(BTreeMap::into_values).for_each(Waker::wake);
}
