//! From the first byte to the last: timers, drain (RFC 9113 §6.8, gRFC A9), end (§5.4.1).

use core::time::Duration;

use bytes::Bytes;

use super::control::GoAwayFrame;
use super::error::Fault;
use super::ping::Asks;
use super::reader::{Progress, Reading, SPEAKS_TLS};
use super::settings::Offer;
use super::stats::{self, Abuse};
use super::{
    Connection, ConnectionEnd, Event, Initiator, Reach, Reason, StreamError, StreamId, TimerKind, abuse,
};
use crate::Instant;

/// RFC 9113 §6.8: a round trip and some, in case the PING of a drain is not answered.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// Memory that was not used for so long is given back.
const SHRINK_AFTER: Duration = Duration::from_secs(1);
/// A timer that is set again when it runs out is set to later than now.
const SHORTEST: Duration = Duration::from_nanos(1);
/// DATA waits for so long for a window worth sending into.
pub(super) const DRIBBLE_AFTER: Duration = Duration::from_millis(50);

/// How near the end is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GoingAway {
    drain: Drain,
    /// What our last GOAWAY said: streams of the peer above it are not acted on.
    pub(super) last_accepted: Option<StreamId>,
    /// What the peer's last GOAWAY said.
    pub(super) peer_last: Option<StreamId>,
    /// Why the peer goes, as its last GOAWAY said.
    pub(super) peer_reason: Option<Reason>,
    /// GOAWAY frames of the peer.
    pub(super) peer_count: u32,
    ended: bool,
    eof: bool,
    lingered: bool,
    /// When what is left is ended, if the drain has a time for it.
    grace_ends: Option<Instant>,
    /// All streams had come to their end when the connection did: the peer may have until then to read what they sent last.
    patient_until: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Drain {
    #[default]
    No,
    /// GOAWAY(2^31-1) is queued or sent: the peer still opens streams until it has read it.
    Announced,
    /// GOAWAY with the last real stream is queued or sent.
    Last,
}

impl GoingAway {
    /// Everything that still comes is ignored, nothing but a last GOAWAY goes out.
    pub(crate) const fn is_ended(&self) -> bool {
        self.ended
    }

    pub(crate) const fn at_eof(&self) -> bool {
        self.eof
    }

    pub(crate) const fn has_lingered(&self) -> bool {
        self.lingered
    }

    pub(crate) fn takes_no_streams(&self) -> bool {
        self.ended || self.eof || self.drain != Drain::No || self.peer_last.is_some()
    }
}

impl Connection {
    #[expect(clippy::arithmetic_side_effects, reason = "20 bits times 201")]
    pub(super) fn start_lifetime(&mut self, seed: u64) {
        if let Some(age) = self.config.max_age.filter(|_| !self.is_client()) {
            // gRFC A9: a tenth more or less, so that connections made together do not end together.
            let jitter = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
            let permille = 900 + ((jitter * 201) >> 20) as u32;
            self.timers.set(TimerKind::Age, self.now + (age / 1000).saturating_mul(permille));
        }
        self.on_idle();
        if let Some(keepalive) = self.config.keepalive {
            self.timers.set(TimerKind::Keepalive, self.now + keepalive.interval);
        }
    }

    /// The last stream is gone, or there has been none yet.
    pub(super) fn on_idle(&mut self) {
        self.idle_since = self.now;
        if self.going_away.is_ended() {
            return;
        }
        if let Some(idle) = self.config.max_idle.filter(|_| !self.is_client()) {
            self.timers.set(TimerKind::Idle, self.now + idle);
        }
        if self.stats.streams_opened > 0 {
            self.shrink_when_quiet();
        }
    }

    /// There is memory to give back, once the connection is quiet.
    pub(super) fn shrink_when_quiet(&mut self) {
        if !self.timers.is_set(TimerKind::Shrink) {
            self.timers.set(TimerKind::Shrink, self.now + SHRINK_AFTER);
        }
    }

    /// Whether nothing has come for so long that what it needed in the last burst is of no use.
    pub(crate) fn is_quiet(&self) -> bool {
        self.now - self.last_read >= SHRINK_AFTER
    }

    /// A stream was opened by either side.
    #[expect(clippy::arithmetic_side_effects, reason = "streams have slots, which have numbers of 32 bits")]
    pub(super) fn on_stream_opened(&mut self) {
        self.counted += 1;
        stats::add(&mut self.stats.streams_opened, 1);
        self.buckets.on_stream(&self.config.limits);
        if self.counted == 1 {
            self.timers.clear(TimerKind::Idle);
            if let Some(keepalive) =
                self.config.keepalive.filter(|_| !self.timers.is_set(TimerKind::Keepalive))
                && !self.timers.is_set(TimerKind::KeepaliveTimeout)
            {
                self.timers.set(TimerKind::Keepalive, self.last_read + keepalive.interval);
            }
        }
    }

    /// Sets the timers that blame the peer for a frame or a block it does not end. They are not cleared when it does:
    /// when one is due, it looks whether there was progress.
    pub(super) fn watch_progress(&mut self) {
        if self.reader.is_amid_frame() && !self.timers.is_set(TimerKind::Frame) {
            self.reader.watched = self.progress();
            self.timers.set(TimerKind::Frame, self.now + self.config.limits.frame_timeout);
        }
        self.listen();
    }

    /// The timers that blame the peer for its silence run while we read, and only then.
    pub(super) fn listen(&mut self) {
        let listening = self.all_read && self.wants_input();
        self.timers.set_listening(self.now, listening);
    }

    fn progress(&self) -> Progress {
        // DATA is counted by the head of its frame.
        let to_come = match self.reader.reading {
            Reading::PadLength(head, _) => u64::from(head.length),
            Reading::Data { left, pad, .. } => u64::from(left).saturating_add(u64::from(pad)),
            _ => 0,
        };
        let data = self.stats.data_received.saturating_sub(to_come);
        // A frame is the same one before its head is whole and after.
        let is_amid_head = matches!(self.reader.reading, Reading::Head) && self.reader.is_amid_frame();
        let frames = self.stats.frames_received.saturating_add(u64::from(is_amid_head));
        Progress { frames, data, at: self.now }
    }

    pub(super) fn on_timer(&mut self, kind: TimerKind) -> Result<(), Fault> {
        match kind {
            TimerKind::Handshake => {
                return Err(self.slow(
                    Reason::PROTOCOL_ERROR,
                    "slow_frames: the peer did not send its SETTINGS in time",
                ));
            }
            TimerKind::SettingsAck => {
                return Err(Fault::Connection(
                    Reason::SETTINGS_TIMEOUT,
                    "SETTINGS were not acknowledged in time",
                ));
            }
            TimerKind::HeaderBlock => {
                if self.reader.block.is_some() {
                    return Err(abuse::kill(&mut self.stats, Abuse::ContinuationFlood));
                }
            }
            TimerKind::Frame => return self.on_frame_timer(),
            TimerKind::Keepalive => self.on_keepalive_timer(),
            TimerKind::KeepaliveTimeout => self.on_keepalive_timeout(),
            TimerKind::WriteStall => {
                if !self.going_away.is_ended() {
                    self.stats.on_kill(Abuse::WriteStall);
                }
                self.lose("the peer took no bytes for too long");
            }
            TimerKind::ZeroWindow => {
                if self.stats.buffered_to_send > 0 {
                    return Err(abuse::kill(&mut self.stats, Abuse::ZeroWindow));
                }
            }
            TimerKind::Dribble => self.on_dribble_timer(),
            TimerKind::Idle => self.drain_because("max_idle", None),
            TimerKind::Age => self.drain_because("max_age", self.config.max_age_grace),
            TimerKind::Grace => {
                let why = "the time to end calls was over";
                self.end(
                    ConnectionEnd { reason: Reason::NO_ERROR, by: Initiator::User, why, debug: Bytes::new() },
                    Some((Reason::NO_ERROR, "drain")),
                );
            }
            TimerKind::Drain => self.finish_drain(),
            TimerKind::Linger => {
                if self.unsent > 0 && self.is_patient() {
                    self.timers.set(TimerKind::Linger, self.now + self.config.limits.linger);
                } else {
                    self.going_away.lingered = true;
                    self.timers.stop();
                }
            }
            TimerKind::Shrink => self.on_shrink_timer(),
        }
        Ok(())
    }

    fn slow(&mut self, reason: Reason, why: &'static str) -> Fault {
        self.stats.on_kill(Abuse::SlowFrames);
        Fault::Connection(reason, why)
    }

    #[expect(clippy::arithmetic_side_effects, reason = "within one frame progress only grows")]
    fn on_frame_timer(&mut self) -> Result<(), Fault> {
        if !self.reader.is_amid_frame() {
            return Ok(());
        }
        let before = self.reader.watched;
        let now = self.progress();
        let limits = &self.config.limits;
        let expected = u64::from(limits.frame_rate).saturating_mul((now.at - before.at).as_secs());
        let is_data = matches!(self.reader.reading, Reading::Data { .. });
        if now.frames == before.frames && !(is_data && now.data - before.data >= expected) {
            return Err(self.slow(Reason::ENHANCE_YOUR_CALM, Abuse::SlowFrames.name()));
        }
        self.reader.watched = now;
        self.timers.set(TimerKind::Frame, self.now + limits.frame_timeout.max(SHORTEST));
        Ok(())
    }

    fn on_keepalive_timer(&mut self) {
        let Some(keepalive) = self.config.keepalive else { return };
        let due = self.last_read + keepalive.interval;
        if due > self.now {
            // gRFC A8: counted from the last byte read.
            self.timers.set(TimerKind::Keepalive, due);
        } else if self.counted > 0 || keepalive.while_idle {
            self.pings.ask(Asks::Keepalive);
            self.timers.set(TimerKind::KeepaliveTimeout, self.now + keepalive.timeout);
        }
        // Otherwise the next stream sets the timer again.
    }

    /// The next PING is due an interval after the last byte, not after the time that this one had.
    pub(super) fn on_keepalive_answer(&mut self) {
        if let Some(keepalive) = self.config.keepalive
            && self.timers.is_set(TimerKind::KeepaliveTimeout)
        {
            self.timers.clear(TimerKind::KeepaliveTimeout);
            self.timers.set(TimerKind::Keepalive, self.last_read + keepalive.interval);
        }
    }

    fn on_keepalive_timeout(&mut self) {
        let Some(keepalive) = self.config.keepalive else { return };
        if self.now - self.last_read < keepalive.timeout {
            self.on_keepalive_timer();
        } else {
            self.lose("the peer did not answer a keepalive PING in time");
        }
    }

    fn on_shrink_timer(&mut self) {
        if !self.is_quiet() {
            self.timers.set(TimerKind::Shrink, self.last_read + SHRINK_AFTER);
            return;
        }
        self.spare = Vec::new();
        self.events.shrink_to_fit();
        self.streams.shrink();
        if self.counted > 0 {
            return;
        }
        self.closed.forget();
        self.control.shrink();
        self.reader.shrink();
        self.decoder.shrink();
        self.encoder.shrink();
    }

    /// Bytes of memory that the connection holds besides itself and the DATA in its streams.
    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub fn capacity(&self) -> usize {
        self.streams.capacity()
            + self.control.capacity()
            + self.reader.capacity()
            + self.decoder.capacity()
            + self.encoder.capacity()
            + self.events.capacity() * size_of::<Event>()
    }

    // ---- drain

    /// Ends the connection once its streams have ended, or after `grace` at the latest. New streams are not taken: a
    /// server lets those pass that the peer opened before it could know (RFC 9113 §6.8).
    pub fn drain(&mut self, now: Instant, grace: Option<Duration>) {
        self.now = now;
        self.drain_because("drain", grace);
        self.end_drained();
    }

    pub(super) fn drain_because(&mut self, debug: &'static str, grace: Option<Duration>) {
        if self.going_away.is_ended() {
            return;
        }
        if let Some(grace) = grace {
            self.timers.set(TimerKind::Grace, self.now + grace);
            self.going_away.grace_ends = Some(self.now + grace);
        }
        if self.going_away.drain != Drain::No {
            return;
        }
        self.timers.clear(TimerKind::Idle);
        self.timers.clear(TimerKind::Age);
        if self.is_client() || self.local.state == Offer::ToSend {
            // A client's peer opens no streams that could be under way; and before its preface a client has none.
            self.going_away.drain = Drain::Last;
            self.announce(self.highest_peer, debug);
        } else {
            self.going_away.drain = Drain::Announced;
            self.announce(StreamId::MAX, debug);
            self.pings.ask(Asks::Drain);
            self.timers.set(TimerKind::Drain, self.now + DRAIN_TIMEOUT);
        }
    }

    /// The peer has read the first GOAWAY, or had the time to.
    pub(super) fn finish_drain(&mut self) {
        if self.going_away.drain == Drain::Announced {
            self.going_away.drain = Drain::Last;
            self.timers.clear(TimerKind::Drain);
            self.announce(self.highest_peer, "");
        }
    }

    fn announce(&mut self, last: StreamId, debug: &'static str) {
        self.going_away.last_accepted = Some(last);
        self.control.goaway = Some(GoAwayFrame { last, reason: Reason::NO_ERROR, debug });
    }

    /// Ends a connection that goes away and has no streams left. Each call from outside ends with it, so that all events
    /// of the last stream come first.
    pub(super) fn end_drained(&mut self) {
        if self.counted > 0 || self.going_away.is_ended() {
            return;
        }
        if self.going_away.drain == Drain::Last {
            let why = "drained";
            self.end(
                ConnectionEnd { reason: Reason::NO_ERROR, by: Initiator::User, why, debug: Bytes::new() },
                None,
            );
            self.be_patient();
        } else if self.is_client() && self.going_away.peer_last.is_some() {
            let why = "the peer went away";
            let end =
                ConnectionEnd { reason: Reason::NO_ERROR, by: Initiator::Peer, why, debug: Bytes::new() };
            self.end(end, Some((Reason::NO_ERROR, "")));
        }
    }

    // ---- end

    /// What the last streams sent may still wait for the socket or for the peer to read it, however slow that is; and a socket
    /// that is closed while the peer sends takes it along. So a drained connection stays while bytes move, and a little longer,
    /// but not beyond the time that the drain has.
    fn be_patient(&mut self) {
        let until = self.now + self.config.limits.write_stall_timeout;
        self.going_away.patient_until =
            Some(self.going_away.grace_ends.map_or(until, |ends| until.min(ends)));
    }

    fn is_patient(&self) -> bool {
        !self.going_away.has_lingered() && self.going_away.patient_until.is_some_and(|until| self.now < until)
    }

    /// The socket took bytes after the end, all of them or not.
    pub(super) fn on_sent_after_end(&mut self) {
        if self.is_patient() {
            self.be_patient();
            self.timers.set(TimerKind::Linger, self.now + self.config.limits.linger);
        }
    }

    /// The peer is still there after the end.
    pub(super) fn on_input_after_end(&mut self) {
        if self.is_patient() {
            self.timers.set(TimerKind::Linger, self.now + self.config.limits.linger);
        }
    }

    /// Ends the connection now: each stream gets its last event, GOAWAY with `reason` and `debug` leaves, nothing more
    /// is acted on.
    pub fn close(&mut self, now: Instant, reason: Reason, debug: &'static str) {
        self.now = now;
        let why = "the application closed the connection";
        let end = ConnectionEnd { reason, by: Initiator::User, why, debug: Bytes::new() };
        self.end(end, Some((reason, debug)));
    }

    pub(super) fn on_eof(&mut self) {
        self.going_away.eof = true;
        let reason = self.going_away.peer_reason.unwrap_or(Reason::NO_ERROR);
        let goes = self.going_away.drain != Drain::No || self.going_away.peer_last.is_some();
        let why = match () {
            () if self.timers.is_set(TimerKind::Handshake) && self.reader.is_tls_alert() => SPEAKS_TLS,
            () if goes && self.counted == 0 => "the peer went away",
            () => "the peer closed the connection",
        };
        self.end(ConnectionEnd { reason, by: Initiator::Peer, why, debug: Bytes::new() }, None);
    }

    /// The peer does not move: no GOAWAY would arrive.
    fn lose(&mut self, why: &'static str) {
        let by = Initiator::Library;
        self.end(ConnectionEnd { reason: Reason::NO_ERROR, by, why, debug: Bytes::new() }, None);
        self.going_away.lingered = true;
        self.timers.stop();
    }

    /// Gives every stream and then the connection its last event, and becomes a sink. `goaway` is the last frame.
    pub(super) fn end(&mut self, end: ConnectionEnd, goaway: Option<(Reason, &'static str)>) {
        if self.going_away.is_ended() {
            return;
        }
        self.going_away.ended = true;
        let error = StreamError {
            reason: end.reason,
            by: end.by,
            reach: Reach::Connection,
            unprocessed: false,
            why: end.why,
        };
        for key in self.streams.keys() {
            // A request that never left can be sent again elsewhere.
            let unprocessed = self.is_client() && self.stream_id(key).is_none();
            self.cut(key, Some(StreamError { unprocessed, ..error }));
        }
        if let Some((reason, debug)) = goaway {
            // RFC 9113 §6.8: never higher than was said before, whatever came since.
            let last =
                self.going_away.last_accepted.map_or(self.highest_peer, |last| last.min(self.highest_peer));
            self.control.goaway = Some(GoAwayFrame { last, reason, debug });
        }
        if end.reason != Reason::NO_ERROR {
            self.control.forget_answers();
        }
        self.timers.clear_all();
        self.timers.set(TimerKind::Linger, self.now + self.config.limits.linger);
        self.emit(Event::Closed(end));
    }
}
