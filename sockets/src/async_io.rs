//! Byte streams, listeners and timers on the reactor of [`async_io`](::async_io), which smol and async-std have in common.
//! Any executor polls them.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::{fd::OwnedFd, unix::net::UnixStream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant as StdInstant;

use ::async_io::Async;
use socket2::Socket as System;
use unwired::Instant;
use unwired::transport::{self, Address, ByteStream, Listen, Peer};

#[cfg(unix)]
use crate::SocketFile;

/// A connected socket.
#[derive(Debug)]
pub struct Socket {
    io: Async<System>,
    peer: Peer,
    /// The last read found less than it had room for, or nothing: there is no more until the reactor says so. Asking the
    /// system all the same would cost two calls of it each time that the stream falls silent. What comes in between is not
    /// lost, for the reactor is told of whatever is there when it is asked.
    is_drained: bool,
}

impl Socket {
    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// Those of the system; [`ErrorKind::Unsupported`] for an address that is none of the system's.
    pub async fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => {
                let stream = Async::<TcpStream>::connect(*address).await?.into_inner()?;
                let peer = crate::tcp(&stream);
                Self::new(stream.into(), peer)
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = Async::<UnixStream>::connect(path).await?.into_inner()?;
                let peer = crate::unix(&stream, path);
                Self::new(OwnedFd::from(stream).into(), peer)
            }
            other => Err(crate::unsupported(other)),
        }
    }

    fn new(socket: System, peer: Peer) -> io::Result<Self> {
        Ok(Self { io: Async::new(socket)?, peer, is_drained: false })
    }
}

impl ByteStream for Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if self.is_drained {
                ready!(self.io.poll_readable(cx))?;
                self.is_drained = false;
            }
            match self.io.get_ref().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_drained = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => {
                    // After the end there is nothing to wait for.
                    self.is_drained = matches!(result, Ok(read @ 1..) if read < buffer.len());
                    return Poll::Ready(result);
                }
            }
        }
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.io.get_ref().write_vectored(slices) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => ready!(self.io.poll_writable(cx))?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.io.get_ref().shutdown(Shutdown::Write))
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
    io: Async<System>,
}

impl Listener {
    /// As [`bind`](crate::bind).
    ///
    /// # Errors
    ///
    /// Those of [`bind`](crate::bind).
    pub fn bind(address: &Address) -> io::Result<Self> {
        Ok(match crate::bind(address)? {
            crate::Listener::Tcp(listener) => Self {
                #[cfg(unix)]
                file: None,
                io: Async::new(listener.into())?,
            },
            #[cfg(unix)]
            crate::Listener::Unix(file, listener) => {
                Self { file: Some(file), io: Async::new(OwnedFd::from(listener).into())? }
            }
        })
    }

    fn ready(&self, socket: System) -> io::Result<Socket> {
        #[cfg(unix)]
        if let Some(file) = &self.file {
            let peer = crate::unix(&socket, file.path());
            return Socket::new(socket, peer);
        }
        let peer = crate::tcp(&socket);
        Socket::new(socket, peer)
    }
}

impl Listen for Listener {
    type Stream = Socket;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        loop {
            match self.io.get_ref().accept() {
                Ok((socket, _)) => return Poll::Ready(self.ready(socket)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => ready!(self.io.poll_readable(cx))?,
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
        let address = self.io.get_ref().local_addr()?.as_socket();
        address.map(Address::Tcp).ok_or_else(|| ErrorKind::Unsupported.into())
    }
}

/// A timer of the reactor.
#[derive(Debug)]
pub struct Timer {
    timer: ::async_io::Timer,
    /// The reactor's timer says it once.
    is_expired: bool,
}

impl Timer {
    /// A timer that is not set.
    pub fn new() -> Self {
        Self { timer: ::async_io::Timer::never(), is_expired: false }
    }
}

impl Default for Timer {
    fn default() -> Self {
        Self::new()
    }
}

impl transport::Timer for Timer {
    fn reset(&mut self, at: Instant) {
        self.is_expired = false;
        match crate::epoch().checked_add(at - Instant::ZERO) {
            Some(at) => self.timer.set_at(at),
            // The system's time ends before ours does.
            None => self.timer = ::async_io::Timer::never(),
        }
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_expired {
            ready!(Pin::new(&mut self.timer).poll(cx));
            self.is_expired = true;
        }
        Poll::Ready(())
    }
}

/// The time since the process's [`epoch`](crate::epoch).
pub fn now() -> Instant {
    Instant::ZERO + StdInstant::now().duration_since(crate::epoch())
}
