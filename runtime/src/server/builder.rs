use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use unwired_core::grpc::{Config, EncodingSet, MethodPath};
use unwired_core::http2::Keepalive;

use super::admission::{Admission, Gate};
use super::connection_error::{ConnectionError, OnConnectionError};
use super::routes::{Route, Routes};
use super::service::{Service, SpawnPolicy};
use super::stats::{ConnectionStats, ServerStats, Tally};
use crate::intercept::{Interceptor, Interceptors};
#[cfg(feature = "tls")]
use crate::tls::ServerTls;

/// Services and how they are served; an adapter gives it sockets: `unwired_tokio::serve(server, address)`.
#[derive(Clone)]
pub struct Server {
    pub(crate) routes: Arc<Routes>,
    pub(crate) config: Config,
    pub(crate) options: Options,
    pub(crate) on_connection_error: Option<OnConnectionError>,
    pub(crate) tally: Arc<Tally>,
    gate: Option<Arc<Gate>>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<ServerTls>,
}

/// What a server does beyond the protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) max_timeout: Option<Duration>,
    pub(crate) max_connections: usize,
    pub(crate) max_handshakes: usize,
    pub(crate) drain_timeout: Duration,
}

/// A peer that has connected and says nothing holds a place for ten seconds; there are so many of them.
const DEFAULT_MAX_HANDSHAKES: usize = 1024;
/// Calls that go on when a server is to stop get so long.
const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

impl Server {
    /// A server to be made.
    pub fn builder() -> Builder {
        Builder {
            routes: Routes::default(),
            interceptors: Interceptors::default(),
            config: Config::server(),
            options: Options {
                max_timeout: None,
                max_connections: usize::MAX,
                max_handshakes: DEFAULT_MAX_HANDSHAKES,
                drain_timeout: DEFAULT_DRAIN_TIMEOUT,
            },
            on_connection_error: None,
            gate: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl Server {
    /// What has been counted so far, over all connections of this server and of its clones: keep one of them to ask it.
    /// Asking takes each connection's lock for a moment; that it can be asked costs nothing.
    pub fn stats(&self) -> ServerStats {
        let mut stats = self.tally.sum();
        if let Some(gate) = &self.gate {
            (stats.calls_queued, stats.calls_refused) = gate.counts();
        }
        stats
    }

    /// What each connection that is open has counted so far, the oldest first.
    pub fn connections(&self) -> Vec<ConnectionStats> {
        self.tally.connections()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Makes a [`Server`].
#[must_use]
pub struct Builder {
    routes: Routes,
    interceptors: Interceptors,
    config: Config,
    options: Options,
    on_connection_error: Option<OnConnectionError>,
    gate: Option<Arc<Gate>>,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

impl Builder {
    /// Speaks TLS with everybody but peers in memory.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Tells `f` of connections that a fault has ended: a handshake that failed, a peer that broke a rule. It is called
    /// where connections are driven, so it shall not block.
    pub fn on_connection_error(mut self, f: impl Fn(&ConnectionError) + Send + Sync + 'static) -> Self {
        self.on_connection_error = Some(Arc::new(f));
        self
    }

    /// Serves `service`, beside those that were added before. Of two with the same name the later one is served.
    pub fn add_service(mut self, service: impl Service) -> Self {
        self.routes.add(Arc::new(service));
        self
    }

    /// Calls of all services, whenever they are added, go through `interceptor`, behind those that were set before.
    pub fn intercepted_by(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors = self.interceptors.and(interceptor);
        self
    }

    /// Says for one method of a service that was added before where its handlers run, whatever its service says: the path
    /// is that of its calls, `/helloworld.Greeter/SayHello`.
    ///
    /// # Panics
    ///
    /// When no service that was added has such a method.
    pub fn spawn_policy(mut self, path: &str, policy: SpawnPolicy) -> Self {
        self.method(path, |route| route.spawn = policy);
        self
    }

    /// No call of one method of a service that was added before takes longer than `timeout`, whatever its client allows: the
    /// path is that of its calls, `/helloworld.Greeter/SayHello`. Of this and [`timeout`](Self::timeout) the shorter holds.
    ///
    /// # Panics
    ///
    /// When no service that was added has such a method.
    pub fn method_timeout(mut self, path: &str, timeout: Duration) -> Self {
        self.method(path, |route| route.max_timeout = Some(timeout));
        self
    }

    fn method(&mut self, path: &str, change: impl FnOnce(&mut Route)) {
        let route = MethodPath::parse(path.as_bytes()).and_then(|path| self.routes.find_mut(path));
        assert!(route.is_some(), "no service that was added has the method {path}");
        if let Some(route) = route {
            change(route);
        }
    }

    /// Bounds the calls that are worked on at a time, over all connections. A stream counts for as long as it goes on;
    /// calls of the services for health and reflection do not count. Any number by default, and
    /// [`max_concurrent_streams`](Self::max_concurrent_streams) on each connection.
    pub fn admission(mut self, admission: Admission) -> Self {
        self.gate = Some(Arc::new(Gate::new(admission)));
        self
    }

    /// No call takes longer than `timeout`, whatever its client allows.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.options.max_timeout = Some(timeout);
        self
    }

    /// Connections at a time; more of them wait to be accepted. All by default.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.options.max_connections = connections;
        self
    }

    /// Connections at a time that have not completed their handshake; more of them wait to be accepted. 1024 by
    /// default.
    pub const fn max_handshakes(mut self, connections: usize) -> Self {
        self.options.max_handshakes = connections;
        self
    }

    /// Calls at a time on one connection. 128 by default.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.config.http2.limits.max_concurrent_streams = streams;
        self
    }

    /// The longest message that is received where a service does not say otherwise, bytes. 4 MiB by default.
    pub const fn max_decoding_message_size(mut self, bytes: usize) -> Self {
        self.config.max_recv_message = bytes;
        self
    }

    /// The longest message that is sent where a service does not say otherwise, bytes. Any by default.
    pub const fn max_encoding_message_size(mut self, bytes: usize) -> Self {
        self.config.max_send_message = bytes;
        self
    }

    /// The encodings in which messages are accepted. All that this build supports by default.
    pub const fn accept_compressed(mut self, encodings: EncodingSet) -> Self {
        self.config.accept = encodings;
        self
    }

    /// After `interval` of silence a PING asks whether the client is there; without an answer in `timeout` the
    /// connection ends. Two hours and 20 s by default.
    pub fn keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.config.http2.keepalive = Some(Keepalive { interval, timeout, while_idle: true });
        self
    }

    /// A connection without calls for so long is drained. Never by default.
    pub fn max_connection_idle(mut self, idle: Duration) -> Self {
        self.config.http2.max_idle = Some(idle);
        self
    }

    /// A connection of that age, give or take a tenth, is drained. Never by default.
    pub fn max_connection_age(mut self, age: Duration) -> Self {
        self.config.http2.max_age = Some(age);
        self
    }

    /// After the greatest age, calls go on for so long. Without end by default.
    pub fn max_connection_age_grace(mut self, grace: Duration) -> Self {
        self.config.http2.max_age_grace = Some(grace);
        self
    }

    /// When the server is to stop, calls go on for so long. 30 s by default.
    pub const fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.options.drain_timeout = timeout;
        self
    }

    /// Changes any other setting of the protocol: windows, limits, ping policy.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// The server.
    pub fn build(mut self) -> Server {
        if let Some(gate) = &self.gate {
            self.routes.set_gate(gate);
        }
        if !self.interceptors.is_empty() {
            self.routes.intercept(&self.interceptors);
        }
        Server {
            gate: self.gate,
            routes: Arc::new(self.routes),
            config: self.config,
            options: self.options,
            on_connection_error: self.on_connection_error,
            tally: Arc::default(),
            #[cfg(feature = "tls")]
            tls: self.tls,
        }
    }
}

impl From<Builder> for Server {
    fn from(builder: Builder) -> Self {
        builder.build()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("options", &self.options).finish_non_exhaustive()
    }
}
