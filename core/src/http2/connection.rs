use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::abuse::Buckets;
use super::closed::ClosedStreams;
use super::control::Control;
use super::error::Fault;
use super::field::Meaning;
use super::flow::RecvWindow;
use super::lifetime::GoingAway;
use super::ping::{Bandwidth, Pings, Strikes};
use super::reader::Reader;
use super::settings::{LocalSettings, PeerSettings};
use super::store::{Queue, Store};
use super::stream::Stream;
use super::timer::Timers;
use super::{
    Config, ConnectionEnd, Event, Fields, Initiator, SharedConfig, Stats, StreamId, StreamKey, TimerKind,
    hpack,
};
use crate::{Instant, Outbox};

/// Which end of the connection this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Opens streams.
    Client,
    /// Answers them.
    Server,
}

/// One HTTP/2 connection as a value. The caller owns the socket, the clock and the buffers.
///
/// | kind | methods | what they promise |
/// | --- | --- | --- |
/// | in | [`handle_input`], [`handle_eof`], [`handle_timeout`] | Bytes may come split anywhere. Bounded work: when events must be drained first, input stops and says how much it took. Never errs: a fault ends a stream, or is the last event |
/// | events | [`poll_event`] | Small values; what belongs to them is pulled: [`take_fields`], [`recv_data`]. Each stream's last event, and the connection's, comes exactly once |
/// | out | [`poll_transmit`], [`handle_sent`] | Control frames first, then streams by turn, until the budget. Nothing comes while the last bytes are unsent |
/// | time | [`poll_timeout`], [`next_timer`] | An early [`handle_timeout`] does nothing; after `handle_timeout(t)` the next timeout is later than `t` |
/// | commands | [`open`], [`send_headers`], [`send_data`], [`send_trailers`], [`grant`], [`reset`], [`release`], [`drain`], [`close`] | Act at once, never block, legal in any order. A misuse is an error and changes nothing |
/// | hints | [`wants_input`], [`wants_transmit`], [`wants_shutdown`], [`is_closed`] | O(1) |
///
/// [`handle_input`]: Self::handle_input
/// [`handle_eof`]: Self::handle_eof
/// [`handle_timeout`]: Self::handle_timeout
/// [`poll_event`]: Self::poll_event
/// [`take_fields`]: Self::take_fields
/// [`recv_data`]: Self::recv_data
/// [`poll_transmit`]: Self::poll_transmit
/// [`handle_sent`]: Self::handle_sent
/// [`poll_timeout`]: Self::poll_timeout
/// [`next_timer`]: Self::next_timer
/// [`open`]: Self::open
/// [`send_headers`]: Self::send_headers
/// [`send_data`]: Self::send_data
/// [`send_trailers`]: Self::send_trailers
/// [`grant`]: Self::grant
/// [`reset`]: Self::reset
/// [`release`]: Self::release
/// [`drain`]: Self::drain
/// [`close`]: Self::close
/// [`wants_input`]: Self::wants_input
/// [`wants_transmit`]: Self::wants_transmit
/// [`wants_shutdown`]: Self::wants_shutdown
/// [`is_closed`]: Self::is_closed
#[derive(Debug)]
pub struct Connection {
    pub(super) role: Role,
    pub(super) config: SharedConfig,
    /// The latest time that any call brought; commands run at it.
    pub(super) now: Instant,
    pub(super) last_read: Instant,
    /// The last input was taken whole: the caller holds nothing back.
    pub(super) all_read: bool,

    pub(super) reader: Reader,
    pub(super) decoder: hpack::Decoder,
    pub(super) encoder: hpack::Encoder,
    pub(super) control: Control,
    /// Bytes that the caller has and the socket did not take yet.
    pub(super) unsent: usize,

    pub(super) local: LocalSettings,
    pub(super) peer: PeerSettings,
    pub(super) recv_window: RecvWindow,
    /// What we may send on the connection. Spent only while DATA is encoded, never reserved.
    pub(super) send_window: i64,

    pub(super) streams: Store,
    pub(super) closed: ClosedStreams,
    /// The highest stream that the peer opened.
    pub(super) highest_peer: StreamId,
    /// The number of the next stream that we open; `None` when they are used up.
    pub(super) next_local: Option<StreamId>,
    /// Streams that count against the limit of the side that answers them.
    pub(super) counted: u32,
    /// When the last of them was gone.
    pub(super) idle_since: Instant,
    /// `open` said `Busy`.
    pub(super) want_streams: bool,

    pub(super) events: VecDeque<Event>,
    pub(super) timers: Timers,
    pub(super) buckets: Buckets,
    pub(super) pings: Pings,
    pub(super) bandwidth: Bandwidth,
    pub(super) strikes: Strikes,
    pub(super) stats: Stats,
    pub(super) going_away: GoingAway,
    /// Memory of sections that were given back.
    pub(super) spare: Vec<Fields>,
}

/// Input stops when so many events wait: the caller acts on a burst before it gets the next.
const MAX_EVENTS: usize = 64;
/// Sections whose memory is kept for the next ones, until the connection is quiet.
const MAX_SPARE: usize = 128;
/// A section that grew beyond this is not kept, bytes.
const MAX_SPARE_CAPACITY: usize = 2 << 10;
/// What so many streams leave empty is nothing to give back while they go on.
const FEW_STREAMS: u32 = 8;

impl Connection {
    /// The end that opens streams.
    pub fn client(config: impl Into<SharedConfig>, now: Instant) -> Self {
        let config = config.into();
        let seed = config.seed;
        Self::with_seed(Role::Client, config, seed, now)
    }

    /// The end that answers them.
    pub fn server(config: impl Into<SharedConfig>, now: Instant) -> Self {
        let config = config.into();
        let seed = config.seed;
        Self::with_seed(Role::Server, config, seed, now)
    }

    /// Either end, with `seed` instead of the one that its configuration has in common with other connections.
    pub fn with_seed(role: Role, config: SharedConfig, seed: u64, now: Instant) -> Self {
        let limits = &config.limits;
        let mut timers = Timers::default();
        timers.set(TimerKind::Handshake, now + limits.handshake_timeout);
        let mut connection = Self {
            role,
            now,
            last_read: now,
            all_read: true,
            reader: Reader::new(role),
            decoder: hpack::Decoder::new(hpack::DecoderLimits {
                list_size: limits.max_header_list_size as usize,
                fields: limits.max_header_fields,
                decoded: limits.max_header_list_abort as usize,
                block_wire: limits.max_header_block_wire,
            }),
            encoder: hpack::Encoder::new(limits.encoder_table_size),
            control: Control::new(role),
            unsent: 0,
            local: LocalSettings::new(),
            peer: PeerSettings::default(),
            recv_window: RecvWindow::new(config.connection_window),
            send_window: i64::from(super::settings::DEFAULT_WINDOW),
            streams: Store::new(seed),
            closed: ClosedStreams::new(
                limits.remembered_streams.max(limits.max_concurrent_streams.saturating_mul(4)).min(1 << 16),
            ),
            highest_peer: StreamId::CONNECTION,
            next_local: match role {
                Role::Client => Some(StreamId::FIRST),
                Role::Server => None,
            },
            counted: 0,
            idle_since: now,
            want_streams: false,
            events: VecDeque::new(),
            timers,
            buckets: Buckets::new(limits, now),
            pings: Pings::default(),
            bandwidth: Bandwidth::new(&config),
            strikes: Strikes::default(),
            stats: Stats::default(),
            going_away: GoingAway::default(),
            spare: Vec::new(),
            config,
        };
        connection.start_lifetime(seed);
        connection
    }

    /// Asks `meaning` what to make of each line that comes as text.
    pub(crate) const fn set_meaning(&mut self, meaning: Meaning) {
        self.decoder.set_meaning(meaning);
    }

    // ---- in

    /// Bytes from the socket, split anywhere. Answers how many of them were taken: fewer than all only when events must
    /// be drained, or output be sent, before more input is acted on. The caller keeps the rest and gives it again.
    #[expect(clippy::arithmetic_side_effects, reason = "what is left is the end of `input`")]
    pub fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize {
        self.now = now;
        self.last_read = now;
        let mut rest = input;
        while !rest.is_empty() {
            if self.going_away.is_ended() {
                // Nothing that comes after the end means anything any more.
                self.on_input_after_end();
                return input.len();
            }
            if self.events.len() >= MAX_EVENTS || !self.wants_input() {
                break;
            }
            if let Err(fault) = self.read(&mut rest).and_then(|()| self.check_control()) {
                self.act_on(fault);
            }
            self.end_drained();
        }
        self.all_read = rest.is_empty();
        if self.counted > FEW_STREAMS {
            self.shrink_when_quiet();
        }
        self.watch_progress();
        input.len() - rest.len()
    }

    /// The peer will send nothing more.
    pub fn handle_eof(&mut self, now: Instant) {
        self.now = now;
        self.on_eof();
    }

    /// Time has passed. Call it when [`poll_timeout`](Self::poll_timeout) is due; at any other time it does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(kind) = self.timers.expire(now) {
            if let Err(fault) = self.on_timer(kind) {
                self.act_on(fault);
            }
        }
        self.end_drained();
    }

    // ---- events

    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            let event = self.events.pop_front()?;
            match event {
                Event::Data { stream, .. } => {
                    let Some(record) = self.streams.get_mut(stream) else { continue };
                    record.recv.data_announced = false;
                    let end_stream = core::mem::take(&mut record.recv.end_unannounced);
                    if !record.is_heard() {
                        continue;
                    }
                    return Some(Event::Data { stream, end_stream });
                }
                Event::Headers { stream, .. }
                | Event::Informational { stream, .. }
                | Event::Trailers { stream }
                | Event::Writable { stream }
                | Event::Finished { stream }
                | Event::Reset { stream, .. } => {
                    // The application does not hear of a stream that it has given up in the meantime.
                    if self.streams.get(stream).is_some_and(Stream::is_heard) {
                        return Some(event);
                    }
                }
                Event::StreamsAvailable if self.is_busy() => self.want_streams = true,
                Event::Settings => {
                    // It may be the only event of a connection for long.
                    self.events.shrink_to_fit();
                    return Some(event);
                }
                _ => return Some(event),
            }
        }
    }

    /// The fields that [`Event::Headers`] announced, then those of [`Event::Trailers`]; each once.
    #[inline]
    pub fn take_fields(&mut self, stream: StreamKey) -> Option<Fields> {
        self.streams.take_section(stream)
    }

    /// Gives the memory of a section back, for the next one.
    pub fn recycle(&mut self, mut fields: Fields) {
        if self.spare.len() < MAX_SPARE && fields.capacity() <= MAX_SPARE_CAPACITY {
            fields.clear();
            self.spare.push(fields);
        }
    }

    /// An empty section, from memory that was given back where there is some.
    pub fn spare_fields(&mut self) -> Fields {
        self.spare.pop().unwrap_or_else(Fields::with_room)
    }

    /// DATA of the stream that was received and not yet taken, in one contiguous buffer. Take what you use with
    /// `split_to` or `advance`; then [`grant`](Self::grant) the peer as much again.
    pub fn recv_data(&mut self, stream: StreamKey) -> Option<&mut BytesMut> {
        self.streams
            .get_mut(stream)
            .filter(|record| !record.released)
            .map(|record| &mut record.recv.buffer.data)
    }

    /// The application has taken of [`recv_data`](Self::recv_data) what it wanted for now.
    pub(crate) fn tidy_data(&mut self, stream: StreamKey) {
        if let Some(record) = self.streams.get_mut(stream) {
            record.recv.buffer.tidy();
        }
    }

    // ---- out

    /// Moves what is to be sent to `out`, about `budget` bytes of it: the last frame may go beyond. Answers whether
    /// more waits. Nothing comes while bytes of an earlier call are unsent.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool {
        self.now = now;
        if self.unsent == 0 {
            self.transmit(out, budget);
            self.end_drained();
            self.listen();
        }
        self.wants_transmit()
    }

    /// The socket did not take `unsent` bytes of what was transmitted and still has to; 0 when all is gone.
    pub fn handle_sent(&mut self, now: Instant, unsent: usize) {
        self.now = now;
        if unsent == 0 || self.going_away.has_lingered() {
            self.timers.clear(TimerKind::WriteStall);
        } else if unsent != self.unsent {
            self.timers.set(TimerKind::WriteStall, now + self.config.limits.write_stall_timeout);
        }
        if self.going_away.is_ended() && unsent != self.unsent {
            self.on_sent_after_end();
        }
        self.unsent = unsent;
    }

    // ---- time

    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` while no timer runs.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next().map(|(at, _)| at)
    }

    /// What [`poll_timeout`](Self::poll_timeout) is the time of.
    pub fn next_timer(&self) -> Option<TimerKind> {
        self.timers.next().map(|(_, kind)| kind)
    }

    // ---- hints

    /// Whether input would be acted on now. `false` while the peer does not read what it makes us write, so that a
    /// flood stops at its source, and once the input has ended.
    pub fn wants_input(&self) -> bool {
        !self.going_away.at_eof()
            && (self.going_away.is_ended() || !self.control.is_stalled(&self.config.limits))
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to give.
    pub fn wants_transmit(&self) -> bool {
        self.unsent == 0 && self.has_output()
    }

    /// Whether the write side of the socket is to be shut down: all is sent and nothing more will be.
    pub fn wants_shutdown(&self) -> bool {
        self.going_away.is_ended() && self.unsent == 0 && !self.has_output()
    }

    /// Whether the socket is to be closed: the connection has ended, its GOAWAY is sent, and the peer had the time to
    /// read it.
    pub fn is_closed(&self) -> bool {
        self.going_away.has_lingered() || (self.wants_shutdown() && self.going_away.at_eof())
    }

    // ---- state to look at

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Counters and gauges.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The stream's number on the wire, once it has one.
    pub fn stream_id(&self, stream: StreamKey) -> Option<StreamId> {
        self.streams.get(stream)?.id
    }

    /// Streams that count against the limit of concurrent streams now.
    pub const fn active_streams(&self) -> usize {
        self.counted as usize
    }

    /// Since when there has been no stream; `None` while there is one.
    pub fn idle_since(&self) -> Option<Instant> {
        (self.counted == 0).then_some(self.idle_since)
    }

    /// The receive window that the connection has grown to, bytes: what arrives in a round trip, at most.
    pub fn connection_window(&self) -> u32 {
        u32::try_from(self.recv_window.target()).unwrap_or(u32::MAX)
    }

    /// What a stream may have under way that is read as it comes, bytes: its initial window at first, and what arrives
    /// in a round trip when that is more.
    pub fn stream_window(&self) -> u32 {
        self.config.initial_window().max(self.bandwidth.window())
    }

    /// What a WINDOW_UPDATE of a stream is to tell of at least: half of the window that each stream has; and where the
    /// window has grown, an eighth of what it is now. More than that, and the sender waits for it; less, and it is woken for
    /// little.
    pub(super) fn update_worth(&self) -> u32 {
        (self.config.initial_window() / 2).max(self.stream_window() / 8)
    }

    /// Whether the peer may still send on the stream.
    pub fn is_receiving(&self, stream: StreamKey) -> bool {
        self.streams.get(stream).is_some_and(|record| record.state.is_receiving())
    }

    /// Bytes that the peer may still send on the stream, told or about to be told, once it keeps to our SETTINGS. Below
    /// zero where it has sent more by the larger window that it had before it read them (RFC 9113 §6.9.2).
    pub fn recv_credit(&self, stream: StreamKey) -> i64 {
        let Some(record) = self.streams.get(stream) else { return 0 };
        let shrinks = i64::from(self.config.initial_window())
            .saturating_sub(i64::from(self.local.stream_window))
            .min(0);
        record.recv.window.saturating_add(i64::from(record.recv.granted)).saturating_add(shrinks)
    }

    /// A digest of both compression tables: connections that saw the same bytes have the same.
    pub fn table_digests(&self) -> (u64, u64) {
        (self.decoder.table_digest(), self.encoder.table_digest())
    }

    pub(super) const fn is_client(&self) -> bool {
        matches!(self.role, Role::Client)
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(super) fn act_on(&mut self, fault: Fault) {
        match fault {
            Fault::Stream(id, reason, why) => {
                if let Err(fault) = self.reset_for_fault(id, reason, why) {
                    self.act_on(fault);
                }
            }
            Fault::Connection(reason, why) => {
                self.end(
                    ConnectionEnd { reason, by: Initiator::Library, why, debug: Bytes::new() },
                    Some((reason, why)),
                );
            }
        }
    }

    /// Whether another stream of ours would be over the peer's limit now.
    pub fn is_busy(&self) -> bool {
        self.peer.max_concurrent_streams.is_some_and(|max| self.counted >= max)
    }

    /// Checks what must always hold. For tests and fuzzing: panics when it does not.
    #[doc(hidden)]
    #[expect(clippy::arithmetic_side_effects, reason = "a check for tests, which may panic")]
    pub fn check_invariants(&mut self) {
        let mut to_send = 0;
        let mut counted = 0;
        for key in self.streams.keys() {
            let Some(stream) = self.streams.get(key) else { continue };
            let in_items = stream.send.items.iter().map(super::stream::Item::data_len).sum::<usize>();
            assert_eq!(stream.send.buffered, in_items);
            to_send += in_items;
            counted += u32::from(stream.counted);
            let is_in = |queue| self.streams.is_in(queue, key);
            let can_send = stream.send.buffered > 0 && stream.send.window > 0;
            assert!(!stream.head_is_next() || is_in(Queue::Heads), "a head waits for no turn");
            assert!(
                !can_send || is_in(Queue::Data) || is_in(Queue::Heads) || is_in(Queue::Dribble),
                "DATA with a window waits for no turn"
            );
            assert!(
                !stream.is_update_due(self.update_worth()) || is_in(Queue::Updates),
                "credit that is due waits for no turn"
            );
        }
        assert!(
            self.streams.is_queue_empty(Queue::Dribble) || self.timers.is_set(TimerKind::Dribble),
            "DATA waits for a timer that is not set"
        );
        assert_eq!(self.stats.buffered_to_send, to_send, "gauge of DATA to send");
        assert_eq!(self.counted, counted, "streams counted");
        assert!(
            self.recv_window.target() >= i64::from(super::settings::DEFAULT_WINDOW),
            "connection credit is conserved"
        );
        if let Some((_, _)) = self.timers.next() {
            assert!(!self.going_away.has_lingered(), "a closed connection has no timers");
        }
    }
}
