//! Field blocks as they come: HEADERS, CONTINUATION, PUSH_PROMISE (RFC 9113 §4.3, §6.2, §6.6, §6.10) and the messages
//! they make (§8.1).

use super::closed::{Closing, Past};
use super::error::Fault;
use super::frame::{FrameHead, Kind, flag};
use super::hpack::{self, Progress};
use super::message;
use super::reader::{self, Block, Reading};
use super::state::{Half, Section, State};
use super::stats::{self, Abuse};
use super::stream::Item;
use super::{Connection, Event, Fields, Reason, Role, StreamId, StreamKey, TimerKind, abuse};

/// Octets of deprecated priority in HEADERS (RFC 9113 §6.2).
const PRIORITY_LEN: usize = 5;
/// Octets of the promised stream in PUSH_PROMISE (RFC 9113 §6.6).
const PROMISED_LEN: usize = 4;

impl Connection {
    #[expect(clippy::arithmetic_side_effects, reason = "1 and 5")]
    pub(super) fn on_headers_head(&mut self, head: FrameHead, input: &mut &[u8]) -> Result<(), Fault> {
        if head.stream == StreamId::CONNECTION {
            return Err(Fault::protocol("HEADERS without a stream"));
        }
        let is_push = head.kind == Kind::PushPromise;
        if is_push && (!self.is_client() || self.local.is_acknowledged()) {
            return Err(Fault::protocol("PUSH_PROMISE, though push is off"));
        }
        if is_push {
            self.check_not_idle(head.stream, "PUSH_PROMISE on an idle stream")?;
        }
        if !is_push {
            self.buckets.on_message_frame();
            self.check_opener(head.stream)?;
        }
        let pad = usize::from(head.has(flag::PADDED));
        let fixed = match (is_push, head.has(flag::PRIORITY)) {
            (true, _) => PROMISED_LEN,
            (false, true) => PRIORITY_LEN,
            (false, false) => 0,
        };
        if (head.length as usize) < pad + fixed {
            return Err(Fault::frame_size("HEADERS or PUSH_PROMISE without its fixed part"));
        }
        self.reader.block = Some(Block {
            stream: head.stream,
            end_stream: head.has(flag::END_STREAM) && !is_push,
            promised: None,
            continuations: 0,
            empty_continuation: false,
            fresh: true,
        });
        self.reader.reading = Reading::Prefix(head, pad + fixed);
        self.read_prefix(head, pad + fixed, input)
    }

    /// RFC 9113 §5.1.1: who may open which number.
    fn check_opener(&self, id: StreamId) -> Result<(), Fault> {
        match self.role {
            Role::Server if !id.is_client_initiated() => {
                Err(Fault::protocol("a client opened an even stream"))
            }
            Role::Client if self.is_idle(id) => {
                Err(Fault::protocol("HEADERS on a stream that was not requested"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn read_prefix(
        &mut self,
        head: FrameHead,
        length: usize,
        input: &mut &[u8],
    ) -> Result<(), Fault> {
        let Some((pad, number)) = self.reader.whole(input, length, |octets| {
            let (pad, rest) = match octets.split_first() {
                Some((&pad, rest)) if head.has(flag::PADDED) => (u32::from(pad), rest),
                _ => (0, octets),
            };
            (pad, rest.first_chunk::<4>().map(|&octets| StreamId::from_wire(octets)))
        }) else {
            return Ok(());
        };
        if head.kind == Kind::PushPromise {
            if let Some(block) = &mut self.reader.block {
                block.promised = number;
            }
        } else if number == Some(head.stream) {
            return Err(Fault::protocol("a stream depends on itself"));
        }
        let Some(left) = head.length.saturating_sub(length as u32).checked_sub(pad) else {
            return Err(Fault::protocol("HEADERS have more padding than payload"));
        };
        self.read_fragment(left, pad, head.has(flag::END_HEADERS), input)
    }

    #[expect(clippy::arithmetic_side_effects, reason = "below the limit")]
    pub(super) fn on_continuation_head(&mut self, head: FrameHead, input: &mut &[u8]) -> Result<(), Fault> {
        let last = head.has(flag::END_HEADERS);
        if let Some(block) = &mut self.reader.block {
            let empty = head.length == 0 && !last;
            if block.continuations >= self.config.limits.max_continuation_frames
                || (empty && block.empty_continuation)
            {
                return Err(abuse::kill(&mut self.stats, Abuse::ContinuationFlood));
            }
            block.continuations += 1;
            block.empty_continuation |= empty;
        }
        self.read_fragment(head.length, 0, last, input)
    }

    pub(super) fn read_fragment(
        &mut self,
        mut left: u32,
        pad: u32,
        last: bool,
        input: &mut &[u8],
    ) -> Result<(), Fault> {
        let octets = reader::part(input, &mut left);
        self.reader.reading = match (left, pad) {
            (0, 0) => Reading::Head,
            (0, pad) => Reading::Skip(pad),
            (left, pad) => Reading::Fragment { left, pad, last },
        };
        let ends = last && left == 0;
        let Some(block) = &mut self.reader.block else { return Ok(()) };
        let mut fields = if core::mem::take(&mut block.fresh) {
            self.spare.pop().unwrap_or_else(Fields::with_room)
        } else {
            core::mem::take(&mut self.reader.fields)
        };
        let decoded = self.decoder.decode(octets, ends, &mut fields);
        if !ends {
            self.reader.fields = fields;
            if !self.timers.is_set(TimerKind::HeaderBlock) {
                self.timers.set(TimerKind::HeaderBlock, self.now + self.config.limits.header_block_timeout);
            }
            return decoded.map(|_| ()).map_err(|error| self.compression_fault(error));
        }
        let progress = decoded.map_err(|error| self.compression_fault(error))?;
        let Some(block) = self.reader.block.take() else { return Ok(()) };
        self.timers.clear(TimerKind::HeaderBlock);
        self.on_block(block, fields, progress == Progress::TooLarge)
    }

    /// RFC 9113 §4.3: a block that cannot be decoded ends the connection, whatever stream it was for.
    fn compression_fault(&mut self, error: hpack::Error) -> Fault {
        match error {
            hpack::Error::BlockTooLong => abuse::kill(&mut self.stats, Abuse::ContinuationFlood),
            hpack::Error::DecodesTooLarge => abuse::kill(&mut self.stats, Abuse::HpackBomb),
            other => Fault::Connection(Reason::COMPRESSION_ERROR, other.as_str()),
        }
    }

    fn on_block(&mut self, block: Block, fields: Fields, too_large: bool) -> Result<(), Fault> {
        if let Some(promised) = block.promised {
            self.recycle(fields);
            // RFC 9113 §5.1.1 and §6.6: a number of the server's, above all that it has used.
            if promised.is_client_initiated() || promised <= self.highest_peer {
                return Err(Fault::protocol("PUSH_PROMISE of a stream that cannot be promised"));
            }
            self.highest_peer = promised;
            self.control.reset(promised, Reason::REFUSED_STREAM, true);
            return Ok(());
        }
        let id = block.stream;
        if let Some(key) = self.streams.find(id) {
            return self.on_section(key, block, fields, too_large);
        }
        if self.role == Role::Server && id > self.highest_peer {
            return self.on_request(block, fields, too_large);
        }
        self.recycle(fields);
        match self.past(id) {
            Past::Closed(Closing::Reset) => self.charge_ignored(),
            Past::Closed(Closing::PeerReset) => {
                Err(self.after_reset(id, "HEADERS on a stream that the peer had reset"))
            }
            Past::Closed(Closing::PeerEnded) => {
                Err(Fault::Connection(Reason::STREAM_CLOSED, "HEADERS on a stream that the peer had ended"))
            }
            Past::Skipped => Err(Fault::protocol("HEADERS on a stream below one that was opened")),
            Past::Forgotten => {
                self.charge_glitch()?;
                self.control.reset(id, Reason::STREAM_CLOSED, true);
                Ok(())
            }
        }
    }

    // ---- requests, at a server

    fn on_request(&mut self, block: Block, fields: Fields, too_large: bool) -> Result<(), Fault> {
        let id = block.stream;
        self.highest_peer = id;
        if self.going_away.last_accepted.is_some_and(|last| id > last) {
            // RFC 9113 §6.8: the peer knows, or will, that this is not acted on.
            stats::add(&mut self.stats.streams_refused, 1);
            self.closed.remember(id, Closing::Reset);
            self.recycle(fields);
            return Ok(());
        }
        if self.counted >= self.config.limits.max_concurrent_streams {
            self.recycle(fields);
            return self.refuse(id);
        }
        if too_large {
            self.recycle(fields);
            return self.refuse_fields(block);
        }
        let request = match message::request_of(self.decoder.classes(), &fields) {
            Ok(request) => request,
            Err(malformed) => {
                self.closed.remember(id, Closing::Reset);
                self.recycle(fields);
                return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR, malformed.0));
            }
        };
        if block.end_stream && request.content_length.is_some_and(|length| length > 0) {
            self.closed.remember(id, Closing::Reset);
            self.recycle(fields);
            let why = "the content is not as long as content-length says";
            return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR, why));
        }
        let key = self.accept(id, block.end_stream);
        if let Some(stream) = self.streams.get_mut(key) {
            stream.recv.content_left = request.content_length;
        }
        self.streams.put_head(key, fields);
        self.emit(Event::Headers { stream: key, end_stream: block.end_stream });
        Ok(())
    }

    fn accept(&mut self, id: StreamId, end_stream: bool) -> StreamKey {
        let key = self.streams.insert();
        if let Some(stream) = self.streams.get_mut(key) {
            let recv = if end_stream { Half::Ended } else { Half::Body };
            stream.state = State::Live { recv, send: Half::Head };
            stream.recv.window = i64::from(self.local.stream_window);
            stream.send.window = i64::from(self.peer.initial_window);
            stream.counted = true;
        }
        self.streams.bind(key, id);
        self.on_stream_opened();
        if id.is_late() {
            // The client is to make a new connection. This stream is counted by now: with no stream a connection that
            // drains ends at once.
            self.drain_because("stream_ids", None);
        }
        key
    }

    /// RFC 9113 §5.1.2: one stream too many. It was not acted on, so the peer may try again.
    fn refuse(&mut self, id: StreamId) -> Result<(), Fault> {
        self.closed.remember(id, Closing::Reset);
        self.control.reset(id, Reason::REFUSED_STREAM, true);
        self.charge_excess()
    }

    pub(super) fn charge_excess(&mut self) -> Result<(), Fault> {
        stats::add(&mut self.stats.streams_refused, 1);
        if self.local.is_acknowledged() {
            return abuse::charge(&mut self.buckets.reset, &mut self.stats, Abuse::StreamExcess, self.now);
        }
        // RFC 9113 §6.5.3: the peer may not know the limit yet; but twice as many is no mistake.
        if self.stats.streams_refused > u64::from(self.config.limits.max_concurrent_streams) {
            return Err(abuse::kill(&mut self.stats, Abuse::StreamExcess));
        }
        self.stats.abuse.count(Abuse::StreamExcess);
        Ok(())
    }

    /// RFC 9113 §10.5.1: an answer rather than a reset, so that the peer learns why.
    fn refuse_fields(&mut self, block: Block) -> Result<(), Fault> {
        let key = self.accept(block.stream, block.end_stream);
        let mut fields = self.spare_fields();
        fields.push(b":status", b"431");
        for field in &self.config.fields_too_large {
            fields.push(field.name, field.value);
        }
        if let Some(stream) = self.streams.get_mut(key) {
            stream.released = true;
            stream.send.next = Half::Ended;
            stream.send.items.push_back(Item::Headers { fields, interim: false });
        }
        self.schedule(key);
        abuse::charge(&mut self.buckets.glitch, &mut self.stats, Abuse::FieldsTooLarge, self.now)
    }

    // ---- responses, and trailers of both

    fn on_section(
        &mut self,
        key: StreamKey,
        block: Block,
        fields: Fields,
        too_large: bool,
    ) -> Result<(), Fault> {
        let id = block.stream;
        let Some(stream) = self.streams.get(key) else { return Ok(()) };
        if !stream.state.is_receiving() {
            self.recycle(fields);
            return Err(Fault::Stream(id, Reason::STREAM_CLOSED, "HEADERS after END_STREAM"));
        }
        let is_head = matches!(stream.state, State::Live { recv: Half::Head, .. });
        if too_large {
            self.recycle(fields);
            return self.on_section_too_large(key);
        }
        let judged = if is_head {
            self.judge_response(key, &fields, block.end_stream)
        } else {
            message::trailers_of(self.decoder.classes(), &fields)
                .map(|()| None)
                .map_err(|malformed| (Reason::PROTOCOL_ERROR, malformed.0))
        };
        let judged = judged.and_then(|status| {
            let half = self.streams.get_mut(key).and_then(|stream| stream.state.recv_mut());
            let interim = status.is_some_and(|status| status < 200);
            match half {
                Some(half) => Ok((half.headers(interim, block.end_stream)?, status)),
                None => Err((Reason::STREAM_CLOSED, "HEADERS on a closed stream")),
            }
        });
        let (section, status) = match judged {
            Ok(judged) => judged,
            Err((reason, why)) => {
                self.recycle(fields);
                return Err(Fault::Stream(id, reason, why));
            }
        };
        let Some(stream) = self.streams.get_mut(key) else { return Ok(()) };
        match (section, status) {
            (Section::Head, Some(status @ 100..200)) => {
                let too_many = stream.recv.informational >= self.config.limits.max_informational;
                stream.recv.informational = stream.recv.informational.saturating_add(1);
                self.recycle(fields);
                if too_many {
                    self.stats.abuse.count(Abuse::InformationalFlood);
                    return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR, "too many interim responses"));
                }
                self.emit(Event::Informational { stream: key, status });
            }
            (Section::Head, _) => {
                self.streams.put_head(key, fields);
                self.emit(Event::Headers { stream: key, end_stream: block.end_stream });
            }
            (Section::Trailers, _) if stream.recv.content_left.is_some_and(|left| left > 0) => {
                self.recycle(fields);
                let why = "the content is not as long as content-length says";
                return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR, why));
            }
            (Section::Trailers, _) => {
                self.streams.put_trailers(key, fields);
                self.emit(Event::Trailers { stream: key });
            }
        }
        if block.end_stream {
            self.on_half_ended(key);
        }
        Ok(())
    }

    /// RFC 9113 §8.3.2: the status, and how much content must come.
    fn judge_response(
        &mut self,
        key: StreamKey,
        fields: &Fields,
        end_stream: bool,
    ) -> Result<Option<u16>, (Reason, &'static str)> {
        let response = message::response_of(self.decoder.classes(), fields)
            .map_err(|malformed| (Reason::PROTOCOL_ERROR, malformed.0))?;
        if !response.is_informational()
            && let Some(stream) = self.streams.get_mut(key)
        {
            stream.recv.content_left = response.expected_content(stream.recv.head_request);
            if end_stream && stream.recv.content_left.is_some_and(|left| left > 0) {
                return Err((Reason::PROTOCOL_ERROR, "the content is not as long as content-length says"));
            }
        }
        Ok(Some(response.status))
    }

    /// The section is over our limit: the stream ends, and the connection goes on.
    fn on_section_too_large(&mut self, key: StreamKey) -> Result<(), Fault> {
        self.fail(key, Reason::CANCEL, Reason::ENHANCE_YOUR_CALM, "more header fields than we accept");
        abuse::charge(&mut self.buckets.glitch, &mut self.stats, Abuse::FieldsTooLarge, self.now)
    }
}
