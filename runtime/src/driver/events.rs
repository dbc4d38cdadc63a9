//! What the crate `tracing` is told of connections, at the target `unwired::connection`; without the feature nothing is.

use core::fmt::Display;

#[cfg(feature = "tracing")]
use unwired_core::http2::Abuse;
use unwired_core::http2::Stats;

use crate::transport::{Address, Peer};

/// Which end of its connections this is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Client,
    Server,
}

#[cfg(feature = "tracing")]
impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

#[cfg(feature = "tracing")]
fn address(peer: &Peer) -> String {
    peer.remote.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// Both ends have said that they speak HTTP/2.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn up(end: End, peer: &Peer) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: "unwired::connection",
        side = end.name(),
        network.peer.address = address(peer),
        "connection up"
    );
}

/// A connection is over; `why` where that is known, and what it was ended for, where the peer was to blame.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn down(
    end: End,
    peer: &Peer,
    stats: impl FnOnce() -> Stats,
    why: impl FnOnce() -> Option<String>,
) {
    #[cfg(feature = "tracing")]
    let kills = stats().kills;
    #[cfg(feature = "tracing")]
    for abuse in Abuse::ALL.into_iter().filter(|abuse| kills.get(*abuse) > 0) {
        tracing::warn!(
            target: "unwired::connection",
            side = end.name(),
            network.peer.address = address(peer),
            counter = abuse.name(),
            "connection ended for an abuse"
        );
    }
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: "unwired::connection",
        side = end.name(),
        network.peer.address = address(peer),
        why = why().as_deref().unwrap_or("closed"),
        "connection down"
    );
}

/// A try to connect has failed.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn not_connected(target: &Address, why: &dyn Display) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "unwired::connection", side = "client", server.address = %target, why = %why, "not connected");
}

/// The resolver of the channel to `target` has given a service config that cannot be read.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn config_refused(target: &dyn Display, why: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "unwired::connection", side = "client", server.address = %target, why, "service config not taken");
}
