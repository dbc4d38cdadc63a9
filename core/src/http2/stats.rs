use super::frame::Kind;

/// Kinds of load that a peer can make beyond what its calls need. The name is also the debug data of the GOAWAY that
/// ends a connection for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Abuse {
    /// Streams opened and reset before they were answered (CVE-2023-44487).
    RapidReset,
    /// Frames that force us to reset a stream (CVE-2025-8671).
    MadeYouReset,
    /// Streams beyond the advertised limit.
    StreamExcess,
    /// PING without end (CVE-2019-9512).
    PingFlood,
    /// PING against the ping policy.
    TooManyPings,
    /// SETTINGS without end (CVE-2019-9515), or with too many parameters.
    SettingsFlood,
    /// Frames that make us answer, and a peer that does not read the answers (CVE-2019-9514).
    ControlFlood,
    /// Frames without content (CVE-2019-9518).
    EmptyFrames,
    /// PRIORITY (CVE-2019-9513) and frames of unknown types.
    IgnoredFrames,
    /// WINDOW_UPDATE without end.
    WindowUpdateFlood,
    /// GOAWAY without end.
    GoAwayFlood,
    /// Interim responses without end.
    InformationalFlood,
    /// A field block without end (CVE-2024-27316 and its family).
    ContinuationFlood,
    /// A field section that grows when it is decoded (CVE-2016-6581).
    HpackBomb,
    /// Sections over the advertised size.
    FieldsTooLarge,
    /// A handshake, field block or frame that does not come to its end.
    SlowFrames,
    /// HTTP/1 on an HTTP/2 port.
    Http1,
    /// Bytes wait and the socket takes none.
    WriteStall,
    /// DATA waits and the peer gives no window.
    ZeroWindow,
    /// Oddities that the RFC lets us tolerate.
    Glitches,
}

impl Abuse {
    /// How many kinds there are.
    const COUNT: usize = Self::Glitches as usize + 1;

    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::RapidReset,
        Self::MadeYouReset,
        Self::StreamExcess,
        Self::PingFlood,
        Self::TooManyPings,
        Self::SettingsFlood,
        Self::ControlFlood,
        Self::EmptyFrames,
        Self::IgnoredFrames,
        Self::WindowUpdateFlood,
        Self::GoAwayFlood,
        Self::InformationalFlood,
        Self::ContinuationFlood,
        Self::HpackBomb,
        Self::FieldsTooLarge,
        Self::SlowFrames,
        Self::Http1,
        Self::WriteStall,
        Self::ZeroWindow,
        Self::Glitches,
    ];

    /// Name of the kind in metrics and in GOAWAY.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RapidReset => "rapid_reset",
            Self::MadeYouReset => "made_you_reset",
            Self::StreamExcess => "stream_excess",
            Self::PingFlood => "ping_flood",
            // The exact text matters: gRPC clients slow their keepalive down when they read it.
            Self::TooManyPings => "too_many_pings",
            Self::SettingsFlood => "settings_flood",
            Self::ControlFlood => "control_flood",
            Self::EmptyFrames => "empty_frames",
            Self::IgnoredFrames => "ignored_frames",
            Self::WindowUpdateFlood => "window_update_flood",
            Self::GoAwayFlood => "goaway_flood",
            Self::InformationalFlood => "informational_flood",
            Self::ContinuationFlood => "continuation_flood",
            Self::HpackBomb => "hpack_bomb",
            Self::FieldsTooLarge => "fields_too_large",
            Self::SlowFrames => "slow_frames",
            Self::Http1 => "http1",
            Self::WriteStall => "write_stall",
            Self::ZeroWindow => "zero_window",
            Self::Glitches => "glitches",
        }
    }
}

/// One counter for each kind of [`Abuse`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AbuseCounts([u32; Abuse::COUNT]);

impl AbuseCounts {
    /// How often it happened.
    pub fn get(&self, abuse: Abuse) -> u32 {
        self.0.get(abuse as usize).copied().unwrap_or_default()
    }

    /// All kinds together.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|&count| u64::from(count)).sum()
    }

    fn merge(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(count);
        }
    }

    pub(crate) fn count(&mut self, abuse: Abuse) {
        if let Some(count) = self.0.get_mut(abuse as usize) {
            *count = count.saturating_add(1);
        }
    }
}

/// Adds to a counter of [`Stats`].
#[expect(
    clippy::arithmetic_side_effects,
    reason = "no connection has 2^64 frames or octets: at 100 Gbit/s they take decades"
)]
pub(crate) const fn add(counter: &mut u64, n: u64) {
    *counter += n;
}

/// Frames by their kind. Those of unknown types are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameCounts([u64; Self::COUNT]);

impl FrameCounts {
    /// The kinds of RFC 9113 and one for all others.
    const COUNT: usize = 11;

    const fn index(kind: Kind) -> usize {
        match kind {
            Kind::Data => 0,
            Kind::Headers => 1,
            Kind::Priority => 2,
            Kind::ResetStream => 3,
            Kind::Settings => 4,
            Kind::PushPromise => 5,
            Kind::Ping => 6,
            Kind::GoAway => 7,
            Kind::WindowUpdate => 8,
            Kind::Continuation => 9,
            Kind::Unknown(_) => 10,
        }
    }

    /// How many there were of a kind.
    pub fn get(&self, kind: Kind) -> u64 {
        self.0.get(Self::index(kind)).copied().unwrap_or_default()
    }

    pub(crate) fn count(&mut self, kind: Kind) {
        if let Some(count) = self.0.get_mut(Self::index(kind)) {
            *count = count.saturating_add(1);
        }
    }
}

/// Counters and gauges of one connection, or the [sum](Self::merge) of several.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Acts that cost the peer a token, and the one that ended the connection, by kind.
    pub abuse: AbuseCounts,
    /// Ends of this connection by kind of abuse: all zero, or one of them one.
    pub kills: AbuseCounts,
    /// Frames read.
    pub frames_received: u64,
    /// Frames read, by their kind.
    pub received: FrameCounts,
    /// Frames encoded.
    pub frames_sent: u64,
    /// Octets of DATA payload that were read, with padding.
    pub data_received: u64,
    /// Octets of DATA payload that were encoded.
    pub data_sent: u64,
    /// Streams opened by either side.
    pub streams_opened: u64,
    /// Streams that ended in both directions.
    pub streams_finished: u64,
    /// Streams that were reset by either side.
    pub streams_reset: u64,
    /// Streams that were refused unseen: over the limit or after GOAWAY.
    pub streams_refused: u64,
    /// Octets of DATA that came for streams that are no more, and were given back to the connection's window.
    pub data_dropped: u64,
    /// Octets given by the application and not yet encoded (gauge).
    pub buffered_to_send: usize,
    /// Smoothed round-trip time in nanoseconds, once a PING was answered; of several connections the longest.
    pub rtt_nanos: Option<u64>,
}

impl Stats {
    /// Adds what `other` counts.
    pub fn merge(&mut self, other: &Self) {
        self.abuse.merge(&other.abuse);
        self.kills.merge(&other.kills);
        for (sum, count) in self.received.0.iter_mut().zip(other.received.0) {
            *sum = sum.saturating_add(count);
        }
        for (sum, count) in [
            (&mut self.frames_received, other.frames_received),
            (&mut self.frames_sent, other.frames_sent),
            (&mut self.data_received, other.data_received),
            (&mut self.data_sent, other.data_sent),
            (&mut self.streams_opened, other.streams_opened),
            (&mut self.streams_finished, other.streams_finished),
            (&mut self.streams_reset, other.streams_reset),
            (&mut self.streams_refused, other.streams_refused),
            (&mut self.data_dropped, other.data_dropped),
        ] {
            *sum = sum.saturating_add(count);
        }
        self.buffered_to_send = self.buffered_to_send.saturating_add(other.buffered_to_send);
        self.rtt_nanos = self.rtt_nanos.max(other.rtt_nanos);
    }

    /// The connection ends for `abuse`.
    pub(crate) fn on_kill(&mut self, abuse: Abuse) {
        self.abuse.count(abuse);
        self.kills.count(abuse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::frame::FrameHead;

    #[test]
    fn each_abuse_has_a_counter_and_a_name_of_its_own() {
        let mut counts = AbuseCounts::default();
        for (n, abuse) in Abuse::ALL.into_iter().enumerate() {
            assert_eq!(abuse as usize, n);
            assert!(Abuse::ALL.iter().all(|other| *other == abuse || other.name() != abuse.name()));
            counts.count(abuse);
            assert_eq!((counts.get(abuse), counts.total()), (1, n as u64 + 1));
        }
    }

    #[test]
    fn each_kind_of_frame_has_a_counter_of_its_own() {
        let mut counts = FrameCounts::default();
        for octet in 0..=10 {
            let kind = FrameHead::parse(&[0, 0, 0, octet, 0, 0, 0, 0, 0]).kind;
            assert_eq!(counts.get(kind), 0);
            counts.count(kind);
        }
        counts.count(Kind::Unknown(0xee));
        assert_eq!(counts.get(Kind::Unknown(0xff)), 2);
    }

    #[test]
    fn a_sum_has_all_that_was_counted() {
        let mut one = Stats { frames_sent: 1, streams_refused: 2, buffered_to_send: 3, ..Stats::default() };
        one.on_kill(Abuse::Http1);
        one.received.count(Kind::Ping);
        one.rtt_nanos = Some(7);
        let mut sum = one.clone();
        sum.merge(&one);
        sum.merge(&Stats::default());
        assert_eq!((sum.frames_sent, sum.streams_refused, sum.buffered_to_send), (2, 4, 6));
        assert_eq!((sum.abuse.total(), sum.kills.get(Abuse::Http1)), (2, 2));
        assert_eq!((sum.received.get(Kind::Ping), sum.rtt_nanos), (2, Some(7)));
    }
}
