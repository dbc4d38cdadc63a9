//! Connections inside one process, without a socket: for tests of services, on any runtime.

use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use super::{Address, ByteStream, Listen, Peer};
use crate::sync::{Mutex, lock};

/// Bytes that a stream holds in each direction before its writer waits.
const CAPACITY: usize = 64 << 10;
/// Connections that wait to be accepted before one more is refused.
const BACKLOG: usize = 1024;

/// One direction of a stream.
#[derive(Debug, Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// Nothing more is written.
    ended: bool,
    /// Nothing more is read.
    abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Lets `cx` wait in `place`; answers who waited there. Wakers are foreign code, even when they are dropped: an executor
/// that is closed may drop a task, with the other end of a stream in it. So that happens outside of the locks.
#[must_use]
fn park(place: &mut Option<Waker>, cx: &Context<'_>) -> Option<Waker> {
    match place {
        Some(there) if there.will_wake(cx.waker()) => None,
        _ => place.replace(cx.waker().clone()),
    }
}

/// Wakes who waited; called without a lock.
fn wake(waiting: Option<Waker>) {
    if let Some(waker) = waiting {
        waker.wake();
    }
}

/// One end of a connection in memory.
#[derive(Debug)]
pub struct MemoryStream {
    inbound: Arc<Mutex<Pipe>>,
    outbound: Arc<Mutex<Pipe>>,
    peer: Peer,
}

/// A connection in memory, whose writers wait while `capacity` bytes (one at least) are unread.
pub fn pipe(capacity: usize) -> (MemoryStream, MemoryStream) {
    let direction = || Arc::new(Mutex::new(Pipe { capacity: capacity.max(1), ..Pipe::default() }));
    let (there, back) = (direction(), direction());
    let peer = Peer { local: Some(Address::Memory), remote: Some(Address::Memory), ..Peer::default() };
    (
        MemoryStream { inbound: Arc::clone(&back), outbound: Arc::clone(&there), peer: peer.clone() },
        MemoryStream { inbound: there, outbound: back, peer },
    )
}

impl ByteStream for MemoryStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.inbound);
        if pipe.bytes.is_empty() && !pipe.ended {
            let replaced = park(&mut pipe.reader, cx);
            drop(pipe);
            drop(replaced);
            return Poll::Pending;
        }
        let read = pipe.bytes.read(buffer)?;
        let writer = pipe.writer.take();
        drop(pipe);
        wake(writer);
        Poll::Ready(Ok(read))
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.outbound);
        if pipe.abandoned || pipe.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut room = pipe.capacity.saturating_sub(pipe.bytes.len());
        if room == 0 {
            let replaced = park(&mut pipe.writer, cx);
            drop(pipe);
            drop(replaced);
            return Poll::Pending;
        }
        let mut written = 0;
        for slice in slices {
            let part = slice.get(..room).unwrap_or(slice);
            pipe.bytes.write_all(part)?;
            written += part.len();
            room -= part.len();
        }
        let reader = pipe.reader.take();
        drop(pipe);
        wake(reader);
        Poll::Ready(Ok(written))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.outbound);
        pipe.ended = true;
        let reader = pipe.reader.take();
        drop(pipe);
        wake(reader);
        Poll::Ready(Ok(()))
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        let mut pipe = lock(&self.outbound);
        pipe.ended = true;
        let (own, reader) = (pipe.writer.take(), pipe.reader.take());
        drop(pipe);
        drop(own);
        wake(reader);

        let mut pipe = lock(&self.inbound);
        pipe.abandoned = true;
        pipe.bytes = VecDeque::new();
        let (own, writer) = (pipe.reader.take(), pipe.writer.take());
        drop(pipe);
        drop(own);
        wake(writer);
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<MemoryStream>,
    closed: bool,
    acceptor: Option<Waker>,
}

/// Connects to the [`MemoryListener`] that it was made with.
#[derive(Clone, Debug)]
pub struct MemoryConnector(Arc<Mutex<Queue>>);

/// Accepts what the [`MemoryConnector`]s that it was made with connect. A server takes it [boxed](Listen::boxed).
#[derive(Debug)]
pub struct MemoryListener(Arc<Mutex<Queue>>);

/// A listener in memory and what connects to it.
pub fn endpoint() -> (MemoryConnector, MemoryListener) {
    let queue = Arc::new(Mutex::new(Queue::default()));
    (MemoryConnector(Arc::clone(&queue)), MemoryListener(queue))
}

impl MemoryConnector {
    /// Connects.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::ConnectionRefused`] when the listener is gone, or too many wait for it.
    pub fn connect(&self) -> io::Result<MemoryStream> {
        let mut queue = lock(&self.0);
        if queue.closed || queue.waiting.len() >= BACKLOG {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (client, server) = pipe(CAPACITY);
        queue.waiting.push_back(server);
        let acceptor = queue.acceptor.take();
        drop(queue);
        wake(acceptor);
        Ok(client)
    }
}

impl Listen for MemoryListener {
    type Stream = MemoryStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<MemoryStream>> {
        let mut queue = lock(&self.0);
        match queue.waiting.pop_front() {
            Some(stream) => Poll::Ready(Ok(stream)),
            None => {
                let replaced = park(&mut queue.acceptor, cx);
                drop(queue);
                drop(replaced);
                Poll::Pending
            }
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::Memory)
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        let mut queue = lock(&self.0);
        queue.closed = true;
        let left = (core::mem::take(&mut queue.waiting), queue.acceptor.take());
        drop(queue);
        drop(left);
    }
}

#[cfg(test)]
mod tests;
