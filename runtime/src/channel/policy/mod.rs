//! What a channel does when: pure machines, `(now, event) -> action`, without async.

mod backoff;
mod eyeballs;
mod lookup;
mod pool;
mod server;

pub(crate) use backoff::Backoff;
pub(crate) use pool::{Action, Lane, NoPick, Pool, Settings};
pub(crate) use server::Failure;
