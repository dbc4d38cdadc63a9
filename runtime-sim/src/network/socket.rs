use core::fmt;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;

use unwired::transport::{Address, ByteStream, Peer};

use super::connection::{Connection, Segment};
use super::{ConnectionId, HostId, Network, Side};
use crate::log::Kind;
use crate::world::{State, World};

/// The most bytes that go as one.
const SEGMENT: usize = 16 << 10;

/// An end of a simulated connection.
pub(crate) struct SimSocket {
    world: Arc<World>,
    id: ConnectionId,
    side: Side,
    peer: Peer,
}

impl SimSocket {
    pub(super) fn new(
        world: Arc<World>,
        id: ConnectionId,
        side: Side,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Self {
        let (local, remote) = (Some(Address::Tcp(local)), Some(Address::Tcp(remote)));
        let peer = Peer { local, remote, ..Peer::default() };
        Self { world, id, side, peer }
    }

    /// Connects from `host`.
    pub(crate) async fn connect(
        world: Arc<World>,
        host: HostId,
        incarnation: u64,
        to: SocketAddr,
    ) -> io::Result<Self> {
        let (id, local) = world.with(|state| state.connect(host, incarnation, to))?;
        // Dropped while it waits, it closes.
        let socket = Self::new(world, id, Side::Client, local, to);
        core::future::poll_fn(|cx| {
            socket.world.with(|state| {
                let Some(connection) = state.network.connections.get_mut(&id) else {
                    return Poll::Ready(Err(crashed()));
                };
                match connection.client.error {
                    Some(error) => return Poll::Ready(Err(error.into())),
                    None if connection.client.is_connected => return Poll::Ready(Ok(())),
                    None => {}
                }
                let replaced = connection.client.reader.replace(cx.waker().clone());
                state.spend(replaced);
                Poll::Pending
            })
        })
        .await?;
        Ok(socket)
    }
}

impl State {
    fn connect(
        &mut self,
        host: HostId,
        incarnation: u64,
        to: SocketAddr,
    ) -> io::Result<(ConnectionId, SocketAddr)> {
        if !self.network.is_running(host, incarnation) {
            return Err(crashed());
        }
        let to = self.network.without_loopback(host, to);
        let Some(remote) = self.network.host_at(to.ip()) else {
            return Err(io::Error::new(io::ErrorKind::HostUnreachable, "no host has that address"));
        };
        let local = self.network.free_address(host)?;
        let id = ConnectionId(self.network.next_number());
        let mut connection = Connection::new(self.now, (host, local), (remote, to));
        let Network { random, links, connections, .. } = &mut self.network;
        connection.is_cut = random.chance(links.of(&connection).faults.unanswered);
        connections.insert(id, connection);
        self.tell(id, Side::Client, Kind::Connecting, [0; 2]);
        self.send(id, Side::Client, Segment::Syn);
        Ok((id, local))
    }

    fn read(
        &mut self,
        id: ConnectionId,
        side: Side,
        buffer: &mut [u8],
        cx: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Network { connections, random, links, .. } = &mut self.network;
        let Some(connection) = connections.get_mut(&id) else { return Poll::Ready(Err(crashed())) };
        let torn_read = links.of(connection).faults.torn_read;
        let (end, peer) = connection.ends(side);
        if !end.is_open {
            return Poll::Ready(Err(crashed()));
        }
        let received = &mut peer.out.received;
        if received.is_empty() {
            if let Some(error) = end.error {
                return Poll::Ready(Err(error.into()));
            }
            if peer.out.has_ended {
                return Poll::Ready(Ok(0));
            }
            let replaced = end.reader.replace(cx.waker().clone());
            self.spend(replaced);
            return Poll::Pending;
        }
        let mut most = buffer.len().min(received.len());
        if most > 1 && random.chance(torn_read) {
            most = 1 + random.below(most - 1);
        }
        let read = io::Read::read(received, buffer.get_mut(..most).unwrap_or_default());
        // The rest of a ring that ends in its middle.
        let read = read.and_then(|read| {
            let rest = io::Read::read(received, buffer.get_mut(read..most).unwrap_or_default())?;
            Ok(read + rest)
        });
        let waker = peer.writer.take();
        self.wake(waker);
        Poll::Ready(read)
    }

    fn write(
        &mut self,
        id: ConnectionId,
        side: Side,
        slices: &[IoSlice<'_>],
        cx: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Network { connections, random, links, .. } = &mut self.network;
        let Some(connection) = connections.get_mut(&id) else { return Poll::Ready(Err(crashed())) };
        let link = links.of(connection);
        let end = connection.end(side);
        if !end.is_open {
            return Poll::Ready(Err(crashed()));
        }
        if let Some(error) = end.error {
            return Poll::Ready(Err(error.into()));
        }
        if end.out.is_shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let wanted = slices.iter().map(|slice| slice.len()).sum::<usize>();
        let mut most = wanted.min(end.out.room(link));
        if most == 0 && wanted > 0 {
            let replaced = end.writer.replace(cx.waker().clone());
            self.spend(replaced);
            return Poll::Pending;
        }
        if most > 1 && random.chance(link.faults.torn_write) {
            most = 1 + random.below(most - 1);
        }
        let mut bytes = Vec::with_capacity(most);
        for slice in slices {
            bytes.extend_from_slice(slice.get(..most - bytes.len()).unwrap_or(slice));
        }
        for segment in bytes.chunks(SEGMENT) {
            self.tempt(id);
            self.send(id, side, Segment::Data(segment.to_vec()));
        }
        Poll::Ready(Ok(most))
    }

    fn shut_down(&mut self, id: ConnectionId, side: Side) {
        let Some(connection) = self.network.connections.get_mut(&id) else { return };
        let end = connection.end(side);
        if end.is_open && end.error.is_none() && !core::mem::replace(&mut end.out.is_shut, true) {
            self.send(id, side, Segment::Fin);
        }
    }
}

/// What a program hears that is none any more.
pub(super) fn crashed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the host has crashed")
}

impl ByteStream for SimSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.world.with(|state| state.read(self.id, self.side, buffer, cx))
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.world.with(|state| state.write(self.id, self.side, slices, cx))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.world.with(|state| state.shut_down(self.id, self.side));
        Poll::Ready(Ok(()))
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        self.world.with(|state| state.close(self.id, self.side));
    }
}

impl fmt::Debug for SimSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimSocket").field("peer", &self.peer).finish_non_exhaustive()
    }
}
