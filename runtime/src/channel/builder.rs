use core::fmt;
use core::future::poll_fn;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

use unwired_core::grpc::{Config, EncodingSet};
use unwired_core::http2::Keepalive;

use super::balancing::LoadBalancing;
use super::client_channel::ClientChannel;
use super::connectivity::Connectivity;
use super::credentials::{CallCredentials, Credentials};
use super::resolving::{Resolve, Resolver};
use super::service_config::ServiceConfig;
use super::stats::{ChannelStats, ConnectionStats};
use super::target::Target;
use crate::Status;
use crate::intercept::{Interceptor, Interceptors};
#[cfg(feature = "mount")]
use crate::mount::HttpClient;
#[cfg(feature = "tls")]
use crate::tls::{ClientTls, Connector};
use crate::transport::RuntimeHandle;

/// gRPC, `connection-backoff.md`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// As gRPC's C++ and Java have it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// gRPC, `PROTOCOL-HTTP2.md`: `grpc-` language `-` variant `/` version.
const USER_AGENT: &str = concat!("grpc-rust-unwired/", env!("CARGO_PKG_VERSION"));
/// What a channel does beyond the protocol.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) scheme: &'static str,
    pub(crate) authority: String,
    pub(crate) user_agent: Cow<'static, str>,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Option<Duration>,
    pub(crate) load_balancing: Option<LoadBalancing>,
    pub(crate) service_config: Option<ServiceConfig>,
    pub(crate) idle_timeout: Option<Duration>,
    /// To one server.
    pub(crate) max_connections: usize,
}

/// Calls to one server, or to several that are as good as each other, over connections that are made when they are needed
/// and made again when they are lost.
///
/// A channel is cheap to clone; clones share the connections. It names no runtime: a library can take one from any
/// program.
///
/// While servers cannot be reached, it tries again: the first time 1 s after the try that failed began, then 1.6 times
/// longer each time up to two minutes, give or take a fifth (gRPC, `connection-backoff.md`). Calls fail at once in the
/// meantime, and say which addresses were tried and what came of it; those that
/// [wait for ready](crate::Request::set_wait_for_ready) wait.
#[derive(Clone)]
pub struct Channel {
    pub(crate) shared: Arc<ClientChannel>,
    pub(crate) interceptors: Interceptors,
    pub(crate) credentials: Credentials,
}

impl Channel {
    /// A channel to be made, on `runtime`, to `target`.
    pub fn builder(runtime: RuntimeHandle, target: Target) -> Builder {
        let authority = target.authority();
        Builder {
            runtime,
            resolver: Resolver::of(&target),
            interceptors: Interceptors::default(),
            credentials: Credentials::default(),
            target,
            config: Config::client(),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "mount")]
            over: None,
            options: Options {
                scheme: "http",
                authority,
                user_agent: Cow::Borrowed(USER_AGENT),
                connect_timeout: CONNECT_TIMEOUT,
                timeout: None,
                load_balancing: None,
                service_config: None,
                idle_timeout: Some(IDLE_TIMEOUT),
                max_connections: 1,
            },
        }
    }

    /// Waits until there is a connection.
    ///
    /// Cancel-safe: the connection is made all the same.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE, with what was tried and why it failed.
    pub async fn ready(&self) -> Result<(), Status> {
        let shared = &self.shared;
        #[cfg(feature = "mount")]
        if shared.http()?.is_some() {
            return Ok(());
        }
        poll_fn(|cx| shared.poll_pick(shared.runtime.now(), false, cx.waker())).await.map(|_| ())
    }

    /// What the channel is doing about its connections.
    pub fn connectivity(&self) -> Connectivity {
        let connectivity = self.shared.connectivity();
        #[cfg(feature = "mount")]
        if connectivity == Connectivity::Idle && self.shared.over.is_some() {
            return Connectivity::Ready;
        }
        connectivity
    }

    /// Waits until the channel is something else than `from`, and says what. States that it passes through quickly may be
    /// missed.
    ///
    /// Cancel-safe.
    pub async fn connectivity_changed(&self, from: Connectivity) -> Connectivity {
        poll_fn(|cx| self.shared.poll_change(from, cx.waker())).await
    }

    /// Connects if the channel is [idle](Connectivity::Idle), without waiting for it: for whoever watches
    /// [`connectivity`](Self::connectivity) before there are calls.
    pub fn connect(&self) {
        #[cfg(feature = "mount")]
        if self.shared.over.is_some() {
            return;
        }
        self.shared.wake();
    }

    /// What has been counted so far, over all connections of this channel and of its clones. Asking takes each connection's
    /// lock for a moment; that it can be asked costs nothing.
    pub fn stats(&self) -> ChannelStats {
        self.shared.tally.sum()
    }

    /// What each connection that is open has counted so far, the oldest first.
    pub fn connections(&self) -> Vec<ConnectionStats> {
        self.shared.tally.connections()
    }

    /// Takes no more calls, on this clone of the channel or another: they fail with UNAVAILABLE, also those that wait for a
    /// connection. Calls under way go on.
    pub fn close(&self) {
        self.shared.close();
    }

    /// The same channel, whose calls go through `interceptor`, behind those that were set before. This one and its other
    /// clones stay as they are: it is how one client among several gets interceptors of its own.
    #[must_use]
    pub fn intercepted_by(&self, interceptor: impl Interceptor) -> Self {
        Self { interceptors: self.interceptors.and(interceptor), ..self.clone() }
    }

    /// The same channel, whose calls show `credentials` besides those that were set before. This one and its other clones
    /// stay as they are.
    #[must_use]
    pub fn with_call_credentials(&self, credentials: impl CallCredentials) -> Self {
        Self { credentials: self.credentials.and(credentials), ..self.clone() }
    }

    /// The runtime that the channel lives on.
    pub fn runtime(&self) -> &RuntimeHandle {
        &self.shared.runtime
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("target", &self.shared.target).finish_non_exhaustive()
    }
}

/// Makes a [`Channel`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    runtime: RuntimeHandle,
    target: Target,
    resolver: Resolver,
    interceptors: Interceptors,
    credentials: Credentials,
    config: Config,
    options: Options,
    #[cfg(feature = "tls")]
    tls: Option<ClientTls>,
    #[cfg(feature = "mount")]
    over: Option<HttpClient>,
}

impl Builder {
    /// Speaks TLS as `tls` says. A target of `https://` without this trusts whom the system trusts.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Calls go through `interceptor`, behind those that were set before.
    pub fn intercepted_by(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors = self.interceptors.and(interceptor);
        self
    }

    /// Makes the calls over `http`, which connects as it sees fit: the channel has no connections of its own. Its target says
    /// what stands in the URIs of requests; what is said here of servers, connections and windows has no meaning.
    #[cfg(feature = "mount")]
    pub fn over(mut self, http: HttpClient) -> Self {
        self.over = Some(http);
        self
    }

    /// Calls show `credentials`, besides those that were set before.
    pub fn call_credentials(mut self, credentials: impl CallCredentials) -> Self {
        self.credentials = self.credentials.and(credentials);
        self
    }

    /// Every call ends after `timeout`, unless it asks for less.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// A try to connect ends after `timeout`. 20 s by default.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// How calls are spread over the servers, when the target has several addresses.
    pub fn load_balancing(mut self, load_balancing: LoadBalancing) -> Self {
        self.options.load_balancing = Some(load_balancing);
        self
    }

    /// What holds for which method: deadlines, limits, retries, hedging; and how calls are spread, unless
    /// [`load_balancing`](Self::load_balancing) says so. What a [`Resolve`] of your own says of that goes before it.
    pub fn service_config(mut self, config: ServiceConfig) -> Self {
        self.options.service_config = Some(config);
        self
    }

    /// Where the addresses of the servers come from, instead of the runtime's own way to look the target up.
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Resolver { resolve: Arc::new(resolver), has_configs: true };
        self
    }

    /// After `timeout` without a call, the connections are closed, until the next call makes one. 30 minutes by default;
    /// `None`: never.
    pub const fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.options.idle_timeout = timeout;
        self
    }

    /// Up to `connections` to each server, one at least: another is made when the server takes no more calls on those there
    /// are. 1 by default: calls over the server's limit wait for their turn, within their deadlines.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.options.max_connections = connections;
        self
    }

    /// What is sent as `:authority` instead of the target's name.
    pub fn authority(mut self, authority: impl Into<String>) -> Self {
        self.options.authority = authority.into();
        self
    }

    /// Puts `name` before our own `user-agent`.
    pub fn user_agent(mut self, name: impl AsRef<str>) -> Self {
        self.options.user_agent = Cow::Owned(format!("{} {USER_AGENT}", name.as_ref()));
        self
    }

    /// After `interval` of silence, 10 s at least, a PING asks whether the server is there; without an answer in
    /// `timeout` the connection ends. Never by default: servers count PINGs.
    pub fn keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.config.set_client_keepalive(interval, timeout, false);
        self
    }

    /// As [`keepalive`](Self::keepalive), also while there is no call.
    pub fn keepalive_while_idle(mut self) -> Self {
        if let Some(Keepalive { while_idle, .. }) = &mut self.config.http2.keepalive {
            *while_idle = true;
        }
        self
    }

    /// The longest message that is received, bytes. 4 MiB by default.
    pub const fn max_decoding_message_size(mut self, bytes: usize) -> Self {
        self.config.max_recv_message = bytes;
        self
    }

    /// The longest message that is sent, bytes. Any by default.
    pub const fn max_encoding_message_size(mut self, bytes: usize) -> Self {
        self.config.max_send_message = bytes;
        self
    }

    /// The encodings in which messages are accepted. All that this build supports by default.
    pub const fn accept_compressed(mut self, encodings: EncodingSet) -> Self {
        self.config.accept = encodings;
        self
    }

    /// Changes any other setting of the protocol: windows, limits.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// The channel. It connects with its first call.
    pub fn connect_lazy(self) -> Channel {
        #[cfg(feature = "tls")]
        let connector = self.connector();
        #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "only TLS has another scheme"))]
        let Self {
            runtime,
            target,
            resolver,
            interceptors,
            credentials,
            config,
            mut options,
            #[cfg(feature = "mount")]
            over,
            ..
        } = self;
        #[cfg(feature = "tls")]
        if connector.is_some() {
            options.scheme = "https";
        }
        let shared = ClientChannel::new(
            runtime,
            target,
            config,
            options,
            resolver,
            #[cfg(feature = "tls")]
            connector,
            #[cfg(feature = "mount")]
            over,
        );
        Channel { shared: Arc::new(shared), interceptors, credentials }
    }

    /// What makes connections with TLS, if they are to have it. What is wrong with it is said when one is made.
    #[cfg(feature = "tls")]
    fn connector(&self) -> Option<Result<Connector, String>> {
        let tls = match (&self.tls, &self.target) {
            (Some(tls), _) => Ok(tls.clone()),
            (None, Target::Tls(..)) => ClientTls::with_system_roots(),
            (None, _) => return None,
        };
        let authority: Result<http::uri::Authority, _> = self.options.authority.parse();
        let host = authority.as_ref().map_or(&*self.options.authority, |authority| authority.host());
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(tls.and_then(|tls| Connector::new(&tls, host)).map_err(|error| error.to_string()))
    }

    /// The channel, once it is connected.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE, with what was tried and why it failed.
    pub async fn connect(self) -> Result<Channel, Status> {
        let channel = self.connect_lazy();
        channel.ready().await?;
        Ok(channel)
    }
}
