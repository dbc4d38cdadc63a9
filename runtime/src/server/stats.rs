use std::sync::{Arc, Weak};

use unwired_core::grpc::Stats;
use unwired_core::grpc::server::Connection;

#[cfg(feature = "mount")]
use crate::driver::Handlers;
use crate::driver::Link;
use crate::numbered::Numbered;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::transport::Peer;

/// Counters and gauges of a server: of all its connections together, those that are over included.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections that speak HTTP/2 and are open (gauge).
    pub connections_open: usize,
    /// Connections that came as far as HTTP/2: with TLS those that have shaken hands.
    pub connections: u64,
    /// Connections whose TLS handshake failed, or took too long.
    pub handshakes_failed: u64,
    /// Times that the system had no connection to give, or one that was gone already.
    pub accept_errors: u64,
    /// Handlers that run (gauge), also those of connections that are over.
    pub handlers_running: usize,
    /// Handlers that panicked.
    pub handlers_panicked: u64,
    /// Calls that wait until there is room for them (gauge); see [`Admission`](super::Admission).
    pub calls_queued: usize,
    /// Calls that were refused because there was no room for them, nor for one more to wait.
    pub calls_refused: u64,
    /// What the connections count themselves; its gauges are of those that are open.
    pub calls: Stats,
}

/// Counters and gauges of one connection that is open.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Who is connected.
    pub peer: Peer,
    /// Handlers that run (gauge).
    pub handlers_running: usize,
    /// Handlers that panicked.
    pub handlers_panicked: u64,
    /// What the connection counts itself.
    pub calls: Stats,
}

fn read(link: &Link<Connection>) -> ConnectionStats {
    ConnectionStats {
        peer: link.peer.clone(),
        handlers_running: link.handlers.count_running(),
        handlers_panicked: link.handlers.count_panicked(),
        calls: link.with(|shared| shared.conn.stats()),
    }
}

/// The connections of a server, for what they count. They count by themselves as they go; whoever asks takes the sum, and
/// a connection adds its own when it is over.
#[derive(Default)]
pub(crate) struct Tally {
    state: Mutex<State>,
    /// Handlers of calls that came over other people's HTTP.
    #[cfg(feature = "mount")]
    pub(crate) mounted: Handlers,
}

#[derive(Default)]
struct State {
    open: Numbered<Weak<Link<Connection>>>,
    /// Connections that are over, and whose handlers may run on.
    over: Vec<Weak<Link<Connection>>>,
    past: ServerStats,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn on_accept_error(&self) {
        self.lock().past.accept_errors += 1;
    }

    #[cfg(feature = "tls")]
    pub(super) fn on_handshake_failed(&self) {
        self.lock().past.handshakes_failed += 1;
    }

    /// A connection speaks HTTP/2 from now on.
    pub(super) fn opened(this: &Arc<Self>, link: &Arc<Link<Connection>>) -> Counted {
        let mut state = this.lock();
        state.past.connections += 1;
        let number = state.open.push(Arc::downgrade(link));
        drop(state);
        Counted { tally: Arc::clone(this), number }
    }

    /// Those that are open, in the order in which they came.
    pub(super) fn connections(&self) -> Vec<ConnectionStats> {
        let links: Vec<_> = self.lock().open.values().filter_map(Weak::upgrade).collect();
        links.iter().map(|link| read(link)).collect()
    }

    pub(super) fn sum(&self) -> ServerStats {
        let state = self.lock();
        let mut sum = state.past.clone();
        let open: Vec<_> = state.open.values().filter_map(Weak::upgrade).collect();
        let over: Vec<_> = state.over.iter().filter_map(Weak::upgrade).collect();
        // A connection's lock is never taken under this one.
        drop(state);
        sum.connections_open = open.len();
        for connection in open.iter().map(|link| read(link)) {
            sum.handlers_running += connection.handlers_running;
            sum.handlers_panicked += connection.handlers_panicked;
            sum.calls.merge(&connection.calls);
        }
        #[cfg(feature = "mount")]
        {
            sum.handlers_running += self.mounted.count_running();
            sum.handlers_panicked += self.mounted.count_panicked();
        }
        sum.handlers_running += over.iter().map(|link| link.handlers.count_running()).sum::<usize>();
        sum
    }
}

/// One connection's place in the tally.
pub(crate) struct Counted {
    tally: Arc<Tally>,
    number: u64,
}

impl Counted {
    /// The connection is over.
    pub(super) fn over(&self, link: &Arc<Link<Connection>>) {
        let mut last = read(link);
        last.calls.clear_gauges();
        let mut state = self.tally.lock();
        if state.open.remove(self.number).is_none() {
            return;
        }
        state.past.handlers_panicked += last.handlers_panicked;
        state.past.calls.merge(&last.calls);
        state.over.retain(|link| link.strong_count() > 0);
        if last.handlers_running > 0 {
            state.over.push(Arc::downgrade(link));
        }
    }
}
