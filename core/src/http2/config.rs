use core::ops::{Deref, DerefMut};
use core::time::Duration;
use std::sync::Arc;

use super::{Fields, Limits};

/// How a connection behaves. Both roles read the same configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What a peer may make us hold, do or wait for.
    pub limits: Limits,
    /// SETTINGS_INITIAL_WINDOW_SIZE: bytes that the peer may send on a stream before it is granted more. At most
    /// 2^31-1.
    pub initial_window: u32,
    /// Bytes that the peer may send on the connection ahead of their receipt; at least 65,535, and grown by
    /// [`bdp`](Self::bdp) up to [`Limits::max_connection_window`].
    pub connection_window: u32,
    /// SETTINGS_MAX_FRAME_SIZE: 2^14 to 2^24-1 bytes.
    pub max_frame_size: u32,
    /// Whether the connection's receive window follows the bandwidth-delay product, measured by PING.
    pub bdp: bool,
    /// PINGs of ours that find out whether the peer is there. `None`: never.
    pub keepalive: Option<Keepalive>,
    /// How many PINGs of the peer are too many. `None`: only the limits hold.
    pub ping_policy: Option<PingPolicy>,
    /// A server drains a connection that had no stream for so long.
    pub max_idle: Option<Duration>,
    /// A server drains a connection of that age, give or take a tenth.
    pub max_age: Option<Duration>,
    /// After [`max_age`](Self::max_age): how long calls may go on. `None`: as long as they like.
    pub max_age_grace: Option<Duration>,
    /// Fields that a server adds to its answer to a request with more fields than
    /// [`Limits::max_header_list_size`] allows; the answer is `:status: 431` without content.
    pub fields_too_large: Fields,
    /// Where jitter and hashing come from, unless the connection is made [with a seed](super::Connection::with_seed) of
    /// its own. Equal seeds and equal calls give equal bytes.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            initial_window: 64 << 10,
            connection_window: 1 << 20,
            max_frame_size: 16 << 10,
            bdp: true,
            keepalive: None,
            ping_policy: None,
            max_idle: None,
            max_age: None,
            max_age_grace: None,
            fields_too_large: Fields::new(),
            seed: 0,
        }
    }
}

/// A configuration that connections have in common: a clone holds no memory of its own until it is changed.
#[derive(Clone, Debug, Default)]
pub struct SharedConfig(Arc<Config>);

impl From<Config> for SharedConfig {
    fn from(config: Config) -> Self {
        Self(Arc::new(config))
    }
}

impl Deref for SharedConfig {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0
    }
}

impl DerefMut for SharedConfig {
    fn deref_mut(&mut self) -> &mut Config {
        Arc::make_mut(&mut self.0)
    }
}

/// PINGs that find out whether the peer is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keepalive {
    /// Nothing was read for so long: a PING goes out.
    pub interval: Duration,
    /// Nothing was read for so long after the PING: the connection ends.
    pub timeout: Duration,
    /// Whether to do so while no stream is open.
    pub while_idle: bool,
}

/// How many PINGs of the peer are too many.
///
/// A PING sooner than the interval after the one before it is a strike, and more strikes than allowed end the
/// connection with ENHANCE_YOUR_CALM and `too_many_pings`. Sending HEADERS or DATA forgets the strikes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PingPolicy {
    /// Shortest time between PINGs while a stream is open.
    pub min_interval: Duration,
    /// Shortest time between PINGs while none is.
    pub min_interval_idle: Duration,
    /// PINGs that may come too early; with one more the connection ends.
    pub strikes: u32,
}
