use core::fmt;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use unwired_core::Instant;
use unwired_core::grpc::server::Connection;

use super::Server;
#[cfg(feature = "tls")]
use super::connection_error::ConnectionError;
use super::serving::Serving;
use super::stats::Tally;
use crate::driver::{Driver, Link, wake_all};
use crate::numbered::Numbered;
#[cfg(feature = "tls")]
use crate::tls::{ServerTls, TlsStream};
use crate::transport::{
    AcceptErrors, Address, AfterError, BoxListener, BoxStream, ByteStream, RuntimeHandle, Sleep,
};

/// What a connection takes to end after the time for its calls is over.
const END_TIME: Duration = Duration::from_secs(2);

/// What connections that have begun get to be ready, when the server is to stop.
const HANDSHAKES: Duration = Duration::from_millis(600);

/// Connections that are accepted before others of the thread get their turn.
const MAX_ACCEPTS: usize = 64;

/// Listeners that are open and not served yet: their addresses are known, clients can connect and wait.
pub struct Bound {
    runtime: RuntimeHandle,
    listeners: Vec<BoxListener>,
}

impl Bound {
    /// Listeners of `runtime`.
    pub fn new(runtime: RuntimeHandle, listener: BoxListener) -> Self {
        Self { runtime, listeners: vec![listener] }
    }

    /// A listener in memory, say, beside those of the runtime.
    #[must_use]
    pub fn and(mut self, listener: BoxListener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Beside the listeners of this those of `other`, on the runtime of this.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.listeners.extend(other.listeners);
        self
    }

    /// The address of the first listener, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_address(&self) -> io::Result<Address> {
        match self.listeners.first() {
            Some(listener) => listener.local_address(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The address of the first listener, if it is one of TCP.
    ///
    /// # Errors
    ///
    /// Those of the system, and [`io::ErrorKind::Unsupported`] for another kind of listener.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self.local_address()? {
            Address::Tcp(address) => Ok(address),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Serves until the future is dropped, and then drains as [`serve_with_shutdown`](Self::serve_with_shutdown) does.
    ///
    /// # Errors
    ///
    /// None now: an error of one connection, or of accepting it, is not one of the server.
    pub async fn serve(self, server: impl Into<Server>) -> io::Result<()> {
        self.serve_with_shutdown(server, core::future::pending()).await
    }

    /// Serves until `signal` is ready, then drains: no new connections and calls, those under way end, at the latest
    /// after [`drain_timeout`](super::Builder::drain_timeout).
    ///
    /// Connections that the system has completed for this listener are accepted and told to go elsewhere, rather than reset;
    /// their handshakes, and where another process listens at the same port those of TCP, get half a second before the
    /// others are told. So a client finds the next server when it looks for one.
    ///
    /// Dropping the future stops accepting too, and lets the connections drain without waiting for them.
    ///
    /// # Errors
    ///
    /// None now: an error of one connection, or of accepting it, is not one of the server.
    pub async fn serve_with_shutdown(
        self,
        server: impl Into<Server>,
        signal: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let signal = async {
            signal.await;
            None
        };
        self.serve_until(server, signal).await
    }

    /// As [`serve_with_shutdown`](Self::serve_with_shutdown), with a signal that can say how long calls go on instead of
    /// [`drain_timeout`](super::Builder::drain_timeout).
    ///
    /// # Errors
    ///
    /// None now: an error of one connection, or of accepting it, is not one of the server.
    pub async fn serve_until(
        self,
        server: impl Into<Server>,
        signal: impl Future<Output = Option<Duration>>,
    ) -> io::Result<()> {
        let server = server.into();
        let Self { runtime, listeners } = self;
        let connections = Arc::new(Connections::default());
        let mut accepting = Accepting {
            connections: Arc::clone(&connections),
            runtime: runtime.clone(),
            errors: AcceptErrors::default(),
            pause: None,
            listeners,
            server,
        };
        let mut signal = pin!(signal);
        let said = core::future::poll_fn(|cx| {
            let said = signal.as_mut().poll(cx);
            if said.is_pending() && accepting.poll(cx) {
                cx.waker().wake_by_ref();
            }
            said
        })
        .await;
        let grace = said.unwrap_or(accepting.server.options.drain_timeout);
        accepting.server.routes.drain();
        let end = runtime.now() + grace;
        accepting.turn_away(grace).await;
        let grace = end - runtime.now();
        accepting.server.options.drain_timeout = grace;
        drop(accepting);
        // The connections end by themselves; this is for one that does not.
        let _ =
            runtime.timeout(grace + END_TIME, core::future::poll_fn(|cx| connections.poll_empty(cx))).await;
        Ok(())
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("address", &self.local_address()).finish_non_exhaustive()
    }
}

/// The loop that accepts.
struct Accepting {
    listeners: Vec<BoxListener>,
    server: Server,
    runtime: RuntimeHandle,
    connections: Arc<Connections>,
    errors: AcceptErrors,
    pause: Option<Sleep>,
}

impl Accepting {
    /// Accepts what is there, and answers whether there may be more at once.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..MAX_ACCEPTS {
            if let Some(pause) = &mut self.pause {
                if Pin::new(pause).poll(cx).is_pending() {
                    return false;
                }
                self.pause = None;
            }
            if !self.connections.has_room(&self.server.options, cx.waker()) {
                return false;
            }
            let mut accepted = self.listeners.iter_mut().map(|listener| listener.poll_accept(cx));
            match accepted.find(Poll::is_ready) {
                Some(Poll::Ready(Ok(stream))) => {
                    self.errors.on_success();
                    self.run(stream);
                }
                Some(Poll::Ready(Err(error))) => {
                    self.server.tally.on_accept_error();
                    match self.errors.on_error(&error) {
                        AfterError::GoOn => {}
                        AfterError::Pause(time) => self.pause = Some(self.runtime.sleep(time)),
                    }
                }
                Some(Poll::Pending) | None => return false,
            }
        }
        true
    }

    /// Accepts what was there for these listeners, and lets its handshakes end: a client that is turned away in the midst of
    /// one takes the server for broken. That has [`HANDSHAKES`], and no longer than `grace`.
    async fn turn_away(&mut self, grace: Duration) {
        let begun = self.listeners.iter_mut().map(|listener| listener.turn_away()).max();
        let begun = begun.unwrap_or_default().min(grace);
        let (now, runtime) = (self.runtime.now(), self.runtime.clone());
        let mut begun = (!begun.is_zero()).then(|| runtime.sleep_until(now + begun));
        let accepted_all = core::future::poll_fn(|cx| {
            let more = self.poll(cx);
            let is_over = begun.as_mut().is_none_or(|begun| Pin::new(begun).poll(cx).is_ready());
            if is_over && !more && self.connections.poll_shaken(cx).is_ready() {
                return Poll::Ready(());
            }
            if more {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        });
        // What cannot be waited for is told to go away like the others.
        let _ = runtime.timeout_at(Some(now + HANDSHAKES.min(grace)), accepted_all).await;
    }

    fn run(&self, stream: BoxStream) {
        let accepted = Accepted {
            server: self.server.clone(),
            runtime: self.runtime.clone(),
            at: self.runtime.now(),
            open: Connections::open(&self.connections),
        };
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.server.tls
            && stream.peer().remote != Some(Address::Memory)
        {
            let tls = tls.clone();
            return self.runtime.spawn(async move { accepted.shake_hands(stream, &tls).await });
        }
        self.runtime.spawn(accepted.drive(stream));
    }
}

/// A connection that has been accepted.
struct Accepted {
    server: Server,
    runtime: RuntimeHandle,
    at: Instant,
    open: Open,
}

impl Accepted {
    /// The connection in HTTP/2. The time for its handshake runs since it was accepted.
    fn drive(self, stream: BoxStream) -> Driver<Serving> {
        let Self { server, runtime, at, mut open } = self;
        let max_recv_message = server.config.max_recv_message;
        let mut connection = Connection::with_seed(server.config, runtime.seed(), at);
        connection.set_max_timeout(server.options.max_timeout);
        let link = Arc::new(Link::new(connection, runtime.clone(), stream.peer().clone()));
        open.connected(&link);
        let counted = Tally::opened(&server.tally, &link);
        let serving = Serving::new(
            server.routes,
            runtime.clone(),
            max_recv_message,
            open,
            counted,
            server.on_connection_error,
        );
        Driver::new(link, serving, stream, runtime)
    }

    /// The connection in TLS, and then in HTTP/2.
    #[cfg(feature = "tls")]
    async fn shake_hands(self, socket: BoxStream, tls: &ServerTls) {
        let peer = socket.peer().clone();
        let timeout = self.server.config.http2.limits.handshake_timeout;
        let mut handshake = pin!(TlsStream::accept(socket, tls));
        let shaking = core::future::poll_fn(|cx| {
            if self.open.poll_draining(cx).is_ready() {
                return Poll::Ready(None);
            }
            handshake.as_mut().poll(cx).map(Some)
        });
        let (why, failed) = match self.runtime.timeout_at(Some(self.at + timeout), shaking).await {
            Ok(Some(Ok(stream))) => return self.drive(Box::new(stream)).await,
            // The server is to stop, and this client has asked for nothing yet.
            Ok(None) => return,
            Ok(Some(Err(failed))) => (failed.error.to_string(), Some(failed)),
            Err(_) => (format!("TLS with the client: the handshake was not done in {timeout:?}"), None),
        };
        self.server.tally.on_handshake_failed();
        if let Some(on_error) = &self.server.on_connection_error {
            on_error(&ConnectionError { peer, why });
        }
        if let Some(failed) = failed {
            let _ = self.runtime.timeout(self.server.config.http2.limits.linger, failed.linger()).await;
        }
    }
}

impl Drop for Accepting {
    /// However it ends: whoever is connected is told, and is given the time for it.
    fn drop(&mut self) {
        self.server.routes.drain();
        self.connections.drain(self.server.options.drain_timeout);
    }
}

/// The connections of a server that are open.
#[derive(Default)]
pub(crate) struct Connections(Mutex<State>);

#[derive(Default)]
struct State {
    open: Numbered<Stage>,
    handshakes: usize,
    /// Who waits for a connection to end, or to complete its handshake.
    waiting: Option<Waker>,
    /// The server is to stop: connections end, and their calls have so long.
    draining: Option<Duration>,
}

/// How far a connection has come.
enum Stage {
    /// There is no HTTP/2 yet; who waits to be told that the server is to stop.
    Accepted(Option<Waker>),
    Connected(Weak<Link<Connection>>),
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(this: &Arc<Self>) -> Open {
        let mut state = this.lock();
        state.handshakes += 1;
        let number = state.open.push(Stage::Accepted(None));
        Open { connections: Arc::clone(this), number, shakes_hands: true }
    }

    fn has_room(&self, options: &super::builder::Options, waker: &Waker) -> bool {
        let mut state = self.lock();
        let has_room =
            state.open.len() < options.max_connections && state.handshakes < options.max_handshakes;
        if !has_room {
            state.waiting = Some(waker.clone());
        }
        has_room
    }

    fn drain(&self, grace: Duration) {
        let mut state = self.lock();
        state.draining = Some(grace);
        let (mut links, mut wakers) = (Vec::new(), Vec::new());
        for stage in state.open.values_mut() {
            match stage {
                Stage::Accepted(waker) => wakers.extend(waker.take()),
                Stage::Connected(link) => links.extend(link.upgrade()),
            }
        }
        drop(state);
        for link in links {
            drain(&link, grace);
        }
        wake_all(&mut wakers);
    }

    /// Ready when no connection is in its handshake.
    fn poll_shaken(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.handshakes == 0 {
            return Poll::Ready(());
        }
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_empty(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.open.is_empty() {
            return Poll::Ready(());
        }
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

fn drain(link: &Link<Connection>, grace: Duration) {
    link.with(|shared| shared.conn.drain(link.runtime.now(), Some(grace)));
}

/// One connection's place among those that are open.
pub(crate) struct Open {
    connections: Arc<Connections>,
    number: u64,
    shakes_hands: bool,
}

impl Open {
    /// The connection speaks HTTP/2 from now on, and drains at once where the server is to stop.
    fn connected(&mut self, link: &Arc<Link<Connection>>) {
        let mut state = self.connections.lock();
        state.open.insert(self.number, Stage::Connected(Arc::downgrade(link)));
        let draining = state.draining;
        drop(state);
        if let Some(grace) = draining {
            drain(link, grace);
        }
    }

    /// Ready when the server is to stop.
    #[cfg(feature = "tls")]
    fn poll_draining(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.connections.lock();
        if state.draining.is_some() {
            return Poll::Ready(());
        }
        state.open.insert(self.number, Stage::Accepted(Some(cx.waker().clone())));
        Poll::Pending
    }

    /// The handshake is complete.
    pub(crate) fn on_ready(&mut self) {
        if core::mem::take(&mut self.shakes_hands) {
            let mut state = self.connections.lock();
            state.handshakes -= 1;
            let waiting = state.waiting.take();
            drop(state);
            if let Some(waker) = waiting {
                waker.wake();
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.on_ready();
        let mut state = self.connections.lock();
        state.open.remove(self.number);
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}
