//! Sockets as byte streams, on whatever tells when they are ready.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket as System, Type};
use unwired::transport::{Address, ByteStream, Listen, Peer};

use crate::Place;

/// What to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// That there is something to read, or to accept.
    Read,
    /// That there is room to write, or that a connection is there.
    Write,
}

impl Direction {
    /// What is kept for this direction, where both have theirs.
    pub fn of<T>(self, [read, write]: &mut [T; 2]) -> &mut T {
        match self {
            Self::Read => read,
            Self::Write => write,
        }
    }
}

/// A socket of the system that does not block, and something that watches it.
pub trait Watched: Send + Unpin + Sized + 'static {
    /// The socket.
    fn socket(&self) -> &System;

    /// Ready while the socket may be ready: from the start, and after [`clear`](Self::clear) once it is so again.
    fn poll_ready(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The socket is not ready. What comes between this and the next [`poll_ready`](Self::poll_ready) must not be missed.
    fn clear(&mut self, direction: Direction);

    /// Has `socket`, which does not block, watched like this one.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn another(&self, socket: System) -> io::Result<Self>;
}

/// Tries `io` for as long as the socket is ready.
fn poll_io<W: Watched, T>(
    watched: &mut W,
    direction: Direction,
    cx: &mut Context<'_>,
    mut io: impl FnMut(&System) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        ready!(watched.poll_ready(direction, cx))?;
        match io(watched.socket()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => watched.clear(direction),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}

/// A connected socket.
#[derive(Debug)]
pub struct Socket<W> {
    watched: W,
    peer: Peer,
}

impl<W: Watched> Socket<W> {
    /// Connects to `address`. `watch` has the new socket watched.
    ///
    /// # Errors
    ///
    /// Those of the system; [`ErrorKind::Unsupported`] for an address that is none of the system's.
    pub async fn connect(address: &Address, watch: impl FnOnce(System) -> io::Result<W>) -> io::Result<Self> {
        let (socket, to) = match address {
            Address::Tcp(address) => {
                let domain = Domain::for_address(*address);
                (System::new(domain, Type::STREAM, Some(Protocol::TCP))?, SockAddr::from(*address))
            }
            #[cfg(unix)]
            Address::Unix(path) => (System::new(Domain::UNIX, Type::STREAM, None)?, SockAddr::unix(path)?),
            other => return Err(crate::unsupported(other)),
        };
        socket.set_nonblocking(true)?;
        let begun = socket.connect(&to);
        // Watched only now: a socket that has not begun to connect counts as one that was hung up.
        let mut watched = watch(socket)?;
        match begun {
            Err(error) if is_under_way(&error) => {
                watched.clear(Direction::Write);
                poll_fn(|cx| watched.poll_ready(Direction::Write, cx)).await?;
                if let Some(error) = watched.socket().take_error()? {
                    return Err(error);
                }
            }
            connected => connected?,
        }
        let peer = match address {
            #[cfg(unix)]
            Address::Unix(path) => crate::unix(watched.socket(), path),
            _ => crate::tcp(watched.socket()),
        };
        Ok(Self { watched, peer })
    }
}

/// Whether a connection is being made.
fn is_under_way(error: &io::Error) -> bool {
    // EINPROGRESS has no kind of its own.
    const EINPROGRESS: [i32; 3] = [115, 36, 150];
    if cfg!(windows) {
        error.kind() == ErrorKind::WouldBlock
    } else {
        error.raw_os_error().is_some_and(|code| EINPROGRESS.contains(&code))
    }
}

impl<W: Watched> ByteStream for Socket<W> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let room = buffer.len();
        let read = ready!(poll_io(&mut self.watched, Direction::Read, cx, |mut socket| socket.read(buffer)));
        if matches!(read, Ok(read @ 1..) if read < room) {
            // There is no more, and asking would cost a call of the system whenever the peer falls silent.
            self.watched.clear(Direction::Read);
        }
        Poll::Ready(read)
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll_io(&mut self.watched, Direction::Write, cx, |mut socket| socket.write_vectored(slices))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.watched.socket().shutdown(Shutdown::Write))
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// A listener.
#[derive(Debug)]
pub struct Listener<W> {
    // Dropped first, as in the listener that this was.
    place: Place,
    watched: W,
}

impl<W: Watched> Listener<W> {
    /// Accepts from `listener`. `watch` has its socket watched.
    ///
    /// # Errors
    ///
    /// Those of `watch`.
    pub fn new(listener: crate::Listener, watch: impl FnOnce(System) -> io::Result<W>) -> io::Result<Self> {
        let (place, socket) = listener.into_parts();
        Ok(Self { place, watched: watch(socket)? })
    }

    fn accepted(&self, socket: System) -> io::Result<Socket<W>> {
        socket.set_nonblocking(true)?;
        let peer = self.place.peer_of(&socket);
        Ok(Socket { watched: self.watched.another(socket)?, peer })
    }
}

impl<W: Watched> Listen for Listener<W> {
    type Stream = Socket<W>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket<W>>> {
        let accepted = ready!(poll_io(&mut self.watched, Direction::Read, cx, System::accept));
        Poll::Ready(accepted.and_then(|(socket, _)| self.accepted(socket)))
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(self.place.address().clone())
    }

    fn turn_away(&mut self) -> Duration {
        self.place.turn_away(self.watched.socket())
    }
}
