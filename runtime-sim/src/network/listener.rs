use core::fmt;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use unwired::transport::{Address, Listen};

use super::socket::crashed;
use super::{HostId, Listening, Side, SimSocket};
use crate::log::Kind;
use crate::world::{State, World};

/// A listener on a simulated host.
pub(crate) struct SimListener {
    world: Arc<World>,
    address: SocketAddr,
    number: u64,
}

impl SimListener {
    /// Listens on `host`, at a port that the host chooses for 0.
    pub(crate) fn bind(
        world: &Arc<World>,
        host: HostId,
        incarnation: u64,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let (address, number) = world.with(|state| state.listen(host, incarnation, address))?;
        Ok(Self { world: Arc::clone(world), address, number })
    }
}

impl State {
    fn listen(
        &mut self,
        host: HostId,
        incarnation: u64,
        address: SocketAddr,
    ) -> io::Result<(SocketAddr, u64)> {
        if !self.network.is_running(host, incarnation) {
            return Err(crashed());
        }
        let own = self.network.address(host);
        let address = self.network.without_loopback(host, address);
        if !address.ip().is_unspecified() && address.ip() != own {
            let why = format!("the host has the address {own} and no other");
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
        }
        let address = match address.port() {
            0 => self.network.free_address(host)?,
            port => (own, port).into(),
        };
        if self.network.listeners.contains_key(&address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let number = self.network.next_number();
        let listening = Listening { host, number, backlog: VecDeque::new(), acceptor: None };
        self.network.listeners.insert(address, listening);
        let name = self.network.name(host);
        let words = [host.number(), address.port().into()];
        self.log.note(self.now, Kind::Listening, &words, format_args!("{name} at {address}"));
        Ok((address, number))
    }

    /// Nobody listens there any more; who waits to be accepted is reset.
    pub(super) fn unlisten(&mut self, address: SocketAddr, number: u64) {
        if self.network.listeners.get(&address).is_none_or(|listening| listening.number != number) {
            return;
        }
        let Some(listening) = self.network.listeners.remove(&address) else { return };
        self.spend(listening.acceptor);
        for id in listening.backlog {
            self.close(id, Side::Server);
        }
    }
}

impl Listen for SimListener {
    type Stream = SimSocket;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<SimSocket>> {
        let accepted = self.world.with(|state| {
            let listening = state.network.listeners.get_mut(&self.address);
            let Some(listening) = listening.filter(|listening| listening.number == self.number) else {
                return Poll::Ready(Err(crashed()));
            };
            while let Some(id) = listening.backlog.pop_front() {
                // One that is no more was given up by its client.
                let Some(connection) = state.network.connections.get(&id) else { continue };
                let remote = connection.client.address;
                state.tell(id, Side::Client, Kind::Accepted, [0; 2]);
                return Poll::Ready(Ok((id, remote)));
            }
            let replaced = listening.acceptor.replace(cx.waker().clone());
            state.spend(replaced);
            Poll::Pending
        });
        accepted.map_ok(|(id, remote)| {
            SimSocket::new(Arc::clone(&self.world), id, Side::Server, self.address, remote)
        })
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::Tcp(self.address))
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        self.world.with(|state| state.unlisten(self.address, self.number));
    }
}

impl fmt::Debug for SimListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimListener").field("address", &self.address).finish_non_exhaustive()
    }
}
