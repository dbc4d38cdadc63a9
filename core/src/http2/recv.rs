//! What each frame does when it comes (RFC 9113 §6). DATA is in `recv_data`, field blocks are in `recv_headers`.

use bytes::Bytes;

use super::closed::{Closing, Past};
use super::error::Fault;
use super::flow::widened;
use super::frame::{self, FrameHead, Kind, flag};
use super::ping::Asks;
use super::reader::{self, Reading, SPEAKS_TLS, TLS_ALERT, TLS_HANDSHAKE};
use super::stats::{self, Abuse};
use super::store::Queue;
use super::transmit::WORTH_SENDING;
use super::{
    Connection, ConnectionEnd, Event, Initiator, Reach, Reason, Role, StreamError, StreamId, StreamKey,
    TimerKind, abuse,
};

/// What is kept of the debug data of a GOAWAY, octets.
const MAX_DEBUG: usize = 256;
/// The fixed part of GOAWAY.
const GOAWAY_FIXED: u32 = 8;
/// What is looked at of a GOAWAY, octets.
const MAX_GOAWAY: u32 = GOAWAY_FIXED + MAX_DEBUG as u32;

impl Connection {
    /// Takes one step through `input`: at most one frame's head, payload or part of a payload.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<(), Fault> {
        match self.reader.reading {
            Reading::Preface(matched) => self.read_preface(input, matched),
            Reading::Head => match self.reader.head(input) {
                Some(head) => self.on_head(head, input),
                None => Ok(()),
            },
            Reading::Prefix(head, length) => self.read_prefix(head, length, input),
            Reading::Fragment { left, pad, last } => self.read_fragment(left, pad, last, input),
            Reading::PadLength(head, stream) => {
                match self.reader.whole(input, 1, |octets| octets.first().copied()) {
                    Some(pad) => self.on_pad_length(head, stream, pad.unwrap_or(0), input),
                    None => Ok(()),
                }
            }
            Reading::Data { stream, id, left, pad, end_stream } => {
                self.read_data(stream, id, left, pad, end_stream, input)
            }
            Reading::Payload(head) => self.read_payload(head, input),
            Reading::Skip(mut left) => {
                reader::part(input, &mut left);
                self.reader.reading = if left == 0 { Reading::Head } else { Reading::Skip(left) };
                Ok(())
            }
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "no more than is left of the preface")]
    fn read_preface(&mut self, input: &mut &[u8], matched: usize) -> Result<(), Fault> {
        let Some(n) = reader::preface(input, matched) else {
            if matched == 0 && reader::looks_like_http1(input) {
                self.control.http1_answer = true;
                self.stats.on_kill(Abuse::Http1);
                return Err(Fault::protocol("the client speaks HTTP/1, and this port HTTP/2 alone"));
            }
            if matched == 0 && input.first() == Some(&TLS_HANDSHAKE) {
                return Err(Fault::protocol(SPEAKS_TLS));
            }
            return Err(Fault::protocol("the client's preface is not that of HTTP/2"));
        };
        *input = input.get(n..).unwrap_or_default();
        let matched = matched + n;
        if matched == super::control::PREFACE.len() {
            self.reader.reading = Reading::Head;
            self.control.settings = true;
        } else {
            self.reader.reading = Reading::Preface(matched);
        }
        Ok(())
    }

    /// RFC 9113 §4.1 and §4.2: what the nine octets alone decide.
    fn on_head(&mut self, head: FrameHead, input: &mut &[u8]) -> Result<(), Fault> {
        stats::add(&mut self.stats.frames_received, 1);
        self.stats.received.count(head.kind);
        self.reader.reading = Reading::Skip(head.length);
        if head.length == 0 {
            self.reader.reading = Reading::Head;
        }
        if self.timers.is_set(TimerKind::Handshake) && (head.kind != Kind::Settings || head.has(flag::ACK)) {
            // RFC 9113 §3.4.
            return Err(Fault::protocol(match head.length.to_be_bytes() {
                [0, b'H', b'T', b'T'] => {
                    "the peer answers in HTTP/1: HTTP/2 is to be had at another address, or not through a proxy"
                }
                [0, TLS_ALERT | TLS_HANDSHAKE, 3, _] => SPEAKS_TLS,
                _ => "the first frame is not SETTINGS",
            }));
        }
        match (&self.reader.block, head.kind) {
            (None, Kind::Continuation) => return Err(Fault::protocol("CONTINUATION without a field block")),
            (Some(block), Kind::Continuation) if block.stream == head.stream => {}
            // RFC 9113 §6.10, and §5.5 for unknown types.
            (Some(_), _) => return Err(Fault::protocol("a field block was interrupted")),
            (None, _) => {}
        }
        if head.length > self.config.max_frame_size() {
            return self.on_oversized(head);
        }
        match head.kind {
            Kind::Data => self.on_data_head(head, input),
            Kind::Headers | Kind::PushPromise => self.on_headers_head(head, input),
            Kind::Continuation => self.on_continuation_head(head, input),
            Kind::Unknown(_) => self.charge_ignored(),
            Kind::Priority
            | Kind::ResetStream
            | Kind::Settings
            | Kind::Ping
            | Kind::GoAway
            | Kind::WindowUpdate => {
                self.check_control_head(head)?;
                self.reader.reading = Reading::Payload(head);
                self.read_payload(head, input)
            }
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "`kept <= head.length`")]
    fn read_payload(&mut self, head: FrameHead, input: &mut &[u8]) -> Result<(), Fault> {
        // Debug data is kept in part: the rest is not even gathered.
        let kept = match head.kind {
            Kind::GoAway => head.length.min(MAX_GOAWAY),
            _ => head.length,
        };
        let Some(payload) = self.reader.payload(input, kept as usize) else { return Ok(()) };
        self.reader.reading = match head.length - kept {
            0 => Reading::Head,
            rest => Reading::Skip(rest),
        };
        let outcome = self.on_payload(head, &payload);
        self.reader.reuse(payload);
        outcome
    }

    /// RFC 9113 §4.2: judged before the payload is there.
    fn on_oversized(&mut self, head: FrameHead) -> Result<(), Fault> {
        let why = "a frame is longer than SETTINGS_MAX_FRAME_SIZE";
        if !matches!(head.kind, Kind::Data | Kind::Unknown(_)) || head.stream == StreamId::CONNECTION {
            return Err(Fault::frame_size(why));
        }
        self.check_not_idle(head.stream, "a frame that is too long, on an idle stream")?;
        if matches!(head.kind, Kind::Data) && !self.recv_window.receive(head.length) {
            return Err(Fault::flow_control("DATA beyond the connection's window"));
        }
        match self.streams.find(head.stream) {
            Some(_) => Err(Fault::Stream(head.stream, Reason::FRAME_SIZE_ERROR, why)),
            // Its RST_STREAM has been sent.
            None => self.charge_glitch(),
        }
    }

    /// Sizes and stream numbers of the frames whose payload is looked at as a whole.
    fn check_control_head(&mut self, head: FrameHead) -> Result<(), Fault> {
        let of_connection = head.stream == StreamId::CONNECTION;
        let limits = &self.config.limits;
        match head.kind {
            Kind::Settings | Kind::Ping | Kind::GoAway if !of_connection => {
                Err(Fault::protocol("SETTINGS, PING or GOAWAY on a stream"))
            }
            Kind::Priority | Kind::ResetStream if of_connection => {
                Err(Fault::protocol("PRIORITY or RST_STREAM without a stream"))
            }
            // RFC 9113 §6.3 makes this an error of the stream; an answer to each would be a way to make us reset.
            Kind::Priority if head.length != 5 => Err(Fault::frame_size("PRIORITY is not 5 octets long")),
            Kind::ResetStream if head.length != 4 => {
                Err(Fault::frame_size("RST_STREAM is not 4 octets long"))
            }
            Kind::WindowUpdate if head.length != 4 => {
                Err(Fault::frame_size("WINDOW_UPDATE is not 4 octets long"))
            }
            Kind::Ping if head.length != 8 => Err(Fault::frame_size("PING is not 8 octets long")),
            Kind::GoAway if head.length < GOAWAY_FIXED => {
                Err(Fault::frame_size("GOAWAY is shorter than 8 octets"))
            }
            Kind::Settings if head.has(flag::ACK) && head.length > 0 => {
                Err(Fault::frame_size("an acknowledgement of SETTINGS has a payload"))
            }
            Kind::Settings if !head.length.is_multiple_of(6) => {
                Err(Fault::frame_size("SETTINGS are not a multiple of 6 octets"))
            }
            Kind::Settings if head.length as usize / 6 > limits.max_settings_entries => {
                Err(abuse::kill(&mut self.stats, Abuse::SettingsFlood))
            }
            _ => Ok(()),
        }
    }

    fn on_payload(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Fault> {
        match head.kind {
            Kind::Priority => self.on_priority(head.stream, payload),
            Kind::ResetStream => self.on_reset(head.stream, payload),
            Kind::Settings if head.has(flag::ACK) => self.on_settings_ack(),
            Kind::Settings => self.on_settings(payload),
            Kind::Ping => self.on_ping(head.has(flag::ACK), payload),
            Kind::GoAway => self.on_goaway(payload),
            Kind::WindowUpdate => self.on_window_update(head.stream, payload),
            _ => Ok(()),
        }
    }

    /// Answers that wait are bounded by not reading; resets that the application is moved to are bounded here.
    pub(super) fn check_control(&mut self) -> Result<(), Fault> {
        if self.control.queued() >= self.config.limits.control_frames_kill {
            return Err(abuse::kill(&mut self.stats, Abuse::ControlFlood));
        }
        Ok(())
    }

    // ---- PRIORITY, RFC 9113 §5.3 and §6.3

    fn on_priority(&mut self, id: StreamId, payload: &[u8]) -> Result<(), Fault> {
        if frame::priority(payload) == Some(id) {
            return Err(Fault::protocol("a stream depends on itself"));
        }
        self.charge_ignored()
    }

    pub(super) fn charge_ignored(&mut self) -> Result<(), Fault> {
        abuse::charge(&mut self.buckets.ignored, &mut self.stats, Abuse::IgnoredFrames, self.now)
    }

    pub(super) fn charge_glitch(&mut self) -> Result<(), Fault> {
        abuse::charge(&mut self.buckets.glitch, &mut self.stats, Abuse::Glitches, self.now)
    }

    /// The protocol above HTTP/2 tolerates an oddity of the peer: it is counted with ours, and too many end the connection.
    pub(crate) fn on_glitch_above(&mut self) {
        if let Err(fault) = self.charge_glitch() {
            self.act_on(fault);
        }
    }

    /// The protocol above HTTP/2 has no room for a request that has just come, and has not acted on it.
    pub(crate) fn refuse_above(&mut self, stream: StreamKey) {
        self.reset(stream, Reason::REFUSED_STREAM);
        self.release(stream);
        if let Err(fault) = self.charge_excess() {
            self.act_on(fault);
        }
    }

    // ---- RST_STREAM, RFC 9113 §6.4

    fn on_reset(&mut self, id: StreamId, payload: &[u8]) -> Result<(), Fault> {
        let Some(reason) = frame::reset(payload) else { return Ok(()) };
        self.check_not_idle(id, "RST_STREAM on an idle stream")?;
        let Some(key) = self.streams.find(id) else {
            return match self.past(id) {
                // It crossed our end: once a stream, and not without end.
                Past::Closed(_) => self.charge_ignored(),
                Past::Skipped | Past::Forgotten => self.charge_glitch(),
            };
        };
        let unanswered =
            self.streams.get(key).is_some_and(|stream| stream.send.next == super::state::Half::Head);
        let response_complete = self.is_client()
            && reason == Reason::NO_ERROR
            && self.streams.get(key).is_some_and(|stream| !stream.state.is_receiving());
        if response_complete {
            // RFC 9113 §8.1: the response is whole; the rest of the request is not wanted.
            self.abandon_request(key);
            return Ok(());
        }
        self.cut(
            key,
            Some(StreamError {
                reason,
                by: Initiator::Peer,
                reach: Reach::Stream,
                unprocessed: reason == Reason::REFUSED_STREAM,
                why: "the peer reset the stream",
            }),
        );
        if !self.is_client() && unanswered {
            abuse::charge(&mut self.buckets.reset, &mut self.stats, Abuse::RapidReset, self.now)?;
        }
        Ok(())
    }

    // ---- SETTINGS, RFC 9113 §6.5

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "reading stops at a limit of 32 bits; a difference of u32 fits"
    )]
    fn on_settings(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let Some(parameters) = frame::settings(payload) else { return Ok(()) };
        let first = self.timers.is_set(TimerKind::Handshake);
        if !first {
            abuse::charge(&mut self.buckets.settings, &mut self.stats, Abuse::SettingsFlood, self.now)?;
        }
        let mut before = self.peer;
        if first {
            before.max_concurrent_streams = None;
        }
        let after = before.updated(parameters, self.is_client())?;
        // RFC 9113 §6.9.2: the change of the initial window moves every stream's, also below zero.
        let delta = i64::from(after.initial_window) - i64::from(before.initial_window);
        if delta != 0 {
            self.shift_send_windows(delta)?;
        }
        self.peer = after;
        if after.header_table_size != before.header_table_size {
            self.encoder.set_table_limit(after.header_table_size);
        }
        self.control.settings_acks += 1;
        self.timers.clear(TimerKind::Handshake);
        self.emit(Event::Settings);
        self.offer_streams();
        Ok(())
    }

    #[expect(clippy::arithmetic_side_effects, reason = "a window and a change of it have at most 33 bits")]
    fn shift_send_windows(&mut self, delta: i64) -> Result<(), Fault> {
        let mut opened = Vec::new();
        for (key, stream) in self.streams.iter_mut().filter(|(_, stream)| stream.state.is_live()) {
            stream.send.window += delta;
            if stream.send.window > super::settings::MAX_WINDOW {
                return Err(Fault::flow_control("SETTINGS_INITIAL_WINDOW_SIZE takes a window past 2^31-1"));
            }
            if delta > 0 && stream.send.buffered > 0 {
                opened.push(key);
            }
        }
        for key in opened {
            self.schedule(key);
        }
        Ok(())
    }

    #[expect(clippy::arithmetic_side_effects, reason = "a window and a change of it have at most 33 bits")]
    fn on_settings_ack(&mut self) -> Result<(), Fault> {
        self.local.acknowledge()?;
        self.timers.clear(TimerKind::SettingsAck);
        self.decoder.set_table_limit(self.config.limits.decoder_table_size);
        // RFC 9113 §6.9.3: a smaller window holds from here on; a larger one held since it was sent.
        let window = self.config.initial_window();
        let delta = i64::from(window) - i64::from(self.local.stream_window);
        if delta < 0 {
            self.local.stream_window = window;
            for key in self.streams.keys() {
                if let Some(stream) = self.streams.get_mut(key).filter(|stream| stream.state.is_live()) {
                    stream.recv.window += delta;
                    self.update_due(key);
                }
            }
        }
        Ok(())
    }

    // ---- PING, RFC 9113 §6.7

    fn on_ping(&mut self, ack: bool, payload: &[u8]) -> Result<(), Fault> {
        let Some(payload) = frame::ping(payload) else { return Ok(()) };
        if ack {
            return self.on_ping_ack(payload);
        }
        if let Some(policy) = &self.config.ping_policy
            && !self.strikes.on_ping(self.now, policy, self.counted == 0)
        {
            return Err(abuse::kill(&mut self.stats, Abuse::TooManyPings));
        }
        if !self.buckets.ping.take(self.now) {
            return Err(abuse::kill(&mut self.stats, Abuse::PingFlood));
        }
        self.control.ping_acks.push_back(payload);
        Ok(())
    }

    #[expect(clippy::arithmetic_side_effects, reason = "seven eighths and one eighth of `u64::MAX` fit")]
    fn on_ping_ack(&mut self, payload: [u8; 8]) -> Result<(), Fault> {
        let Some((asks, rtt)) = self.pings.acknowledged(self.now, payload) else {
            return self.charge_glitch();
        };
        let nanos = u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX);
        // RFC 6298 §2: an eighth of the new in seven eighths of the old.
        self.stats.rtt_nanos = Some(self.stats.rtt_nanos.map_or(nanos, |rtt| rtt - rtt / 8 + nanos / 8));
        match asks {
            Asks::Keepalive => self.on_keepalive_answer(),
            Asks::Bandwidth => {
                if let Some(window) = self.bandwidth.on_round_trip(rtt) {
                    self.recv_window.grow(window);
                }
            }
            Asks::Drain => self.finish_drain(),
        }
        Ok(())
    }

    // ---- GOAWAY, RFC 9113 §6.8

    #[expect(clippy::arithmetic_side_effects, reason = "below the limit")]
    fn on_goaway(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let Some((last, reason, debug)) = frame::goaway(payload) else { return Ok(()) };
        if self.going_away.peer_count >= self.config.limits.max_goaways {
            return Err(abuse::kill(&mut self.stats, Abuse::GoAwayFlood));
        }
        self.going_away.peer_count += 1;
        if self.going_away.peer_last.is_some_and(|before| last > before) {
            return Err(Fault::protocol("a GOAWAY names a higher stream than the one before it"));
        }
        self.going_away.peer_last = Some(last);
        self.going_away.peer_reason = Some(reason);
        let debug = Bytes::copy_from_slice(debug);
        self.emit(Event::GoAway { reason, debug: debug.clone() });
        if !self.is_client() {
            // Its streams go on; and who has found an error closes the connection itself.
            return Ok(());
        }
        self.fail_unprocessed(last, reason);
        if reason != Reason::NO_ERROR && self.counted == 0 {
            let why = "the peer ended the connection";
            self.end(ConnectionEnd { reason, by: Initiator::Peer, why, debug }, None);
        }
        Ok(())
    }

    /// RFC 9113 §6.8: the peer has not acted on streams above `last` and will not.
    fn fail_unprocessed(&mut self, last: StreamId, reason: Reason) {
        for key in self.streams.keys() {
            let Some(stream) = self.streams.get(key).filter(|stream| stream.state.is_live()) else {
                continue;
            };
            if stream.id.is_none_or(|id| id > last) {
                let why = "the peer went away before it acted on the stream";
                let error = StreamError {
                    reason,
                    by: Initiator::Peer,
                    reach: Reach::Connection,
                    unprocessed: true,
                    why,
                };
                self.cut(key, Some(error));
            }
        }
    }

    // ---- WINDOW_UPDATE, RFC 9113 §6.9

    fn on_window_update(&mut self, id: StreamId, payload: &[u8]) -> Result<(), Fault> {
        let Some(increment) = frame::window_update(payload) else { return Ok(()) };
        if !self.buckets.window_update.take(self.now) {
            return Err(abuse::kill(&mut self.stats, Abuse::WindowUpdateFlood));
        }
        if id == StreamId::CONNECTION {
            if increment == 0 {
                return Err(Fault::protocol("WINDOW_UPDATE of nothing on the connection"));
            }
            let window = widened(self.send_window, increment);
            let before = self.send_window;
            self.send_window = window.ok_or(Fault::flow_control("the connection's window is past 2^31-1"))?;
            if before < WORTH_SENDING as i64 && self.send_window >= WORTH_SENDING as i64 {
                self.end_dribble();
            }
            return Ok(());
        }
        self.check_not_idle(id, "WINDOW_UPDATE on an idle stream")?;
        let Some(key) = self.streams.find(id) else {
            return match self.past(id) {
                Past::Closed(_) => Ok(()),
                Past::Skipped | Past::Forgotten => self.charge_glitch(),
            };
        };
        if increment == 0 {
            return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR, "WINDOW_UPDATE of nothing"));
        }
        let Some(stream) = self.streams.get_mut(key) else { return Ok(()) };
        let Some(window) = widened(stream.send.window, increment) else {
            return Err(Fault::Stream(id, Reason::FLOW_CONTROL_ERROR, "the stream's window is past 2^31-1"));
        };
        stream.send.window = window;
        if stream.send.buffered > 0 {
            self.schedule(key);
        }
        Ok(())
    }

    /// RFC 9113 §5.1: an idle stream takes HEADERS and PRIORITY alone.
    pub(super) fn check_not_idle(&self, id: StreamId, why: &'static str) -> Result<(), Fault> {
        if self.is_idle(id) { Err(Fault::protocol(why)) } else { Ok(()) }
    }

    /// What became of a stream that is neither live nor idle.
    pub(super) fn past(&self, id: StreamId) -> Past {
        if self.is_client() && !id.is_client_initiated() {
            // A promised stream: it was refused.
            return Past::Closed(Closing::Reset);
        }
        self.closed.recall(id)
    }

    /// Whether nobody has used the number, or a higher one of that side.
    pub(super) fn is_idle(&self, id: StreamId) -> bool {
        match (id.is_client_initiated(), self.role) {
            (true, Role::Client) => self.next_local.is_some_and(|next| id >= next),
            // A server opens none.
            (false, Role::Server) => true,
            _ => id > self.highest_peer,
        }
    }

    pub(super) fn update_due(&mut self, key: StreamKey) {
        let Some(stream) = self.streams.get(key) else { return };
        if stream.is_update_due(self.update_worth()) {
            self.streams.push(Queue::Updates, key);
        }
    }
}
