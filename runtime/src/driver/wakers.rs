use core::task::Waker;

use unwired_core::grpc::CallId;

/// Who waits for one call, and what else the runtime notes about it.
#[derive(Debug, Default)]
pub(crate) struct CallWakers {
    /// For a message, for initial metadata, or for the status.
    pub(crate) recv: Option<Waker>,
    /// For room to send.
    pub(crate) send: Option<Waker>,
    /// The task of the handler, or of whatever else ends with the call.
    pub(crate) task: Option<Waker>,
    /// Those who watch for the end of the call: for most calls nobody does.
    #[expect(clippy::box_collection, reason = "each call has a place for it, and few use it")]
    watchers: Option<Box<Vec<Waker>>>,
    /// The call has had its last event.
    pub(crate) ended: bool,
    /// The application wants the messages of the response as they are.
    pub(crate) uncompressed: bool,
}

impl CallWakers {
    /// Wakes `waker` when the call gets initial metadata or ends.
    pub(crate) fn watch(&mut self, waker: &Waker) {
        let watchers = self.watchers.get_or_insert_default();
        if !watchers.iter().any(|there| there.will_wake(waker)) {
            watchers.push(waker.clone());
        }
    }

    /// Takes everybody who waits.
    pub(crate) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(self.recv.take());
        woken.extend(self.send.take());
        woken.extend(self.task.take());
        self.take_watchers(woken);
    }

    /// Takes those who watch.
    pub(crate) fn take_watchers(&mut self, woken: &mut Vec<Waker>) {
        if let Some(watchers) = &mut self.watchers {
            woken.append(watchers);
        }
    }
}

/// Who waits for which call.
#[derive(Debug, Default)]
pub(crate) struct Wakers(Vec<CallWakers>);

impl Wakers {
    #[expect(
        clippy::indexing_slicing,
        reason = "there are more than `index`: they were made where there were not"
    )]
    pub(crate) fn of(&mut self, call: CallId) -> &mut CallWakers {
        let index = call.index();
        if self.0.len() <= index {
            self.0.resize_with(index + 1, CallWakers::default);
        }
        &mut self.0[index]
    }

    /// The call is released: its place is another's.
    pub(crate) fn clear(&mut self, call: CallId, woken: &mut Vec<Waker>) {
        let wakers = self.of(call);
        wakers.take_all(woken);
        wakers.ended = false;
        wakers.uncompressed = false;
    }
}

/// Keeps `waker` in `place`, unless the one that is there wakes the same task.
pub(crate) fn keep(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(there) if there.will_wake(waker) => {}
        _ => *place = Some(waker.clone()),
    }
}

/// Wakes all of `wakers`, outside of any lock.
pub(crate) fn wake_all(wakers: &mut Vec<Waker>) {
    for waker in wakers.drain(..) {
        waker.wake();
    }
}
