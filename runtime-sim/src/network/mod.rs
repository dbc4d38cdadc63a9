//! The network: hosts, what is between them, connections like those of TCP.

mod connection;
mod delivery;
mod faults;
mod listener;
mod settings;
mod socket;

use core::task::Waker;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use connection::Connection;
pub(crate) use connection::{ConnectionId, Side};
pub(crate) use listener::SimListener;
pub use settings::{Faults, Link};
pub(crate) use socket::SimSocket;

use crate::random::Random;

/// Where ports begin that nobody chose.
const FIRST_FREE_PORT: u16 = 40_000;

/// The number of a host, in the order in which they were made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct HostId(usize);

impl HostId {
    /// For the log.
    pub(crate) const fn number(self) -> u64 {
        self.0 as u64
    }
}

#[derive(Debug)]
struct HostState {
    name: String,
    address: Ipv4Addr,
    /// Counts programs: what the one before a crash holds is good for nothing any more.
    incarnation: u64,
    is_off: bool,
    next_port: u16,
}

/// Who listens at an address.
#[derive(Debug)]
struct Listening {
    host: HostId,
    /// Tells it from another that was there before.
    number: u64,
    /// Connections that nobody has accepted yet.
    backlog: VecDeque<ConnectionId>,
    acceptor: Option<Waker>,
}

/// What is between hosts.
#[derive(Debug)]
struct Links {
    default: Link,
    loopback: Link,
    between: BTreeMap<(HostId, HostId), Link>,
}

impl Default for Links {
    fn default() -> Self {
        Self { default: Link::default(), loopback: Link::loopback(), between: BTreeMap::new() }
    }
}

impl Links {
    /// What `connection` goes over.
    fn of(&self, connection: &Connection) -> &Link {
        let (one, other) = (connection.client.host, connection.server.host);
        let default = if one == other { &self.loopback } else { &self.default };
        self.between.get(&pair(one, other)).unwrap_or(default)
    }
}

#[derive(Debug)]
pub(crate) struct Network {
    hosts: Vec<HostState>,
    links: Links,
    parted: BTreeSet<(HostId, HostId)>,
    listeners: BTreeMap<SocketAddr, Listening>,
    connections: BTreeMap<ConnectionId, Connection>,
    next_number: u64,
    random: Random,
}

/// Both ways are the same.
fn pair(one: HostId, other: HostId) -> (HostId, HostId) {
    (one.min(other), one.max(other))
}

impl Network {
    pub(crate) fn new(random: Random) -> Self {
        Self {
            hosts: Vec::new(),
            links: Links::default(),
            parted: BTreeSet::new(),
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_number: 0,
            random,
        }
    }

    /// The host of that name, made if there is none.
    pub(crate) fn host(&mut self, name: &str) -> HostId {
        if let Some(host) = self.find(name) {
            return host;
        }
        let host = HostId(self.hosts.len());
        let number = u32::try_from(self.hosts.len() + 1).unwrap_or(u32::MAX);
        let address = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() | (number & 0x00ff_ffff));
        let name = name.to_owned();
        let state = HostState { name, address, incarnation: 0, is_off: false, next_port: FIRST_FREE_PORT };
        self.hosts.push(state);
        host
    }

    pub(crate) fn find(&self, name: &str) -> Option<HostId> {
        self.hosts.iter().position(|host| host.name == name).map(HostId)
    }

    pub(crate) fn name(&self, host: HostId) -> &str {
        self.hosts.get(host.0).map_or("?", |host| &host.name)
    }

    pub(crate) fn address(&self, host: HostId) -> Ipv4Addr {
        self.hosts.get(host.0).map_or(Ipv4Addr::UNSPECIFIED, |host| host.address)
    }

    pub(crate) fn incarnation(&self, host: HostId) -> u64 {
        self.hosts.get(host.0).map_or(0, |host| host.incarnation)
    }

    /// Whether the program of that incarnation is the one that runs.
    pub(crate) fn is_running(&self, host: HostId, incarnation: u64) -> bool {
        self.hosts.get(host.0).is_some_and(|host| !host.is_off && host.incarnation == incarnation)
    }

    /// The addresses that `name` has for a program on `host`.
    pub(crate) fn resolve(&self, host: HostId, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let address = match (name.parse::<IpAddr>(), self.find(name)) {
            (Ok(address), _) => address,
            (_, Some(found)) => self.address(found).into(),
            (..) if name == "localhost" => self.address(host).into(),
            _ => {
                let names: Vec<_> = self.hosts.iter().map(|host| host.name.as_str()).collect();
                let why = format!("the simulation has no host {name:?}, only {}", names.join(", "));
                return Err(io::Error::new(io::ErrorKind::NotFound, why));
            }
        };
        Ok(vec![SocketAddr::new(address, port)])
    }

    pub(crate) fn set_default_link(&mut self, link: Link) {
        self.links.default = link;
    }

    pub(crate) fn set_link(&mut self, one: HostId, other: HostId, link: Link) {
        self.links.between.insert(pair(one, other), link);
    }

    /// Whether nothing comes from one to the other.
    fn is_blocked(&self, one: HostId, other: HostId) -> bool {
        let is_off = |host: HostId| self.hosts.get(host.0).is_none_or(|host| host.is_off);
        is_off(one) || is_off(other) || self.parted.contains(&pair(one, other))
    }

    /// What a program on `host` means by an address: the loopback addresses are its host's own.
    fn without_loopback(&self, host: HostId, address: SocketAddr) -> SocketAddr {
        if address.ip().is_loopback() { (self.address(host), address.port()).into() } else { address }
    }

    /// The host at an address.
    fn host_at(&self, address: IpAddr) -> Option<HostId> {
        self.hosts.iter().position(|host| host.address == address).map(HostId)
    }

    /// An address of `host` that nobody has.
    fn free_address(&mut self, host: HostId) -> io::Result<SocketAddr> {
        let Some(state) = self.hosts.get_mut(host.0) else { return Err(io::ErrorKind::NotFound.into()) };
        let port = state.next_port;
        state.next_port = port.checked_add(1).unwrap_or(FIRST_FREE_PORT);
        Ok((state.address, port).into())
    }

    const fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Connections that at least one end knows of.
    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    /// What a person wants to know of the connections when nothing goes on.
    pub(crate) fn describe(&self) -> Vec<String> {
        let one = |(id, connection): (&ConnectionId, &Connection)| {
            let (client, server) = (&connection.client, &connection.server);
            format!(
                "connection {} from {} to {}: {} bytes on their way and {} unread there, {} and {} back{}",
                id.0,
                self.name(client.host),
                self.name(server.host),
                client.out.in_flight,
                client.out.received.len(),
                server.out.in_flight,
                server.out.received.len(),
                if connection.is_cut { ", cut" } else { "" },
            )
        };
        self.connections.iter().map(one).collect()
    }
}
