use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use unwired_core::grpc::Stats;
use unwired_core::grpc::client::Connection;

use crate::driver::Link;
use crate::numbered::Numbered;
use crate::sync::{Mutex, lock};
use crate::transport::Peer;

/// Counters and gauges of a channel and its clones: of all its connections together, those that are over included.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ChannelStats {
    /// Connections whose server has shown that it speaks HTTP/2, and that are open (gauge).
    pub connections_open: usize,
    /// Connections that came so far.
    pub connections: u64,
    /// Tries to connect.
    pub connects: u64,
    /// Tries that came to nothing: refused, too slow, not HTTP/2, or not wanted any more.
    pub connects_failed: u64,
    /// Calls, and attempts of them, that failed before a connection took them. What was started is counted in
    /// [`calls`](Self::calls).
    pub calls_unsent: u64,
    /// Service configs of the resolver that could not be read: the one before holds, or none and calls fail.
    pub service_configs_refused: u64,
    /// What the connections count themselves; its gauges are of those that are open.
    pub calls: Stats,
}

/// Counters and gauges of one connection that is open.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Both ends of it.
    pub peer: Peer,
    /// What it counts itself.
    pub calls: Stats,
}

fn read(link: &Link<Connection>) -> ConnectionStats {
    ConnectionStats { peer: link.peer.clone(), calls: link.ask(Connection::stats) }
}

/// The connections of a channel, for what they count: by themselves, as they go.
#[derive(Default)]
pub(super) struct Tally {
    state: Mutex<State>,
    calls_unsent: AtomicU64,
}

#[derive(Default)]
struct State {
    /// By the numbers of the tries that made them.
    open: Numbered<Weak<Link<Connection>>>,
    past: ChannelStats,
}

impl Tally {
    /// There is a try to connect.
    pub(super) fn on_connect(&self) {
        lock(&self.state).past.connects += 1;
    }

    /// A try to connect has come to nothing.
    pub(super) fn on_connect_failed(&self) {
        lock(&self.state).past.connects_failed += 1;
    }

    /// The resolver has given a service config that cannot be read.
    pub(super) fn on_config_refused(&self) {
        lock(&self.state).past.service_configs_refused += 1;
    }

    /// A try has come to a connection.
    pub(super) fn on_connected(&self, number: u64, link: &Arc<Link<Connection>>) {
        let mut state = lock(&self.state);
        state.past.connections += 1;
        state.open.insert(number, Arc::downgrade(link));
    }

    /// That connection is over.
    pub(super) fn on_over(&self, number: u64, link: &Link<Connection>) {
        let mut last = read(link).calls;
        last.clear_gauges();
        let mut state = lock(&self.state);
        if state.open.remove(number).is_some() {
            state.past.calls.merge(&last);
        }
    }

    /// A call has failed before a connection took it.
    pub(super) fn on_unsent(&self) {
        self.calls_unsent.fetch_add(1, Ordering::Relaxed);
    }

    fn open(&self) -> (ChannelStats, Vec<Arc<Link<Connection>>>) {
        let state = lock(&self.state);
        // A connection's lock is never taken under this one.
        (state.past.clone(), state.open.values().filter_map(Weak::upgrade).collect())
    }

    /// Those that are open, in the order in which they were tried.
    pub(super) fn connections(&self) -> Vec<ConnectionStats> {
        self.open().1.iter().map(|link| read(link)).collect()
    }

    pub(super) fn sum(&self) -> ChannelStats {
        let (mut sum, open) = self.open();
        sum.connections_open = open.len();
        sum.calls_unsent = self.calls_unsent.load(Ordering::Relaxed);
        for link in open {
            sum.calls.merge(&read(&link).calls);
        }
        sum
    }
}
