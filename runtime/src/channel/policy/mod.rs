//! What a channel does when: pure machines, `(now, event) -> action`, without async.

mod backoff;

pub(crate) use backoff::Backoff;
