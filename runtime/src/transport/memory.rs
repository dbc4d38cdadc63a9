//! Connections inside one process, without a socket: for tests of services, on any runtime.

use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Address, ByteStream, Listen, Peer};

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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds one of these locks can leave it half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipe {
    fn end(&mut self) {
        self.ended = true;
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    fn abandon(&mut self) {
        self.abandoned = true;
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}

/// One end of a connection in memory.
#[derive(Debug)]
pub struct MemoryStream {
    inbound: Arc<Mutex<Pipe>>,
    outbound: Arc<Mutex<Pipe>>,
    peer: Peer,
}

/// A connection in memory, whose writers wait while `capacity` bytes are unread.
pub fn pipe(capacity: usize) -> (MemoryStream, MemoryStream) {
    let direction = || Arc::new(Mutex::new(Pipe { capacity, ..Pipe::default() }));
    let (there, back) = (direction(), direction());
    let peer = Peer { local: Some(Address::Memory), remote: Some(Address::Memory) };
    (
        MemoryStream { inbound: Arc::clone(&back), outbound: Arc::clone(&there), peer: peer.clone() },
        MemoryStream { inbound: there, outbound: back, peer },
    )
}

impl ByteStream for MemoryStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.inbound);
        if pipe.bytes.is_empty() && !pipe.ended {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let read = pipe.bytes.read(buffer)?;
        if let Some(waker) = pipe.writer.take() {
            waker.wake();
        }
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
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut written = 0;
        for slice in slices {
            let part = slice.get(..room).unwrap_or(slice);
            pipe.bytes.write_all(part)?;
            written += part.len();
            room -= part.len();
        }
        if let Some(waker) = pipe.reader.take() {
            waker.wake();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.outbound).end();
        Poll::Ready(Ok(()))
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        lock(&self.outbound).end();
        lock(&self.inbound).abandon();
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

/// Accepts what the [`MemoryConnector`]s that it was made with connect.
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
        if let Some(waker) = queue.acceptor.take() {
            waker.wake();
        }
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
                queue.acceptor = Some(cx.waker().clone());
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
        // Dropped outside of the lock: each of them takes locks of its own.
        let waiting = core::mem::take(&mut queue.waiting);
        drop(queue);
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &mut MemoryStream, n: usize) -> Poll<Vec<u8>> {
        let mut buffer = vec![0; n];
        stream.poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer).map(|read| {
            buffer.truncate(read.unwrap());
            buffer
        })
    }

    fn write(stream: &mut MemoryStream, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let slices = [IoSlice::new(first), IoSlice::new(second)];
        stream.poll_write_vectored(&mut Context::from_waker(Waker::noop()), &slices)
    }

    #[test]
    fn a_writer_waits_while_the_pipe_is_full_and_a_reader_while_it_is_empty() {
        let (mut a, mut b) = pipe(4);
        assert!(read(&mut b, 9).is_pending());
        assert!(matches!(write(&mut a, b"abcdef"), Poll::Ready(Ok(4))));
        assert!(write(&mut a, b"ef").is_pending());
        assert_eq!(read(&mut b, 3), Poll::Ready(b"abc".to_vec()));
        assert!(matches!(write(&mut a, b"ef"), Poll::Ready(Ok(2))));
        assert_eq!(read(&mut b, 9), Poll::Ready(b"def".to_vec()));
    }

    #[test]
    fn an_end_is_read_behind_the_bytes_and_a_dropped_reader_breaks_the_pipe() {
        let (mut a, mut b) = pipe(4);
        assert!(matches!(write(&mut a, b"ab"), Poll::Ready(Ok(2))));
        drop(a);
        assert_eq!(read(&mut b, 9), Poll::Ready(b"ab".to_vec()));
        assert_eq!(read(&mut b, 9), Poll::Ready(Vec::new()));
        assert!(
            matches!(write(&mut b, b"x"), Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe)
        );
    }

    #[test]
    fn connections_are_accepted_in_order_and_refused_without_a_listener() {
        let (connector, mut listener) = endpoint();
        let mut client = connector.connect().unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(mut server)) = listener.poll_accept(&mut cx) else { panic!("no connection") };
        assert!(matches!(write(&mut client, b"hi"), Poll::Ready(Ok(2))));
        assert_eq!(read(&mut server, 9), Poll::Ready(b"hi".to_vec()));
        assert!(listener.poll_accept(&mut cx).is_pending());
        drop(listener);
        assert_eq!(connector.connect().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
