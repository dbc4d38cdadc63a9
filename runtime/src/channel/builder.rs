use core::fmt;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

use unwired_core::grpc::{Config, EncodingSet};
use unwired_core::http2::Keepalive;

use super::connecting::Subchannel;
use super::target::Target;
use crate::Status;
#[cfg(feature = "tls")]
use crate::tls::{ClientTls, Connector};
use crate::transport::RuntimeHandle;

/// gRPC, `connection-backoff.md`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
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
}

/// Calls to one server, over a connection that is made when it is needed and made again when it is lost.
///
/// A channel is cheap to clone; clones share the connection. It names no runtime: a library can take one from any program.
#[derive(Clone)]
pub struct Channel {
    pub(crate) subchannel: Arc<Subchannel>,
}

impl Channel {
    /// A channel to be made, on `runtime`, to `target`.
    pub fn builder(runtime: RuntimeHandle, target: Target) -> Builder {
        let authority = target.authority();
        Builder {
            runtime,
            target,
            config: Config::client(),
            #[cfg(feature = "tls")]
            tls: None,
            options: Options {
                scheme: "http",
                authority,
                user_agent: Cow::Borrowed(USER_AGENT),
                connect_timeout: CONNECT_TIMEOUT,
                timeout: None,
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
        core::future::poll_fn(|cx| self.subchannel.poll_link(cx.waker())).await.map(|_| ())
    }

    /// The runtime that the channel lives on.
    pub fn runtime(&self) -> &RuntimeHandle {
        &self.subchannel.runtime
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("target", &self.subchannel.target).finish_non_exhaustive()
    }
}

/// Makes a [`Channel`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    runtime: RuntimeHandle,
    target: Target,
    config: Config,
    options: Options,
    #[cfg(feature = "tls")]
    tls: Option<ClientTls>,
}

impl Builder {
    /// Speaks TLS as `tls` says. A target of `https://` without this trusts whom the system trusts.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
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
        let Self { runtime, target, config, mut options, .. } = self;
        #[cfg(feature = "tls")]
        if connector.is_some() {
            options.scheme = "https";
        }
        let subchannel = Subchannel::new(
            runtime,
            target,
            config,
            options,
            #[cfg(feature = "tls")]
            connector,
        );
        Channel { subchannel: Arc::new(subchannel) }
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
