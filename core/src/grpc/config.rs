use core::time::Duration;

use super::{Encoding, EncodingSet};
use crate::http2::{self, Fields, Keepalive, PingPolicy};

/// What both ends of gRPC have in common.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The connection below; connections that are made with clones have it in common.
    pub http2: http2::SharedConfig,
    /// The longest message that is received, bytes; also after decompression.
    pub max_recv_message: usize,
    /// The longest message that is sent, bytes.
    pub max_send_message: usize,
    /// Bytes of unfinished messages beyond the initial windows of their streams, for the whole connection.
    pub partial_message_budget: usize,
    /// Encodings in which messages are accepted.
    pub accept: EncodingSet,
}

/// 4 MiB, as in every gRPC.
pub const DEFAULT_MAX_RECV_MESSAGE: usize = 4 << 20;
const DEFAULT_PARTIAL_MESSAGE_BUDGET: usize = 16 << 20;

impl Default for Config {
    fn default() -> Self {
        Self {
            http2: http2::SharedConfig::default(),
            max_recv_message: DEFAULT_MAX_RECV_MESSAGE,
            max_send_message: usize::MAX,
            partial_message_budget: DEFAULT_PARTIAL_MESSAGE_BUDGET,
            accept: EncodingSet::supported(),
        }
    }
}

impl Config {
    /// What gRPC servers do by default (gRFC A9): a PING after two hours of silence, and no more PINGs of clients than
    /// one in five minutes, two hours without calls.
    pub fn server() -> Self {
        let mut config = Self::default();
        config.http2.keepalive = Some(Keepalive {
            interval: Duration::from_secs(2 * 60 * 60),
            timeout: Duration::from_secs(20),
            while_idle: true,
        });
        config.http2.ping_policy = Some(PingPolicy {
            min_interval: Duration::from_secs(5 * 60),
            min_interval_idle: Duration::from_secs(2 * 60 * 60),
            strikes: 2,
        });
        config.http2.fields_too_large =
            Fields::from_iter([("content-type", "application/grpc"), ("grpc-status", "8")]);
        config
    }

    /// What gRPC clients do by default (gRFC A8): no PINGs.
    pub fn client() -> Self {
        Self::default()
    }

    /// PINGs of a client after `interval` of silence, which is 10 s at least (gRFC A8), and the end of the connection
    /// when there is no answer in `timeout`.
    pub fn set_client_keepalive(&mut self, interval: Duration, timeout: Duration, while_idle: bool) {
        let interval = interval.max(MIN_CLIENT_KEEPALIVE);
        self.http2.keepalive = Some(Keepalive { interval, timeout, while_idle });
    }
}

/// gRFC A8: a shorter interval is taken for this one.
const MIN_CLIENT_KEEPALIVE: Duration = Duration::from_secs(10);

/// How the messages of one call are taken; it overrides the connection's [`Config`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CallLimits {
    /// The longest message that is received, bytes.
    pub max_recv_message: Option<usize>,
    /// The longest message that is sent, bytes.
    pub max_send_message: Option<usize>,
}

/// The encodings of a call, once its head is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CallEncodings {
    /// In which the peer compresses what it sends.
    pub recv: Encoding,
    /// Which the peer takes.
    pub peer_accepts: EncodingSet,
}
