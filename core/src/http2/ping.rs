//! PING (RFC 9113 §6.7): ours for round-trip time, bandwidth, keepalive and drain; the peer's under its policy.

use core::time::Duration;

use super::{Config, PingPolicy};
use crate::Instant;

/// What a PING of ours asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Asks {
    /// Are you there?
    Keepalive = 1,
    /// How much arrives in a round trip?
    Bandwidth = 2,
    /// Has the first GOAWAY of a drain arrived?
    Drain = 3,
}

impl Asks {
    const ALL: [Self; 3] = [Self::Keepalive, Self::Bandwidth, Self::Drain];

    /// Its place in [`ALL`](Self::ALL).
    const fn place(self) -> usize {
        match self {
            Self::Keepalive => 0,
            Self::Bandwidth => 1,
            Self::Drain => 2,
        }
    }
}

/// A PING of ours, from the wish to the acknowledgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Probe {
    #[default]
    Quiet,
    ToSend,
    Sent {
        serial: u32,
        at: Instant,
    },
}

/// Our PINGs: at most one of each purpose is under way.
#[derive(Debug, Default)]
pub(crate) struct Pings {
    probes: [Probe; Asks::ALL.len()],
    serial: u32,
}

impl Pings {
    /// Wants a PING sent, unless one of that purpose is under way.
    pub(crate) fn ask(&mut self, asks: Asks) {
        if let Some(probe @ Probe::Quiet) = self.probes.get_mut(asks.place()) {
            *probe = Probe::ToSend;
        }
    }

    pub(crate) fn wants_transmit(&self) -> bool {
        self.probes.contains(&Probe::ToSend)
    }

    /// The payload of a PING that is about to be encoded.
    pub(crate) fn take(&mut self, now: Instant) -> Option<(Asks, [u8; 8])> {
        let asks =
            Asks::ALL.into_iter().find(|&asks| self.probes.get(asks.place()) == Some(&Probe::ToSend))?;
        self.serial = self.serial.wrapping_add(1);
        *self.probes.get_mut(asks.place())? = Probe::Sent { serial: self.serial, at: now };
        let [a, b, c, d] = self.serial.to_be_bytes();
        Some((asks, [b'u', b'n', b'w', asks as u8, a, b, c, d]))
    }

    /// An acknowledgement came: what it answers and the round-trip time, or `None` if we never asked that.
    pub(crate) fn acknowledged(&mut self, now: Instant, payload: [u8; 8]) -> Option<(Asks, Duration)> {
        let [b'u', b'n', b'w', asks, serial @ ..] = payload else { return None };
        let asks = Asks::ALL.into_iter().find(|&known| known as u8 == asks)?;
        let probe = self.probes.get_mut(asks.place())?;
        match *probe {
            Probe::Sent { serial: sent, at } if serial == sent.to_be_bytes() => {
                *probe = Probe::Quiet;
                Some((asks, now - at))
            }
            _ => None,
        }
    }
}

/// Windows follow what arrives in a round trip: the connection's, and those of streams that are read as they come.
///
/// One PING at a time and only with DATA since the last; after two rounds without growth none, until the peer runs
/// against the window or four windows more have come: a peer that counts PINGs has nothing to count.
#[derive(Debug)]
pub(crate) struct Bandwidth {
    enabled: bool,
    limit: u32,
    /// What one stream can bring in a round trip: its window, or the connection's if that is less.
    window: u32,
    /// Octets that came since the PING was asked for.
    sample: u64,
    measuring: bool,
    rounds_without_growth: u8,
    /// Octets that came since nothing is measured any more.
    unmeasured: u64,
    /// The best rate so far, octets per second.
    best: u64,
}

/// A sample of at least two thirds of the window means that the window may be what holds the peer back.
const FULL_SAMPLE: (u64, u64) = (2, 3);
const PATIENCE: u8 = 2;
/// What is full may not have shown: a round that ends with a message, or that brings what was let through before the
/// window grew, is not full. So it is measured again when so many windows have come.
const WINDOWS_BETWEEN: u64 = 4;

impl Bandwidth {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            enabled: config.bdp,
            limit: config.limits.max_connection_window,
            window: config.initial_window().min(config.connection_window),
            sample: 0,
            measuring: false,
            rounds_without_growth: 0,
            unmeasured: 0,
            best: 0,
        }
    }

    /// How far the window has grown, octets.
    pub(crate) const fn window(&self) -> u32 {
        self.window
    }

    /// DATA came and left `window` to the peer, on its stream or on the connection; `true` if a PING should measure.
    pub(crate) fn on_data(&mut self, octets: u32, window: i64) -> bool {
        if !self.enabled || self.window >= self.limit {
            return false;
        }
        self.sample = self.sample.saturating_add(u64::from(octets));
        if window < i64::from(self.window / 8) {
            self.rounds_without_growth = 0;
        }
        if self.measuring {
            return false;
        }
        if self.rounds_without_growth >= PATIENCE {
            self.unmeasured = self.unmeasured.saturating_add(u64::from(octets));
            if self.unmeasured < WINDOWS_BETWEEN * u64::from(self.window) {
                return false;
            }
            // One more round, and not two.
            self.rounds_without_growth = PATIENCE - 1;
        }
        self.unmeasured = 0;
        self.measuring = true;
        self.sample = u64::from(octets);
        true
    }

    /// The PING came back: the window to grow to, if it should.
    #[expect(clippy::arithmetic_side_effects, reason = "`nanos` is at least 1; a window and two bits more")]
    pub(crate) fn on_round_trip(&mut self, rtt: Duration) -> Option<u32> {
        self.measuring = false;
        let nanos = u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX).max(1);
        let rate = self.sample.saturating_mul(1_000_000_000) / nanos;
        let full = self.sample.saturating_mul(FULL_SAMPLE.1) >= u64::from(self.window) * FULL_SAMPLE.0;
        let grows = full && rate >= self.best;
        self.best = self.best.max(rate);
        if !grows {
            self.rounds_without_growth = self.rounds_without_growth.saturating_add(1);
            return None;
        }
        self.rounds_without_growth = 0;
        let window = u32::try_from(self.sample.saturating_mul(2)).unwrap_or(u32::MAX).min(self.limit);
        self.window = self.window.max(window);
        Some(self.window)
    }
}

/// Counts PINGs of the peer that come too early (gRFC A8).
#[derive(Debug, Default)]
pub(crate) struct Strikes {
    last: Option<Instant>,
    count: u32,
}

impl Strikes {
    /// We sent HEADERS or DATA: the peer has a reason to measure.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A PING came; `false` if that was one strike too many.
    #[must_use]
    pub(crate) fn on_ping(&mut self, now: Instant, policy: &PingPolicy, idle: bool) -> bool {
        let interval = if idle { policy.min_interval_idle } else { policy.min_interval };
        if self.last.replace(now).is_none_or(|last| now - last >= interval) {
            return true;
        }
        let tolerated = self.count < policy.strikes;
        self.count = self.count.saturating_add(1);
        tolerated
    }
}
