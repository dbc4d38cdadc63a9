use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use super::{Call, Rejection, RequestHead};
use crate::grpc::carrier::OnStream;
use crate::grpc::link::{Link, MAX_EVENTS, Machine, delegate_to_http2};
use crate::grpc::receiving::Receiving;
use crate::grpc::{
    Batch, CallEncodings, CallId, CallLimits, Cardinality, Config, Encoding, Message, Metadata, Received,
    SendMessageError, Stats, Status,
};
use crate::http2::{self, ConnectionEnd, Fields, Initiator, Reach, Reason, StreamError, StreamKey, UseError};
use crate::{Instant, Outbox};

/// What happened at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The client's SETTINGS have come: this is HTTP/2.
    Ready,
    /// A call has come: look at [`request`](Connection::request), then [`accept`](Connection::accept) it.
    Call {
        /// The call.
        call: CallId,
    },
    /// [`recv_message`](Connection::recv_message) has something to say after it said `Pending`.
    Message {
        /// The call.
        call: CallId,
    },
    /// There is room again after [`send_message`](Connection::send_message) said `Full`.
    Writable {
        /// The call.
        call: CallId,
    },
    /// Last event of a call that was not [`release`](Connection::release)d before.
    Ended {
        /// The call.
        call: CallId,
        /// How.
        how: Ended,
    },
    /// Last event of the connection; every call got its `Ended` before.
    Closed(ConnectionEnd),
}

impl Event {
    /// The call that it is about.
    const fn call(&self) -> Option<CallId> {
        match *self {
            Self::Call { call }
            | Self::Message { call }
            | Self::Writable { call }
            | Self::Ended { call, .. } => Some(call),
            Self::Ready | Self::Closed(_) => None,
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The status has left.
    Finished,
    /// The client gave the call up, or takes no status at all (SETTINGS_MAX_HEADER_LIST_SIZE).
    Cancelled(StreamError),
    /// The deadline passed; the client has been told.
    DeadlineExceeded,
    /// The connection ended under the call.
    ConnectionLost(StreamError),
}

/// One connection of a server: calls come, messages come and go. The methods are those of [`http2::Connection`], in the
/// same kinds, with calls and messages instead of streams and bytes.
#[derive(Debug)]
pub struct Connection {
    link: Link<Call>,
    config: Config,
    /// The server's own maximum for the time of a call.
    max_timeout: Option<Duration>,
    is_ready: bool,
    refuses: bool,
    calls_rejected: u64,
    calls_without_te: u64,
    events: VecDeque<Event>,
    /// Memory of the heads that wait for the application, bytes: exact when it was last counted, and no less since.
    waiting_heads: usize,
    /// Memory of metadata that was given back.
    spare_metadata: Vec<Arc<Fields>>,
    /// Memory of heads whose metadata was taken.
    #[expect(clippy::vec_box, reason = "calls hold the boxes")]
    spare_heads: Vec<Box<RequestHead>>,
}

/// Heads that wait for the application may hold as much as so many of the longest.
const MAX_WAITING_HEADS: usize = 32;

/// Metadata and heads whose memory is kept for the next calls, until the connection is quiet.
const MAX_SPARE: usize = 64;
/// Metadata that grew beyond this is not kept, bytes.
const MAX_SPARE_CAPACITY: usize = 4 << 10;

impl Machine for Call {
    fn receiving(&mut self) -> &mut Receiving {
        self.receiving()
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

impl Connection {
    /// A connection that has just been accepted.
    pub fn new(config: Config, now: Instant) -> Self {
        let seed = config.http2.seed;
        Self::with_seed(config, seed, now)
    }

    /// The same with `seed` instead of the one that the configuration has in common with other connections.
    pub fn with_seed(config: Config, seed: u64, now: Instant) -> Self {
        let http2 = http2::Connection::with_seed(http2::Role::Server, config.http2.clone(), seed, now);
        Self {
            link: Link::new(http2, &config),
            config,
            max_timeout: None,
            is_ready: false,
            refuses: false,
            calls_rejected: 0,
            calls_without_te: 0,
            events: VecDeque::new(),
            waiting_heads: 0,
            spare_metadata: Vec::new(),
            spare_heads: Vec::new(),
        }
    }

    delegate_to_http2!();

    /// No call takes longer than this from now on, whatever its client allows.
    pub const fn set_max_timeout(&mut self, timeout: Option<Duration>) {
        self.max_timeout = timeout;
    }

    /// From now on new calls are refused with UNAVAILABLE, or taken again: for limits over several connections.
    pub const fn refuse_new(&mut self, refuses: bool) {
        self.refuses = refuses;
    }

    /// Counters and gauges, as they are now.
    pub fn stats(&self) -> Stats {
        Stats {
            calls_rejected: self.calls_rejected,
            calls_without_te: self.calls_without_te,
            ..self.link.stats()
        }
    }

    /// The head of the call's request, until its metadata was [taken](Self::take_metadata).
    pub fn request(&mut self, call: CallId) -> Option<&mut RequestHead> {
        self.link.calls.get_mut(call)?.call.head_mut()
    }

    /// The client's metadata, as [`RequestHead::take_metadata`] gives it, in memory that was
    /// [given back](Self::recycle_metadata) where there is some.
    pub fn take_metadata(&mut self, call: CallId) -> Metadata {
        let Some(mut head) = self.link.calls.get_mut(call).and_then(|entry| entry.call.take_head()) else {
            return Metadata::new();
        };
        let (metadata, left) = head.take_metadata_into(self.spare_metadata.pop());
        if let Some(fields) = left {
            self.link.http2.recycle(fields);
        }
        if self.spare_heads.len() < MAX_SPARE {
            self.spare_heads.push(head);
        }
        metadata
    }

    /// Encodings that the client uses and takes.
    pub fn encodings(&self, call: CallId) -> CallEncodings {
        self.link.calls.get(call).map(|entry| entry.call.encodings()).unwrap_or_default()
    }

    /// Gives the memory of metadata back, for the next calls, if nobody else holds it.
    pub fn recycle_metadata(&mut self, metadata: Metadata) {
        if self.spare_metadata.len() < MAX_SPARE
            && let Some(fields) = metadata.into_spare()
            && fields.capacity() <= MAX_SPARE_CAPACITY
        {
            self.spare_metadata.push(fields);
        }
    }

    fn shrink(&mut self) {
        self.spare_metadata = Vec::new();
        self.spare_heads = Vec::new();
    }

    /// Whether the call goes on: it has not ended and was not released.
    pub fn is_active(&self, call: CallId) -> bool {
        self.link.calls.get(call).is_some_and(|entry| !entry.ended)
    }

    /// When the call must have ended.
    pub fn deadline(&self, call: CallId) -> Option<Instant> {
        self.link.calls.get(call)?.call.deadline
    }

    /// The call must have ended at `at`, if not before.
    pub fn shorten_deadline(&mut self, call: CallId, at: Instant) {
        let Some(entry) = self.link.calls.get_mut(call).filter(|entry| !entry.ended) else { return };
        match entry.call.deadline {
            Some(deadline) if deadline <= at => return,
            Some(_) => self.link.deadlines.bring_forward(at, call),
            None => self.link.deadlines.add(at, call),
        }
        entry.call.deadline = Some(at);
    }

    /// Says what the method is: how many messages its request has, and which limits hold instead of the connection's.
    pub fn accept(&mut self, call: CallId, request: Cardinality, limits: CallLimits) {
        // A call may have ended before anybody came to look at it: its last event stays the last.
        let Some(entry) = self.link.calls.get_mut(call).filter(|entry| !entry.ended) else { return };
        entry.call.accept(request, limits);
        // What has come already may be the message that is now wished for.
        if request == Cardinality::One && self.link.on_data(call) {
            self.events.push_back(Event::Message { call });
        }
    }

    /// Compresses what is sent, if the client takes `encoding` and the head has not left. Answers what holds.
    pub fn set_encoding(&mut self, call: CallId, encoding: Encoding) -> Encoding {
        self.link.calls.get_mut(call).map_or(Encoding::Identity, |entry| entry.call.set_encoding(encoding))
    }

    /// Sends initial metadata. The first message does so by itself.
    ///
    /// # Errors
    ///
    /// [`UseError`], and nothing has changed.
    pub fn send_metadata(&mut self, call: CallId, metadata: &Metadata) -> Result<(), UseError> {
        let (machine, mut carrier) = self.parts(call).ok_or(UseError::StreamClosed)?;
        machine.send_metadata(&mut carrier, metadata)
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// [`SendMessageError`]; the call goes on, unless it says that it has ended.
    pub fn send_message(&mut self, call: CallId, message: Message) -> Result<(), SendMessageError> {
        let (machine, mut carrier) = self.parts(call).ok_or(SendMessageError::Ended)?;
        machine.send_message(&mut carrier, message)
    }

    /// Answers a unary call: metadata, message, status.
    pub fn respond(&mut self, call: CallId, metadata: &Metadata, message: Message, status: &Status) {
        let Some((machine, mut carrier)) = self.parts(call) else { return };
        let message = match machine.answer(metadata, message, status) {
            Ok(answer) => match carrier.http2.answer(carrier.stream, answer) {
                Ok(()) => return machine.on_answered(),
                Err(answer) => Message::from_piece(answer.piece),
            },
            Err(message) => message,
        };
        if machine.respond(&mut carrier, metadata, message, status) {
            self.on_unanswerable(call);
        }
    }

    /// Ends the call with `status` and the trailing metadata in it. Does nothing where the call has ended.
    pub fn finish(&mut self, call: CallId, status: &Status) {
        if let Some((machine, mut carrier)) = self.parts(call)
            && machine.finish(&mut carrier, status)
        {
            self.on_unanswerable(call);
        }
    }

    /// The call was reset since its client takes no status: its stream says no more.
    fn on_unanswerable(&mut self, call: CallId) {
        let error = StreamError {
            reason: Reason::INTERNAL_ERROR,
            by: Initiator::Library,
            reach: Reach::Stream,
            unprocessed: false,
            why: "the client accepts no status, however short",
        };
        self.on_over(call, Ended::Cancelled(error));
    }

    fn parts(&mut self, call: CallId) -> Option<(&mut Call, OnStream<'_>)> {
        let entry = self.link.calls.get_mut(call).filter(|entry| !entry.ended)?;
        Some((&mut entry.call, OnStream { http2: &mut self.link.http2, stream: call.0 }))
    }

    /// Acts on what the streams say. Answers whether there was anything.
    fn take_events(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(event) = self.link.http2.poll_event() {
            moved = true;
            match event {
                http2::Event::Settings if !core::mem::replace(&mut self.is_ready, true) => {
                    self.events.push_back(Event::Ready);
                }
                http2::Event::Headers { stream, end_stream } => self.on_request(now, stream, end_stream),
                http2::Event::Data { stream, end_stream } => self.on_data(CallId(stream), end_stream),
                http2::Event::Trailers { stream } => {
                    // gRPC has no trailers of requests; they end one as END_STREAM does.
                    if let Some(fields) = self.link.http2.take_fields(stream) {
                        self.link.http2.recycle(fields);
                    }
                    self.on_data(CallId(stream), true);
                }
                http2::Event::Writable { stream } if self.parts(CallId(stream)).is_some() => {
                    self.events.push_back(Event::Writable { call: CallId(stream) });
                }
                http2::Event::Finished { stream } => self.on_over(CallId(stream), Ended::Finished),
                http2::Event::Reset { stream, error } => {
                    let how = match error.reach {
                        Reach::Stream => Ended::Cancelled(error),
                        Reach::Connection => Ended::ConnectionLost(error),
                    };
                    self.on_over(CallId(stream), how);
                }
                http2::Event::Closed(end) => self.events.push_back(Event::Closed(end)),
                _ => {}
            }
        }
        moved
    }

    fn on_request(&mut self, now: Instant, stream: StreamKey, end_stream: bool) {
        let Some(fields) = self.link.http2.take_fields(stream) else { return };
        let head = match RequestHead::read(fields, self.config.accept) {
            Ok(_) if self.refuses => {
                let status = Status::unavailable("the server takes no new calls now");
                return self.reject(stream, &Rejection::grpc(status));
            }
            Ok(head) => head,
            Err(rejection) => return self.reject(stream, &rejection),
        };
        if !self.has_room(&head) {
            return self.link.http2.refuse_above(stream);
        }
        http2::add(&mut self.calls_without_te, u64::from(!head.has_te()));
        let mut place = self.spare_heads.pop().unwrap_or_default();
        *place = head;
        let mut call = Call::new(now, place, &self.config, self.max_timeout);
        if end_stream {
            call.on_end();
        }
        let call = self.link.insert(stream, call);
        self.events.push_back(Event::Call { call });
    }

    /// Whether one more head may wait: a call of one message keeps its own until that has come. To read no further would
    /// keep the messages away, and the heads here.
    fn has_room(&mut self, head: &RequestHead) -> bool {
        let most = (self.config.http2.limits.max_header_list_size as usize).saturating_mul(MAX_WAITING_HEADS);
        let sum = |held: usize| held.saturating_add(head.memory());
        if sum(self.waiting_heads) > most {
            // What was taken or released in the meantime is counted here only: once in many calls.
            let heads = self.link.calls.iter().filter_map(|entry| entry.call.head().map(RequestHead::memory));
            self.waiting_heads = heads.fold(0, usize::saturating_add);
        }
        let has_room = sum(self.waiting_heads) <= most;
        if has_room {
            self.waiting_heads = sum(self.waiting_heads);
        }
        has_room
    }

    fn reject(&mut self, stream: StreamKey, rejection: &Rejection) {
        self.calls_rejected = self.calls_rejected.saturating_add(1);
        Call::reject(&mut OnStream { http2: &mut self.link.http2, stream }, rejection);
        self.link.http2.release(stream);
        if rejection.is_glitch {
            self.link.http2.on_glitch_above();
        }
    }

    fn on_data(&mut self, call: CallId, end_stream: bool) {
        let Some(entry) = self.link.calls.get_mut(call).filter(|entry| !entry.ended) else { return };
        if end_stream {
            entry.call.on_end();
        }
        if self.link.on_data(call) {
            self.events.push_back(Event::Message { call });
        }
    }

    fn on_over(&mut self, call: CallId, how: Ended) {
        let Some(entry) = self.link.calls.get(call) else { return };
        if entry.ended {
            return;
        }
        self.link.close(call, how != Ended::Finished);
        self.events.push_back(Event::Ended { call, how });
    }

    fn on_deadline(&mut self, _now: Instant, call: CallId) {
        // The handler may still run: the call keeps its place until it has gone.
        self.link.http2.hold(call.0);
        if let Some((machine, mut carrier)) = self.parts(call) {
            machine.on_deadline(&mut carrier);
        }
        self.on_over(call, Ended::DeadlineExceeded);
    }
}
