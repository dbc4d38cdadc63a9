//! Faults, on demand and by chance.

use core::time::Duration;
use std::io;

use super::connection::Connection;
use super::{ConnectionId, HostId, Network, Side, pair};
use crate::agenda::Due;
use crate::log::{Kind, hash};
use crate::world::State;

impl State {
    /// Nothing comes from one host to the other any more. What is on its way is sent again when they are healed.
    pub(crate) fn partition(&mut self, one: HostId, other: HostId) {
        if self.network.parted.insert(pair(one, other)) {
            self.fault("partition", &[one, other]);
        }
    }

    /// Ends a partition.
    pub(crate) fn heal(&mut self, one: HostId, other: HostId) {
        if self.network.parted.remove(&pair(one, other)) {
            self.fault("heal", &[one, other]);
            self.release_all(|connection| connection.is_between(one, other));
        }
    }

    /// Ends all partitions. Hosts without power stay without.
    pub(crate) fn heal_all(&mut self) {
        if !self.network.parted.is_empty() {
            self.network.parted.clear();
            self.fault("heal", &[]);
            self.release_all(|_| true);
        }
    }

    /// The connections between two hosts are reset at both ends.
    pub(crate) fn reset_connections(&mut self, one: HostId, other: HostId) {
        self.fault("reset", &[one, other]);
        for id in self.connections_that(|connection| connection.is_between(one, other)) {
            self.reset(id);
        }
    }

    /// The connections between two hosts are reset at the end of `ends`, and the other end never hears of it.
    pub(crate) fn half_open(&mut self, ends: HostId, believes: HostId) {
        self.fault("half-open", &[ends, believes]);
        for id in self.connections_that(|connection| connection.is_between(ends, believes)) {
            let Some(connection) = self.network.connections.get(&id) else { continue };
            let side = if connection.client.host == ends { Side::Client } else { Side::Server };
            self.lose(id, side);
        }
    }

    /// The program on `host` is no more: its system closes what it had open. Drop what this returns without the lock.
    pub(crate) fn crash(&mut self, host: HostId) -> impl Sized + use<> {
        self.fault("crash", &[host]);
        for id in self.connections_that(|connection| connection.sides_at(host).next().is_some()) {
            let Some(connection) = self.network.connections.get(&id) else { continue };
            for side in connection.sides_at(host) {
                self.close(id, side);
            }
        }
        self.end_program(host)
    }

    /// The host is no more, without a word. Drop what this returns without the lock.
    pub(crate) fn cut_power(&mut self, host: HostId) -> impl Sized + use<> {
        self.fault("power cut", &[host]);
        for id in self.connections_that(|connection| connection.sides_at(host).next().is_some()) {
            let Some(connection) = self.network.connections.get_mut(&id) else { continue };
            for side in connection.sides_at(host) {
                let (end, peer) = connection.ends(side);
                end.is_open = false;
                end.error = Some(io::ErrorKind::ConnectionAborted);
                end.out.clear();
                peer.out.received.clear();
            }
            self.forget(id);
        }
        if let Some(state) = self.network.hosts.get_mut(host.0) {
            state.is_off = true;
        }
        self.end_program(host)
    }

    /// The host has power again. Whoever believes in connections from before hears that they are none.
    pub(crate) fn restart(&mut self, host: HostId) {
        self.fault("restart", &[host]);
        if let Some(state) = self.network.hosts.get_mut(host.0) {
            state.is_off = false;
        }
        self.release_all(|connection| connection.sides_at(host).next().is_some());
    }

    /// A segment is about to be sent: chance may have something against it.
    pub(super) fn tempt(&mut self, id: ConnectionId) {
        let Network { connections, random, links, .. } = &mut self.network;
        let Some(connection) = connections.get(&id) else { return };
        let faults = &links.of(connection).faults;
        let (one, other) = (connection.client.host, connection.server.host);
        if random.chance(faults.partition) {
            let ends = self.now + random.up_to(faults.longest_partition).max(Duration::from_nanos(1));
            self.partition(one, other);
            self.agenda.add(ends, Due::Heal(one, other));
        } else if random.chance(faults.reset) {
            self.fault("reset", &[one, other]);
            self.reset(id);
        } else if random.chance(faults.half_open) {
            let side = if random.chance(0.5) { Side::Client } else { Side::Server };
            self.fault("half-open", &[one, other]);
            self.lose(id, side);
        }
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, what: &str, hosts: &[HostId]) {
        let names: Vec<_> = hosts.iter().map(|host| self.network.name(*host)).collect();
        let numbers = hosts.iter().map(|host| host.number());
        let words: Vec<_> = core::iter::once(hash(what.as_bytes())).chain(numbers).collect();
        self.log.note(self.now, Kind::Fault, &words, format_args!("{what} {}", names.join(", ")));
    }

    fn connections_that(&self, which: impl Fn(&Connection) -> bool) -> Vec<ConnectionId> {
        let connections = self.network.connections.iter();
        connections.filter(|(_, connection)| which(connection)).map(|(id, _)| *id).collect()
    }

    fn release_all(&mut self, which: impl Fn(&Connection) -> bool) {
        for id in self.connections_that(which) {
            let Some(connection) = self.network.connections.get(&id) else { continue };
            if !self.network.is_blocked(connection.client.host, connection.server.host) {
                self.release(id);
            }
        }
    }

    fn reset(&mut self, id: ConnectionId) {
        self.fail(id, Side::Client, io::ErrorKind::ConnectionReset);
        self.fail(id, Side::Server, io::ErrorKind::ConnectionReset);
    }

    /// The end of `side` is reset; what the other sends goes nowhere.
    fn lose(&mut self, id: ConnectionId, side: Side) {
        self.fail(id, side, io::ErrorKind::ConnectionReset);
        if let Some(connection) = self.network.connections.get_mut(&id) {
            connection.is_cut = true;
        }
    }

    /// Takes what the program on `host` was, for the caller to drop.
    fn end_program(&mut self, host: HostId) -> impl Sized + use<> {
        if let Some(state) = self.network.hosts.get_mut(host.0) {
            state.incarnation += 1;
        }
        let listeners: Vec<_> = self.network.listeners.iter().collect();
        let theirs = listeners.into_iter().filter(|(_, listening)| listening.host == host);
        let theirs: Vec<_> = theirs.map(|(address, listening)| (*address, listening.number)).collect();
        for (address, number) in theirs {
            self.unlisten(address, number);
        }
        self.tasks.take_all_of(host)
    }
}
