use core::task::Waker;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use unwired::Instant;

use super::{HostId, Link};
use crate::agenda::Entry;

/// The number of a connection; none is given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ConnectionId(pub(super) u64);

/// An end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// The one that connected.
    Client,
    /// The one that accepted.
    Server,
}

impl Side {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What goes over a connection, in order.
#[derive(Debug)]
pub(super) enum Segment {
    Syn,
    SynAck,
    Data(Vec<u8>),
    Fin,
    Reset,
}

impl Segment {
    /// Bytes.
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Data(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) host: HostId,
    pub(super) address: SocketAddr,
    /// The system of the host has this end: a program holds its socket, or is to accept it.
    pub(super) is_open: bool,
    /// The handshake of TCP is over.
    pub(super) is_connected: bool,
    /// Why nothing goes any more.
    pub(super) error: Option<io::ErrorKind>,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    pub(super) out: Pipe,
}

/// What goes from one end to the other.
#[derive(Debug)]
pub(super) struct Pipe {
    /// On their way.
    pub(super) segments: VecDeque<Segment>,
    /// Bytes in `segments`.
    pub(super) in_flight: usize,
    /// Where they go to, and not read yet.
    pub(super) received: VecDeque<u8>,
    /// A FIN was sent.
    pub(super) is_shut: bool,
    /// The FIN has come.
    pub(super) has_ended: bool,
    /// No segment comes before those that were sent before it.
    pub(super) last_due: Instant,
    /// When the wire has taken what was sent so far.
    pub(super) wire_free: Instant,
    /// Segments that would be there by now, were it not for a partition.
    pub(super) held: usize,
    /// When whoever sends gives up what is held.
    pub(super) give_up: Option<Entry>,
}

impl Pipe {
    fn new(now: Instant) -> Self {
        Self {
            segments: VecDeque::new(),
            in_flight: 0,
            received: VecDeque::new(),
            is_shut: false,
            has_ended: false,
            last_due: now,
            wire_free: now,
            held: 0,
            give_up: None,
        }
    }

    /// Forgets what is on its way.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.in_flight = 0;
        self.held = 0;
    }

    /// Bytes that fit in.
    pub(super) fn room(&self, link: &Link) -> usize {
        link.buffer.max(1).saturating_sub(self.in_flight + self.received.len())
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) client: End,
    pub(super) server: End,
    /// Nothing comes through any more, and nobody says so.
    pub(super) is_cut: bool,
}

impl Connection {
    pub(super) fn new(now: Instant, client: (HostId, SocketAddr), server: (HostId, SocketAddr)) -> Self {
        let end = |(host, address), is_open| End {
            host,
            address,
            is_open,
            is_connected: false,
            error: None,
            reader: None,
            writer: None,
            out: Pipe::new(now),
        };
        Self { client: end(client, true), server: end(server, false), is_cut: false }
    }

    pub(super) const fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// That end and the other one.
    pub(super) const fn ends(&mut self, side: Side) -> (&mut End, &mut End) {
        match side {
            Side::Client => (&mut self.client, &mut self.server),
            Side::Server => (&mut self.server, &mut self.client),
        }
    }

    pub(super) fn is_between(&self, one: HostId, other: HostId) -> bool {
        let hosts = (self.client.host, self.server.host);
        hosts == (one, other) || hosts == (other, one)
    }

    /// The end at `host`, if there is one.
    pub(super) fn sides_at(&self, host: HostId) -> impl Iterator<Item = Side> + use<> {
        let client = (self.client.host == host).then_some(Side::Client);
        let server = (self.server.host == host).then_some(Side::Server);
        client.into_iter().chain(server)
    }
}
