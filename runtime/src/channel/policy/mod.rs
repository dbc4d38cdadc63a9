//! What a channel does when: pure machines, `(now, event) -> action`, without async.

mod backoff;
mod eyeballs;
mod health;
mod lookup;
mod pool;
mod retries;
mod server;
mod throttle;

pub(crate) use backoff::Backoff;
pub(crate) use health::{Health, HealthCheck};
pub(crate) use pool::{Action, Lane, NoPick, Pool, Settings};
pub(crate) use retries::{PUSHBACK, Pushback, Retries, Verdict};
pub(crate) use server::Failure;
pub(crate) use throttle::Throttle;
