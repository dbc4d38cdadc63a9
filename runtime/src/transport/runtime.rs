use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

use unwired_core::Instant;

use super::handle::{BoxListener, Boxing};
use super::{Address, Peer};

/// A future on the heap that may go to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What `unwired` asks of an async runtime. It is little: an adapter is glue.
pub trait Runtime: Send + Sync + 'static {
    /// A connected socket, or what stands for one.
    type Stream: ByteStream;
    /// What accepts connections.
    type Listener: Listen<Stream = Self::Stream>;
    /// What wakes at a time.
    type Timer: Timer;

    /// The time, which never goes back, since an epoch of the runtime's own.
    fn now(&self) -> Instant;

    /// A timer that is not set.
    fn timer(&self) -> Self::Timer;

    /// Runs `task` to its end, beside everything else.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// A number that nobody can guess: for jitter, and for hashes of what peers choose. A simulator takes it from its
    /// seed.
    fn seed(&self) -> u64;

    /// Whether the next handler gets a task at once, where [`SpawnPolicy::Adaptive`] decides. `None`, the default, leaves
    /// that to how long the method has taken; a simulator, in which nothing takes time, takes it from its seed.
    ///
    /// [`SpawnPolicy::Adaptive`]: crate::SpawnPolicy::Adaptive
    fn spawns_handler(&self) -> Option<bool> {
        None
    }

    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// Those of the system; [`io::ErrorKind::Unsupported`] for a kind of address that the runtime does not have.
    fn connect(&self, address: &Address) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Listens at `address`.
    ///
    /// # Errors
    ///
    /// Those of the system; [`io::ErrorKind::Unsupported`] for a kind of address that the runtime does not have.
    fn listen(&self, address: &Address) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// The addresses of `host`.
    ///
    /// # Errors
    ///
    /// Those of the system's resolver.
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;
}

/// Bytes to and from a peer.
pub trait ByteStream: Send + Unpin + 'static {
    /// Reads into `buffer`; 0 is the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes from `slices`, in order; answers how many bytes were taken.
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Ready once all that was taken has gone to the system. A socket keeps nothing back; what encrypts does.
    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Says that nothing more will be written.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Who is at both ends.
    fn peer(&self) -> &Peer;
}

/// Accepts connections.
pub trait Listen: Send + Unpin + 'static {
    /// What is accepted.
    type Stream: ByteStream;

    /// The next connection.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Stream>>;

    /// Where this listens, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn local_address(&self) -> io::Result<Address>;

    /// Before this is dropped: no new connections come from now on, if others can get them. Answers how long to go on
    /// accepting, which is what the connections take that have begun.
    fn turn_away(&mut self) -> Duration {
        Duration::ZERO
    }

    /// This listener without its type, as [`Bound`](crate::server::Bound) takes it.
    fn boxed(self) -> BoxListener
    where
        Self: Sized,
    {
        Box::new(Boxing(self))
    }
}

/// Wakes a task at a time.
pub trait Timer: Send + Unpin + 'static {
    /// Sets the timer, whether it was set before or not.
    fn reset(&mut self, at: Instant);

    /// Ready once the time has come, and until the timer is set again. Pending for one that was never set.
    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

impl<S: ByteStream + ?Sized> ByteStream for Box<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buffer)
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (**self).poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown(cx)
    }

    fn peer(&self) -> &Peer {
        (**self).peer()
    }
}
