//! What threads share in a connection and in a channel, in all interleavings of a few threads.
//!
//! The files are those of the library; what they lock is loom's here.

mod channel;
mod connection;
mod park;

#[path = "../../src/driver/link.rs"]
#[expect(dead_code, reason = "the calls of a connection are tried elsewhere")]
mod link;
#[path = "../../src/numbered.rs"]
mod numbered;
#[path = "../../src/channel/turns.rs"]
mod turns;
#[path = "../../src/driver/wakers.rs"]
#[expect(dead_code, reason = "the calls of a connection are tried elsewhere")]
mod wakers;

mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}

/// A connection here has no peer and asks its runtime for nothing.
mod transport {
    #[derive(Debug)]
    pub(crate) struct Peer;

    #[derive(Debug)]
    pub(crate) struct RuntimeHandle;
}

/// Tries every interleaving of the threads of `test` with a few preemptions. One in which all wait for ever fails.
fn explore(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(test);
}
