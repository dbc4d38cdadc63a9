use core::mem::take;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Poll, Waker};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use unwired_core::Instant;
use unwired_core::grpc::Config;
use unwired_core::grpc::client::{Connection, Event};
use unwired_core::http2::Reason;

use super::builder::Options;
use super::policy::Backoff;
use super::target::Target;
use super::turns::Turns;
use crate::Status;
use crate::driver::{Driver, Link, Shared, Side, wake_all};
#[cfg(feature = "tls")]
use crate::tls::{Connector, TlsStream};
use crate::transport::{Address, BoxStream, ByteStream, RuntimeHandle};

/// A connection and who waits to start calls on it.
pub(crate) struct Connected {
    pub(crate) link: Arc<Link<Connection>>,
    pub(crate) turns: Arc<Turns>,
    /// The server has shown that it speaks HTTP/2.
    is_ready: AtomicBool,
}

/// One server: its connection, the tries to make one, and who waits for it.
pub(crate) struct Subchannel {
    pub(crate) runtime: RuntimeHandle,
    pub(crate) target: Target,
    pub(crate) config: Config,
    pub(crate) options: Options,
    /// What makes connections with TLS, or why nothing can.
    #[cfg(feature = "tls")]
    tls: Option<Result<Connector, String>>,
    state: Mutex<State>,
}

struct State {
    connectivity: Connectivity,
    backoff: Backoff,
    waiting: Vec<Waker>,
    /// Counts tries: what a try that was given up says is nobody's business any more.
    tries: u64,
}

enum Connectivity {
    Idle,
    Connecting,
    Ready(Arc<Connected>),
    /// The last try failed; the next may begin at that time.
    Failed(Instant, Status),
}

impl Subchannel {
    pub(crate) fn new(
        runtime: RuntimeHandle,
        target: Target,
        config: Config,
        options: Options,
        #[cfg(feature = "tls")] tls: Option<Result<Connector, String>>,
    ) -> Self {
        let backoff = Backoff::new(runtime.seed());
        let state = State { connectivity: Connectivity::Idle, backoff, waiting: Vec::new(), tries: 0 };
        Self {
            runtime,
            target,
            config,
            options,
            #[cfg(feature = "tls")]
            tls,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, once there is one; a try to make one, if there is none.
    pub(crate) fn poll_link(self: &Arc<Self>, waker: &Waker) -> Poll<Result<Arc<Connected>, Status>> {
        let mut state = self.lock();
        let mut attempt = None;
        match &state.connectivity {
            Connectivity::Ready(connected) => return Poll::Ready(Ok(Arc::clone(connected))),
            // gRPC, `wait-for-ready.md`: while connecting fails, so do calls, at once.
            Connectivity::Failed(until, status) if self.runtime.now() < *until => {
                return Poll::Ready(Err(status.clone()));
            }
            Connectivity::Failed(..) | Connectivity::Idle => {
                state.connectivity = Connectivity::Connecting;
                state.tries += 1;
                attempt = Some(Attempt { subchannel: Arc::downgrade(self), number: state.tries });
            }
            Connectivity::Connecting => {}
        }
        if !state.waiting.iter().any(|there| there.will_wake(waker)) {
            state.waiting.push(waker.clone());
        }
        drop(state);
        if let Some(attempt) = attempt {
            let this = Arc::clone(self);
            // A runtime that has ended drops this at once.
            self.runtime.spawn(async move { this.run(attempt).await });
        }
        Poll::Pending
    }

    /// Takes no more calls on `link`: the next one gets another connection.
    pub(crate) fn retire(&self, link: &Arc<Link<Connection>>) {
        let mut state = self.lock();
        if let Connectivity::Ready(connected) = &state.connectivity
            && Arc::ptr_eq(&connected.link, link)
        {
            state.connectivity = Connectivity::Idle;
        }
    }

    /// Makes a connection and drives it to its end.
    async fn run(self: Arc<Self>, attempt: Attempt) {
        let number = attempt.number;
        let begun = self.runtime.now();
        let connected = self.runtime.timeout(self.options.connect_timeout, self.connect()).await;
        match connected {
            Ok(Ok(stream)) => self.drive(stream, number, begun).await,
            Ok(Err(error)) => self.failed(number, begun, &error.to_string(), Some(error)),
            Err(_) => {
                let timeout = self.options.connect_timeout;
                self.failed(number, begun, &format!("no answer in {timeout:?}"), None);
            }
        }
    }

    async fn connect(&self) -> io::Result<BoxStream> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let connector = tls.as_ref().map_err(|why| io::Error::other(why.clone()))?;
            let socket = self.connect_socket().await?;
            return Ok(Box::new(TlsStream::connect(socket, connector).await?));
        }
        self.connect_socket().await
    }

    async fn connect_socket(&self) -> io::Result<BoxStream> {
        let addresses = match &self.target {
            Target::Memory(connector) => return Ok(Box::new(connector.connect()?)),
            Target::Address(address) => return self.runtime.connect(address.clone()).await,
            Target::Addresses(addresses) => addresses.clone(),
            Target::Host(host, port) => self.runtime.resolve(host.clone(), *port).await?,
            #[cfg(feature = "tls")]
            Target::Tls(host, port) => self.runtime.resolve(host.clone(), *port).await?,
        };
        let (mut kind, mut tried) = (io::ErrorKind::NotFound, Vec::new());
        for address in addresses {
            match self.runtime.connect(Address::Tcp(address)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    kind = error.kind();
                    tried.push(format!("{address}: {error}"));
                }
            }
        }
        Err(io::Error::new(
            kind,
            if tried.is_empty() { "the name has no address".to_owned() } else { tried.join("; ") },
        ))
    }

    async fn drive(self: Arc<Self>, stream: BoxStream, number: u64, begun: Instant) {
        let mut config = self.config.clone();
        config.http2.seed = self.runtime.seed();
        let connection = Connection::new(config, self.runtime.now());
        let link = Arc::new(Link::new(connection, self.runtime.clone(), stream.peer().clone()));
        let connected = Arc::new(Connected {
            link: Arc::clone(&link),
            turns: Arc::default(),
            is_ready: AtomicBool::new(false),
        });
        let calling = Calling {
            connected: Arc::clone(&connected),
            subchannel: Arc::downgrade(&self),
            number,
            begun,
            end: None,
            noted: Noted::default(),
        };
        let runtime = self.runtime.clone();
        let timeout = self.options.connect_timeout;
        let subchannel = Arc::downgrade(&self);
        // A channel that nobody holds any more closes its connection, also this one.
        drop(self);
        let mut late = Some(runtime.sleep_until(begun + timeout));
        let mut driver = pin!(Driver::new(link, calling, stream, runtime));
        core::future::poll_fn(|cx| {
            if connected.is_ready.load(Ordering::Relaxed) {
                late = None;
            } else if late.as_mut().is_some_and(|late| Pin::new(late).poll(cx).is_ready()) {
                late = None;
                if let Some(subchannel) = subchannel.upgrade() {
                    let why =
                        format!("the peer accepted the connection and said nothing of HTTP/2 in {timeout:?}");
                    subchannel.failed(number, begun, &why, None);
                }
                let link = &connected.link;
                link.with(|shared| shared.conn.close(link.runtime.now(), Reason::NO_ERROR, "handshake"));
            }
            driver.as_mut().poll(cx)
        })
        .await;
    }

    fn ready(&self, number: u64, connected: Arc<Connected>) {
        let mut state = self.lock();
        if state.tries == number {
            state.backoff.on_success();
            state.connectivity = Connectivity::Ready(connected);
        }
        let mut waiting = core::mem::take(&mut state.waiting);
        drop(state);
        wake_all(&mut waiting);
    }

    fn failed(&self, number: u64, begun: Instant, why: &str, error: Option<io::Error>) {
        let mut status = Status::unavailable(format!("cannot connect to {}: {why}", self.target));
        if let Some(error) = error {
            status = status.caused_by(error);
        }
        let mut state = self.lock();
        if state.tries == number && matches!(state.connectivity, Connectivity::Connecting) {
            let until = state.backoff.on_failure(begun);
            state.connectivity = Connectivity::Failed(until, status);
        }
        let mut waiting = core::mem::take(&mut state.waiting);
        drop(state);
        wake_all(&mut waiting);
    }
}

/// A try to connect. One that is dropped before it has come to anything, because the runtime has ended, has failed.
struct Attempt {
    subchannel: Weak<Subchannel>,
    number: u64,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(subchannel) = self.subchannel.upgrade() {
            let begun = subchannel.runtime.now();
            subchannel.failed(self.number, begun, "the runtime of the channel has ended", None);
        }
    }
}

impl Drop for Subchannel {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Connectivity::Ready(connected) = &state.connectivity {
            // Calls under way hold the connection themselves; they go on to their ends.
            connected.link.with(|shared| shared.conn.drain(self.runtime.now(), None));
        }
    }
}

/// What a client does with the calls of one connection.
struct Calling {
    connected: Arc<Connected>,
    subchannel: Weak<Subchannel>,
    number: u64,
    begun: Instant,
    end: Option<String>,
    noted: Noted,
}

/// What events ask for.
#[derive(Default)]
struct Noted {
    woken: Vec<Waker>,
    ready: bool,
    retired: bool,
    freed: bool,
}

impl Side for Calling {
    type Protocol = Connection;

    fn on_events(&mut self, shared: &mut Shared<Connection>) {
        let noted = &mut self.noted;
        while let Some(event) = shared.conn.poll_event() {
            match event {
                Event::Ready => noted.ready = true,
                Event::Metadata { call } => noted.woken.append(&mut shared.wakers.of(call).watchers),
                Event::Message { call } => noted.woken.extend(shared.wakers.of(call).recv.take()),
                Event::Writable { call } => noted.woken.extend(shared.wakers.of(call).send.take()),
                Event::Done { call } => {
                    let wakers = shared.wakers.of(call);
                    wakers.ended = true;
                    wakers.take_all(&mut noted.woken);
                }
                Event::CallsAvailable => noted.freed = true,
                Event::GoingAway { .. } => noted.retired = true,
                Event::Closed(end) => {
                    noted.retired = true;
                    self.end = Some(end.to_string());
                }
                _ => {}
            }
        }
    }

    fn run(&mut self, link: &Arc<Link<Connection>>) -> bool {
        wake_all(&mut self.noted.woken);
        let ready = take(&mut self.noted.ready);
        let retired = take(&mut self.noted.retired);
        let freed = take(&mut self.noted.freed);
        if ready {
            self.connected.is_ready.store(true, Ordering::Relaxed);
        }
        if ready || retired {
            match self.subchannel.upgrade() {
                Some(subchannel) => {
                    if ready {
                        subchannel.ready(self.number, Arc::clone(&self.connected));
                    }
                    if retired {
                        subchannel.retire(link);
                    }
                }
                // Nobody holds the channel any more.
                None => link.with(|shared| shared.conn.drain(link.runtime.now(), None)),
            }
        }
        if freed || retired {
            self.connected.turns.wake(retired);
        }
        false
    }

    fn on_end(&mut self, link: &Arc<Link<Connection>>, error: Option<io::Error>) {
        self.connected.turns.wake(true);
        if let Some(subchannel) = self.subchannel.upgrade() {
            subchannel.retire(link);
            if !self.connected.is_ready.load(Ordering::Relaxed) {
                let why = match (&error, self.end.take()) {
                    (Some(error), _) => error.to_string(),
                    (None, Some(end)) => format!("the peer does not speak gRPC: {end}"),
                    (None, None) => "the connection ended".to_owned(),
                };
                subchannel.failed(self.number, self.begun, &why, error);
            }
        }
    }
}
