//! Sockets and timers on the reactor of [`async_io`](https://docs.rs/async-io), which smol and async-std have in common.
//! Any executor polls them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::async_io::Async;
use socket2::Socket as System;
use unwired::Instant;
use unwired::transport::{self, Address};

use crate::watched::{self, Direction};

/// A connected socket.
pub type Socket = watched::Socket<Source>;
/// A listener.
pub type Listener = watched::Listener<Source>;

/// Connects to `address`.
///
/// # Errors
///
/// Those of the system; [`io::ErrorKind::Unsupported`] for an address that is none of the system's.
pub async fn connect(address: &Address) -> io::Result<Socket> {
    Socket::connect(address, Source::new).await
}

/// Accepts from `listener`.
///
/// # Errors
///
/// Those of the system.
pub fn listen_on(listener: crate::Listener) -> io::Result<Listener> {
    Listener::new(listener, Source::new)
}

/// A socket that the reactor watches.
#[derive(Debug)]
pub struct Source {
    io: Async<System>,
    /// Per direction, whether the reactor is to be asked. It looks at what is there when it is asked, and so nothing that
    /// comes before is missed.
    is_cleared: [bool; 2],
}

impl Source {
    fn new(socket: System) -> io::Result<Self> {
        Ok(Self { io: Async::new_nonblocking(socket)?, is_cleared: [false; 2] })
    }
}

impl watched::Watched for Source {
    fn socket(&self) -> &System {
        self.io.get_ref()
    }

    fn poll_ready(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_cleared = direction.of(&mut self.is_cleared);
        if *is_cleared {
            ready!(match direction {
                Direction::Read => self.io.poll_readable(cx),
                Direction::Write => self.io.poll_writable(cx),
            })?;
            *is_cleared = false;
        }
        Poll::Ready(Ok(()))
    }

    fn clear(&mut self, direction: Direction) {
        *direction.of(&mut self.is_cleared) = true;
    }

    fn another(&self, socket: System) -> io::Result<Self> {
        Self::new(socket)
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
