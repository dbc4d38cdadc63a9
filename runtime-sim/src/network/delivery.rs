//! Segments: sent, on their way, where they go to.

use core::time::Duration;
use std::io;

use super::connection::Segment;
use super::{ConnectionId, Network, Side};
use crate::agenda::Due;
use crate::log::{Kind, hash};
use crate::world::State;

/// How long a system tries to connect without an answer: Linux, six tries.
const CONNECT_PATIENCE: Duration = Duration::from_secs(127);
/// How long a system sends again what is not acknowledged: Linux, fifteen tries.
const SEND_PATIENCE: Duration = Duration::from_secs(924);
/// Connections that wait to be accepted.
const BACKLOG: usize = 1024;

impl State {
    /// Puts a segment on its way. Nothing is done for a connection that is no more.
    pub(super) fn send(&mut self, id: ConnectionId, from: Side, segment: Segment) {
        let now = self.now;
        let Network { connections, random, links, .. } = &mut self.network;
        let Some(connection) = connections.get_mut(&id) else { return };
        let link = links.of(connection);
        let size = segment.len();
        let end = connection.end(from);
        if size > 0 && end.error.is_some() {
            return;
        }
        let pipe = &mut end.out;
        if let Some(bandwidth) = link.bandwidth {
            let nanos = (size as u128 * 1_000_000_000).div_ceil(u128::from(bandwidth.max(1)));
            let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            pipe.wire_free = pipe.wire_free.max(now) + takes;
        }
        let stall = if random.chance(link.faults.stall) {
            random.up_to(link.faults.longest_stall)
        } else {
            Duration::ZERO
        };
        let due = pipe.wire_free.max(now) + link.latency + random.up_to(link.jitter) + stall;
        pipe.last_due = pipe.last_due.max(due);
        pipe.in_flight += size;
        pipe.segments.push_back(segment);
        self.agenda.add(pipe.last_due, Due::Deliver(id, from));
    }

    /// The next segment that `from` sent is where it goes, or would be.
    pub(crate) fn deliver(&mut self, id: ConnectionId, from: Side) {
        let Some(connection) = self.network.connections.get(&id) else { return };
        let is_cut = connection.is_cut;
        let is_blocked = is_cut || self.network.is_blocked(connection.client.host, connection.server.host);
        let Some(connection) = self.network.connections.get_mut(&id) else { return };
        if is_blocked {
            let pipe = &mut connection.end(from).out;
            let Some(first) = pipe.segments.front() else { return };
            pipe.held += 1;
            if pipe.give_up.is_none() {
                let patience = if matches!(first, Segment::Syn) { CONNECT_PATIENCE } else { SEND_PATIENCE };
                pipe.give_up = Some(self.agenda.add(self.now + patience, Due::GiveUp(id, from)));
            }
            return self.tell(id, from, Kind::Held, [0; 2]);
        }
        let (sender, receiver) = connection.ends(from);
        let Some(segment) = sender.out.segments.pop_front() else { return };
        match segment {
            Segment::Syn => self.arrive(id),
            Segment::SynAck => {
                receiver.is_connected = true;
                let waker = receiver.reader.take();
                self.wake(waker);
                self.tell(id, from, Kind::Connected, [0; 2]);
            }
            Segment::Data(bytes) => {
                sender.out.in_flight -= bytes.len();
                if receiver.is_open {
                    sender.out.received.extend(&bytes);
                    let waker = receiver.reader.take();
                    self.wake(waker);
                } else {
                    // TCP: data for whom nobody is there any more.
                    self.send(id, from.other(), Segment::Reset);
                }
                self.tell(id, from, Kind::Delivered, [bytes.len() as u64, hash(&bytes)]);
            }
            Segment::Fin => {
                sender.out.has_ended = true;
                let waker = receiver.reader.take();
                self.wake(waker);
                self.tell(id, from, Kind::Ended, [0; 2]);
            }
            Segment::Reset => {
                let kind = if receiver.is_connected {
                    io::ErrorKind::ConnectionReset
                } else {
                    io::ErrorKind::ConnectionRefused
                };
                self.fail(id, from.other(), kind);
                self.tell(id, from, Kind::Reset, [0; 2]);
            }
        }
    }

    /// A connect has come to where it goes.
    fn arrive(&mut self, id: ConnectionId) {
        let Network { connections, listeners, random, links, .. } = &mut self.network;
        let Some(connection) = connections.get_mut(&id) else { return };
        let is_refused = random.chance(links.of(connection).faults.refused);
        let listening = listeners.get_mut(&connection.server.address);
        match listening.filter(|listening| listening.backlog.len() < BACKLOG && !is_refused) {
            Some(listening) => {
                connection.server.is_open = true;
                connection.server.is_connected = true;
                listening.backlog.push_back(id);
                let acceptor = listening.acceptor.take();
                self.wake(acceptor);
                self.send(id, Side::Server, Segment::SynAck);
            }
            None => {
                self.tell(id, Side::Client, Kind::Refused, [0; 2]);
                self.send(id, Side::Server, Segment::Reset);
            }
        }
    }

    /// Nothing more goes at that end, because of `error`.
    pub(super) fn fail(&mut self, id: ConnectionId, side: Side, error: io::ErrorKind) {
        let Network { connections, random, .. } = &mut self.network;
        let Some(connection) = connections.get_mut(&id) else { return };
        let (end, peer) = connection.ends(side);
        end.error.get_or_insert(error);
        end.out.clear();
        // Some systems let a program read what had come before, some do not.
        if random.chance(0.5) {
            peer.out.received.clear();
        }
        let wakers = [end.reader.take(), end.writer.take()];
        wakers.into_iter().for_each(|waker| self.wake(waker));
    }

    /// What was held for too long is given up: that end fails, and the other hears nothing of it.
    pub(crate) fn give_up(&mut self, id: ConnectionId, from: Side) {
        let Some(connection) = self.network.connections.get_mut(&id) else { return };
        connection.is_cut = true;
        connection.end(from).out.give_up = None;
        self.fail(id, from, io::ErrorKind::TimedOut);
        self.tell(id, from, Kind::TimedOut, [0; 2]);
    }

    /// What a partition held is sent again.
    pub(super) fn release(&mut self, id: ConnectionId) {
        let now = self.now;
        let Network { connections, random, links, .. } = &mut self.network;
        let Some(connection) = connections.get_mut(&id).filter(|connection| !connection.is_cut) else {
            return;
        };
        let link = links.of(connection);
        for side in [Side::Client, Side::Server] {
            let pipe = &mut connection.end(side).out;
            if let Some(entry) = pipe.give_up.take() {
                self.agenda.remove(entry);
            }
            let held = core::mem::take(&mut pipe.held);
            if held > 0 {
                pipe.last_due = pipe.last_due.max(now + link.latency + random.up_to(link.jitter));
            }
            for _ in 0..held {
                self.agenda.add(pipe.last_due, Due::Deliver(id, side));
            }
        }
    }

    /// A program holds that end no more.
    pub(super) fn close(&mut self, id: ConnectionId, side: Side) {
        let Some(connection) = self.network.connections.get_mut(&id) else { return };
        let (end, peer) = connection.ends(side);
        if !core::mem::replace(&mut end.is_open, false) {
            return;
        }
        let wakers = [end.reader.take(), end.writer.take()];
        let has_unread = !peer.out.received.is_empty();
        peer.out.received.clear();
        let word = if end.error.is_some() {
            None
        } else if has_unread || !end.is_connected {
            Some(Segment::Reset)
        } else if !end.out.is_shut {
            end.out.is_shut = true;
            Some(Segment::Fin)
        } else {
            None
        };
        let waiting = peer.writer.take();
        for waker in wakers {
            self.spend(waker);
        }
        self.wake(waiting);
        if let Some(word) = word {
            self.send(id, side, word);
        }
        self.forget(id);
    }

    /// Forgets a connection that no end knows of.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        let Some(connection) = self.network.connections.get_mut(&id) else { return };
        if connection.client.is_open || connection.server.is_open {
            return;
        }
        for side in [Side::Client, Side::Server] {
            if let Some(entry) = connection.end(side).out.give_up.take() {
                self.agenda.remove(entry);
            }
        }
        self.network.connections.remove(&id);
    }

    /// Notes what happened to what `from` sent: bytes, and their hash.
    pub(super) fn tell(&mut self, id: ConnectionId, from: Side, kind: Kind, [bytes, hash]: [u64; 2]) {
        let Some(connection) = self.network.connections.get(&id) else { return };
        let (client, server) =
            (self.network.name(connection.client.host), self.network.name(connection.server.host));
        let (sender, receiver) = match from {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        self.log.note(
            self.now,
            kind,
            &[id.0, from as u64, bytes, hash],
            format_args!("{sender} -> {receiver}, connection {}, {bytes} bytes", id.0),
        );
    }
}
