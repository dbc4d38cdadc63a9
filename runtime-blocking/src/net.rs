//! Sockets as byte streams.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, SockAddr, Socket as System, Type};
use unwired::transport::{Address, ByteStream, Listen, Peer};
#[cfg(unix)]
use unwired_sockets::SocketFile;

use crate::reactor::{Direction, Reactor, Source};

/// A connected socket.
#[derive(Debug)]
pub struct Socket {
    source: Source,
    peer: Peer,
}

impl Socket {
    pub(crate) async fn connect(reactor: &Arc<Reactor>, address: &Address) -> io::Result<Self> {
        let (socket, to) = match address {
            Address::Tcp(address) => {
                let domain = Domain::for_address(*address);
                (System::new(domain, Type::STREAM, Some(Protocol::TCP))?, SockAddr::from(*address))
            }
            #[cfg(unix)]
            Address::Unix(path) => (System::new(Domain::UNIX, Type::STREAM, None)?, SockAddr::unix(path)?),
            other => return Err(unwired_sockets::unsupported(other)),
        };
        socket.set_nonblocking(true)?;
        match socket.connect(&to) {
            Err(error) if !is_under_way(&error) => return Err(error),
            // A socket that has not begun to connect counts as one that was hung up: it is watched from here on.
            _ => {}
        }
        let source = Source::new(reactor, socket)?;
        source.clear(Direction::Write);
        std::future::poll_fn(|cx| source.poll_ready(Direction::Write, cx)).await?;
        if let Some(error) = source.socket().take_error()? {
            return Err(error);
        }
        let peer = match address {
            #[cfg(unix)]
            Address::Unix(path) => unwired_sockets::unix(source.socket(), path),
            _ => unwired_sockets::tcp(source.socket()),
        };
        Ok(Self { source, peer })
    }

    /// Tries `io` for as long as the socket is ready.
    fn poll(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        mut io: impl FnMut(&System) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.source.poll_ready(direction, cx))?;
            match io(self.source.socket()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.source.clear(direction),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

/// Whether a connection that does not block is being made.
fn is_under_way(error: &io::Error) -> bool {
    // EINPROGRESS has no kind of its own on every system.
    const EINPROGRESS: [i32; 2] = [115, 36];
    error.kind() == ErrorKind::WouldBlock
        || error.raw_os_error().is_some_and(|code| EINPROGRESS.contains(&code))
}

impl ByteStream for Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let room = buffer.len();
        let read = ready!(self.poll(Direction::Read, cx, |mut socket| socket.read(buffer)));
        if matches!(read, Ok(read @ 1..) if read < room) {
            // There is no more, and asking would cost a call of the system. What comes in between is told all the same.
            self.source.clear(Direction::Read);
        }
        Poll::Ready(read)
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(Direction::Write, cx, |mut socket| socket.write_vectored(slices))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.source.socket().shutdown(Shutdown::Write))
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// A listener.
#[derive(Debug)]
pub struct Listener {
    // Removed before the listener is closed: nobody finds it without one.
    #[cfg(unix)]
    file: Option<SocketFile>,
    source: Source,
    reactor: Arc<Reactor>,
}

impl Listener {
    pub(crate) fn bind(reactor: &Arc<Reactor>, address: &Address) -> io::Result<Self> {
        let reactor = Arc::clone(reactor);
        Ok(match unwired_sockets::bind(address)? {
            unwired_sockets::Listener::Tcp(listener) => Self {
                #[cfg(unix)]
                file: None,
                source: Source::new(&reactor, listener.into())?,
                reactor,
            },
            #[cfg(unix)]
            unwired_sockets::Listener::Unix(file, listener) => Self {
                file: Some(file),
                source: Source::new(&reactor, OwnedFd::from(listener).into())?,
                reactor,
            },
        })
    }

    fn accepted(&self, socket: System) -> io::Result<Socket> {
        socket.set_nonblocking(true)?;
        #[cfg(unix)]
        let peer = match &self.file {
            Some(file) => unwired_sockets::unix(&socket, file.path()),
            None => unwired_sockets::tcp(&socket),
        };
        #[cfg(not(unix))]
        let peer = unwired_sockets::tcp(&socket);
        Ok(Socket { source: Source::new(&self.reactor, socket)?, peer })
    }
}

impl Listen for Listener {
    type Stream = Socket;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        loop {
            ready!(self.source.poll_ready(Direction::Read, cx))?;
            match self.source.socket().accept() {
                Ok((socket, _)) => return Poll::Ready(self.accepted(socket)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.source.clear(Direction::Read),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        #[cfg(unix)]
        if let Some(file) = &self.file {
            return Ok(Address::Unix(file.path().to_owned()));
        }
        let address = self.source.socket().local_addr()?.as_socket();
        address.map(Address::Tcp).ok_or_else(|| ErrorKind::Unsupported.into())
    }
}
