//! What leaves, in which order: control frames, then streams by turn. Frames are encoded when there is room for them and
//! not before, so that a reset overtakes DATA, field blocks leave in the order in which they were encoded, and what is
//! given up vanishes.

use super::frame::{self, HEAD_LEN, Kind, flag};
use super::lifetime::DRIBBLE_AFTER;
use super::settings::{Offer, offer};
use super::standing::Standing;
use super::state::{Half, State};
use super::stream::{Answer, Item};
use super::{Connection, Event, Fields, StreamId, StreamKey, TimerKind, control, hpack, stats, store::Queue};
use crate::{Instant, Outbox};

/// No DATA frame is longer than this, however large the peer allows them: a reset or another stream waits no longer.
const MAX_DATA_FRAME: usize = 64 << 10;
/// Less window than this is not worth a frame, for a while.
pub(super) const WORTH_SENDING: usize = 1 << 10;
/// A response with a longer message does not leave in one pass: its DATA would hold up others, or is not copied.
const TOGETHER: usize = 1 << 10;
/// What goes out instead of HTTP/2 to a client of HTTP/1.
const HTTP1_ANSWER: &[u8] =
    b"HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-type: text/plain\r\n\
content-length: 61\r\n\r\nThis port speaks HTTP/2 with prior knowledge, not HTTP/1.1.\r\n";

/// What became of a stream's turn.
enum Turn {
    /// It has nothing more, or what it has must wait for its window.
    Over,
    /// It has more DATA.
    Again,
    /// The connection's window is used up.
    NoWindow,
}

impl Connection {
    pub(super) fn has_output(&self) -> bool {
        !self.control.is_empty()
            || (!self.going_away.is_ended()
                && (self.control_state_waits()
                    || !self.streams.is_queue_empty(Queue::Updates)
                    || !self.streams.is_queue_empty(Queue::Heads)
                    || (self.send_window > 0 && !self.streams.is_queue_empty(Queue::Data))))
    }

    fn control_state_waits(&self) -> bool {
        self.local.state != Offer::ToSend && (self.pings.wants_transmit() || self.recv_window.is_update_due())
    }

    pub(super) fn transmit(&mut self, out: &mut Outbox, budget: usize) {
        let limit = out.len().saturating_add(budget);
        self.put_control(out);
        if self.going_away.is_ended() || self.local.state == Offer::ToSend {
            return;
        }
        while out.len() < limit
            && let Some(key) = self.streams.pop(Queue::Updates)
        {
            self.put_stream_update(key, out);
        }
        while out.len() < limit {
            let Some(key) = self.streams.pop(Queue::Heads) else { break };
            self.take_turn(key, out);
        }
        while out.len() < limit && self.send_window > 0 {
            let Some(key) = self.streams.pop(Queue::Data) else { break };
            self.take_turn(key, out);
        }
        if self.send_window <= 0 && !self.streams.is_queue_empty(Queue::Data) {
            self.watch_window();
        }
        // A server's RST_STREAM follows the END_STREAM that it belongs to.
        self.put_resets(out);
    }

    // ---- control frames

    fn put_control(&mut self, out: &mut Outbox) {
        if core::mem::take(&mut self.control.http1_answer) {
            self.control.goaway = None;
            self.control.settings = false;
            out.put_slice(HTTP1_ANSWER);
            return;
        }
        if core::mem::take(&mut self.control.preface) {
            out.put_slice(control::PREFACE);
        }
        if core::mem::take(&mut self.control.settings) {
            self.put_settings(out);
        }
        // RFC 9113 §6.5.3: before anything that relies on it.
        for _ in 0..core::mem::take(&mut self.control.settings_acks) {
            self.put(out, frame::put_settings_ack);
        }
        while let Some(payload) = self.control.ping_acks.pop_front() {
            self.put(out, |out| frame::put_ping(out, true, payload));
        }
        if self.local.state == Offer::ToSend {
            // Only a GOAWAY can go before our SETTINGS; it stands for both when the preface was wrong.
            if self.going_away.is_ended()
                && let Some(goaway) = self.control.goaway.take()
            {
                self.put_settings(out);
                self.put(out, |out| {
                    frame::put_goaway(out, goaway.last, goaway.reason, goaway.debug.as_bytes())
                });
            }
            return;
        }
        if let Some(goaway) = self.control.goaway.take() {
            self.put(out, |out| frame::put_goaway(out, goaway.last, goaway.reason, goaway.debug.as_bytes()));
        }
        self.put_resets(out);
        if self.going_away.is_ended() {
            return;
        }
        while let Some((_, payload)) = self.pings.take(self.now) {
            self.put(out, |out| frame::put_ping(out, false, payload));
        }
        let goes_along = self.recv_window.is_update_of_use() && !self.streams.is_queue_empty(Queue::Updates);
        if self.recv_window.is_update_due() || goes_along {
            let increment = self.recv_window.take_update();
            self.put(out, |out| frame::put_window_update(out, StreamId::CONNECTION, increment));
        }
    }

    fn put(&mut self, out: &mut Outbox, write: impl FnOnce(&mut Vec<u8>)) {
        out.write_with(write);
        stats::add(&mut self.stats.frames_sent, 1);
    }

    #[expect(clippy::arithmetic_side_effects, reason = "a window and a change of it have at most 33 bits")]
    fn put_settings(&mut self, out: &mut Outbox) {
        let settings = offer(&self.config, self.is_client());
        self.put(out, |out| frame::put_settings(out, &settings));
        self.local.state = Offer::Sent;
        self.timers.set(TimerKind::SettingsAck, self.now + self.config.limits.settings_ack_timeout);
        // A larger window can be used by the peer as soon as it has read this; a smaller one binds it at its ACK.
        let window = self.config.initial_window();
        let delta = i64::from(window) - i64::from(self.local.stream_window);
        if delta > 0 {
            self.local.stream_window = window;
            for (_, stream) in self.streams.iter_mut() {
                stream.recv.window += delta;
            }
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "forced ones are counted as they are queued")]
    fn put_resets(&mut self, out: &mut Outbox) {
        while let Some(reset) = self.control.resets.pop_front() {
            self.control.forced_resets -= usize::from(reset.forced);
            self.put(out, |out| frame::put_reset(out, reset.stream, reset.reason));
        }
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the window and what is granted are at most 2^31-1 together"
    )]
    fn put_stream_update(&mut self, key: StreamKey, out: &mut Outbox) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let (Some(id), true) = (stream.id, stream.state.is_receiving()) else { return };
        let increment = core::mem::take(&mut stream.recv.granted);
        if increment > 0 {
            stream.recv.window += i64::from(increment);
            self.put(out, |out| frame::put_window_update(out, id, increment));
        }
    }

    // ---- streams

    fn take_turn(&mut self, key: StreamKey, out: &mut Outbox) {
        match self.put_stream(key, out) {
            Turn::Over => {}
            Turn::Again | Turn::NoWindow => self.schedule(key),
        }
        self.offer_room(key);
    }

    /// Encodes the heads that are next on the stream, one frame of DATA, and the trailers if they are next then.
    fn put_stream(&mut self, key: StreamKey, out: &mut Outbox) -> Turn {
        let mut data_sent = false;
        loop {
            let Some(stream) = self.streams.get_mut(key) else { return Turn::Over };
            match stream.send.items.front() {
                None => return Turn::Over,
                Some(Item::Headers { .. }) => {
                    let Some(Item::Headers { fields, interim }) = stream.send.items.pop_front() else {
                        return Turn::Over;
                    };
                    if !self.put_headers(key, fields, interim, out) {
                        return Turn::Over;
                    }
                }
                Some(Item::Answer(answer)) => {
                    let length = answer.piece.len();
                    let window = stream.send.window.min(self.send_window);
                    if length > TOGETHER || i64::try_from(length).is_ok_and(|length| length > window) {
                        stream.send.part_answer();
                    } else if let Some(Item::Answer(answer)) = stream.send.items.pop_front() {
                        self.put_answer(key, answer, out);
                        return Turn::Over;
                    }
                }
                Some(Item::Data(_)) if data_sent => return Turn::Again,
                Some(Item::Data(_)) => {
                    data_sent = true;
                    match self.put_data(key, out) {
                        Turn::Again => {}
                        other => return other,
                    }
                }
            }
        }
    }

    /// Encodes a whole response, for which there is window: HEADERS, DATA, HEADERS. Each is shorter than any peer's frames
    /// may be.
    fn put_answer(&mut self, key: StreamKey, answer: Answer, out: &mut Outbox) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let Some(id) = stream.id else { return };
        let Answer { head, mut piece, trailers } = answer;
        let length = piece.len();
        if let Some(half) = stream.state.send_mut() {
            // The command has judged the order; here it only takes its course.
            *half = Half::Ended;
        }
        stream.send.buffered = 0;
        stream.send.window = stream.send.window.saturating_sub_unsigned(length as u64);
        self.send_window = self.send_window.saturating_sub_unsigned(length as u64);
        self.stats.buffered_to_send = self.stats.buffered_to_send.saturating_sub(length);
        let encoder = &mut self.encoder;
        out.write_with(|out| {
            put_standing(encoder, head, flag::END_HEADERS, id, out);
            if length > 0 {
                frame::put_head(out, length, Kind::Data, 0, id);
            }
        });
        piece.encode(length, out);
        let last = flag::END_HEADERS | flag::END_STREAM;
        out.write_with(|out| put_standing(encoder, trailers, last, id, out));
        let frames = if length > 0 { 3 } else { 2 };
        stats::add(&mut self.stats.frames_sent, frames);
        stats::add(&mut self.stats.data_sent, length as u64);
        for _ in 0..frames {
            self.buckets.on_message_frame();
        }
        self.strikes.forget();
        if length > 0 {
            self.buckets.on_data_sent();
        }
        if self.stats.buffered_to_send == 0 {
            self.timers.clear(TimerKind::ZeroWindow);
        }
        self.on_end_sent(key);
    }

    /// Encodes HEADERS, and CONTINUATION if the peer's frames are too small. Answers whether the stream goes on.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "`encode` only appends, and no buffer is longer than `isize::MAX`"
    )]
    fn put_headers(&mut self, key: StreamKey, fields: Fields, interim: bool, out: &mut Outbox) -> bool {
        let Some(id) = self.number(key) else { return false };
        let Some(stream) = self.streams.get_mut(key) else { return false };
        let end_stream = stream.send.next == Half::Ended && stream.send.items.is_empty() && !interim;
        if let Some(half) = stream.state.send_mut() {
            // The commands have judged the order; here it only takes its course.
            let _ = half.headers(interim, end_stream);
        }
        let max = self.peer.max_frame_size as usize;
        let encoder = &mut self.encoder;
        let mut continuations = 0;
        out.write_with(|out| {
            let start = out.len();
            out.extend_from_slice(&[0; HEAD_LEN]);
            encoder.encode(&fields, out);
            let end_stream = if end_stream { flag::END_STREAM } else { 0 };
            let length = out.len() - start - HEAD_LEN;
            let first = length.min(max);
            let last = if first == length { flag::END_HEADERS } else { 0 };
            let head = frame::FrameHead {
                length: first as u32,
                kind: Kind::Headers,
                flags: end_stream | last,
                stream: id,
            };
            if let Some(place) = out.get_mut(start..start + HEAD_LEN) {
                place.copy_from_slice(&head.octets());
            }
            if first < length {
                let rest = out.split_off(start + HEAD_LEN + first);
                let mut fragments = rest.chunks(max).peekable();
                while let Some(fragment) = fragments.next() {
                    let last = if fragments.peek().is_none() { flag::END_HEADERS } else { 0 };
                    frame::put_head(out, fragment.len(), Kind::Continuation, last, id);
                    out.extend_from_slice(fragment);
                    continuations += 1;
                }
            }
        });
        self.recycle(fields);
        stats::add(&mut self.stats.frames_sent, 1 + continuations);
        self.on_message_frame_sent();
        !end_stream || self.on_end_sent(key)
    }

    /// The stream's number; a client's stream gets it here.
    fn number(&mut self, key: StreamKey) -> Option<StreamId> {
        let stream = self.streams.get(key)?;
        if stream.id.is_some() {
            return stream.id;
        }
        let id = self.next_local?;
        self.next_local = id.next();
        self.streams.bind(key, id);
        // Credit that was granted before could not be told.
        self.update_due(key);
        Some(id)
    }

    /// Encodes one frame of DATA. `Again` if the stream goes on, with or without more DATA.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "no more than windows and buffers have; the gauge is the sum over the streams"
    )]
    fn put_data(&mut self, key: StreamKey, out: &mut Outbox) -> Turn {
        let Some(stream) = self.streams.get_mut(key) else { return Turn::Over };
        let Some(id) = stream.id else { return Turn::Over };
        let window = |window: i64| usize::try_from(window).unwrap_or(0);
        let allowed = window(stream.send.window).min(window(self.send_window));
        let length =
            stream.send.buffered.min(allowed).min(self.peer.max_frame_size as usize).min(MAX_DATA_FRAME);
        if length == 0 && stream.send.buffered > 0 {
            self.watch_window();
            let stalled = self.streams.get(key).is_some_and(|stream| stream.send.window <= 0);
            return if stalled { Turn::Over } else { Turn::NoWindow };
        }
        if length < WORTH_SENDING
            && length == allowed
            && !stream.ends_part(length)
            && stream.send.buffered > length
        {
            let since = *stream.send.dribble_since.get_or_insert(self.now);
            if self.now - since < DRIBBLE_AFTER {
                self.streams.push(Queue::Dribble, key);
                if !self.timers.is_set(TimerKind::Dribble) {
                    self.timers.set(TimerKind::Dribble, since + DRIBBLE_AFTER);
                }
                return Turn::Over;
            }
        }
        stream.send.dribble_since = None;
        stream.send.window -= length as i64;
        self.send_window -= length as i64;
        stream.send.buffered -= length;
        self.stats.buffered_to_send -= length;

        let end_stream = stream.send.next == Half::Ended
            && stream.send.buffered == 0
            && !matches!(stream.send.items.back(), Some(Item::Headers { .. }));
        let flags = if end_stream { flag::END_STREAM } else { 0 };
        out.write_with(|out| frame::put_head(out, length, Kind::Data, flags, id));
        let mut left = length;
        while let Some(Item::Data(piece)) = stream.send.items.front_mut() {
            left -= piece.encode(left, out);
            if piece.len() > 0 {
                break;
            }
            stream.send.items.pop_front();
        }
        if let Some(half) = stream.state.send_mut() {
            let _ = half.data(end_stream);
        }
        stats::add(&mut self.stats.frames_sent, 1);
        stats::add(&mut self.stats.data_sent, length as u64);
        self.buckets.on_data_sent();
        self.on_message_frame_sent();
        if length >= WORTH_SENDING || self.stats.buffered_to_send == 0 {
            self.timers.clear(TimerKind::ZeroWindow);
        }
        if end_stream && !self.on_end_sent(key) { Turn::Over } else { Turn::Again }
    }

    fn on_message_frame_sent(&mut self) {
        self.buckets.on_message_frame();
        self.strikes.forget();
    }

    /// Our END_STREAM is encoded. Answers whether anything more can come of the stream's queue: it cannot.
    fn on_end_sent(&mut self, key: StreamKey) -> bool {
        let early = !self.is_client()
            && self
                .streams
                .get(key)
                .is_some_and(|stream| matches!(stream.state, State::Live { recv: Half::Body, .. }));
        if early {
            self.end_early(key);
        } else {
            self.on_half_ended(key);
        }
        false
    }

    /// `Writable`, if it is due and there is room.
    pub(super) fn offer_room(&mut self, key: StreamKey) {
        let limits = &self.config.limits;
        let connection_has_room = self.stats.buffered_to_send < limits.send_buffer_connection;
        let Some(send) = self.streams.get_mut(key).map(|stream| &mut stream.send) else { return };
        let has_room = send.buffered == 0
            || (connection_has_room
                && send.buffered <= limits.send_buffer_stream / 2
                && send.items.len() <= limits.send_pieces_stream / 2);
        if has_room && send.next == Half::Body && core::mem::take(&mut send.want_writable) {
            self.emit(Event::Writable { stream: key });
        }
    }

    /// DATA waits for a window that does not come.
    pub(super) fn watch_window(&mut self) {
        if let Some(timeout) = self.config.limits.zero_window_timeout
            && !self.timers.is_set(TimerKind::ZeroWindow)
        {
            self.timers.set(TimerKind::ZeroWindow, self.now + timeout);
        }
    }

    /// The connection's window is worth sending into again.
    pub(super) fn end_dribble(&mut self) {
        while let Some(key) = self.streams.first(Queue::Dribble) {
            self.streams.push(Queue::Data, key);
        }
    }

    /// The windows have been small for long enough: what fits is sent.
    pub(super) fn on_dribble_timer(&mut self) {
        while let Some(key) = self.streams.first(Queue::Dribble) {
            let since =
                self.streams.get(key).and_then(|stream| stream.send.dribble_since).unwrap_or(Instant::ZERO);
            if since + DRIBBLE_AFTER > self.now {
                self.timers.set(TimerKind::Dribble, since + DRIBBLE_AFTER);
                return;
            }
            self.streams.push(Queue::Data, key);
        }
    }
}

/// Appends HEADERS with a standing section, which no peer's frames are too small for.
fn put_standing(
    encoder: &mut hpack::Encoder,
    section: &'static Standing,
    flags: u8,
    stream: StreamId,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_LEN]);
    let block = out.len();
    encoder.encode_standing(section, out);
    let length = out.len().saturating_sub(block) as u32;
    if let Some(place) = out.get_mut(start..block) {
        place.copy_from_slice(&frame::FrameHead { length, kind: Kind::Headers, flags, stream }.octets());
    }
}
