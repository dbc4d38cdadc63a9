use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use unwired_core::Instant;
use unwired_core::grpc::client::Connection;

use super::abort::Abort;
use super::policy::Lane;
use super::turns::Turns;
use crate::driver::Link;

/// A connection and who waits to start calls on it.
pub(crate) struct Connected {
    pub(crate) link: Arc<Link<Connection>>,
    /// Of all connections to the same server.
    pub(crate) turns: Arc<Turns>,
    /// The server has shown that it speaks HTTP/2.
    pub(crate) is_ready: AtomicBool,
    /// It took no further call when it was asked last.
    pub(crate) is_full: AtomicBool,
    /// Its server is asked for its health, by a call that goes on.
    pub(super) is_watched: AtomicBool,
    /// The channel sends no more calls here.
    pub(super) retired: Abort,
}

impl Connected {
    pub(crate) fn new(link: Arc<Link<Connection>>, turns: Arc<Turns>) -> Self {
        Self {
            link,
            turns,
            is_ready: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            is_watched: AtomicBool::new(false),
            retired: Abort::default(),
        }
    }
}

impl Lane for Arc<Connected> {
    fn is(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other)
    }

    fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    fn idle_since(&self) -> Option<Instant> {
        let is_watched = self.is_watched.load(Ordering::Relaxed);
        self.link.ask(|conn| match conn.idle_since() {
            // The watch alone is no use of the channel. When the last call ended nobody has noted: long ago.
            None if is_watched && conn.active_calls() <= 1 => Some(Instant::ZERO),
            idle_since => idle_since,
        })
    }
}
