use core::fmt;
use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;

use super::definition::LastDefinition;
use super::{Call, NewCall};
use crate::grpc::carrier::OnStream;
use crate::grpc::link::{Link, MAX_EVENTS, Machine, delegate_to_http2};
use crate::grpc::receiving::Receiving;
use crate::grpc::{
    Batch, CallEncodings, CallId, Code, Config, Message, Metadata, Received, SendMessageError, Stats, Status,
};
use crate::http2::{self, ConnectionEnd, OpenError, Reason, UseError};
use crate::{Instant, Outbox};

/// What happened at a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server's SETTINGS have come: this is HTTP/2.
    Ready,
    /// Initial metadata has come: see [`metadata`](Connection::metadata).
    Metadata {
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
    /// Last event of a call that was not [`release`](Connection::release)d before: see
    /// [`status`](Connection::status). Messages that came before the status can still be had.
    Done {
        /// The call.
        call: CallId,
    },
    /// A call can be started again after [`start`](Connection::start) said `Busy`.
    CallsAvailable,
    /// The server takes no new calls here; those under way go on.
    GoingAway {
        /// Why.
        reason: Reason,
        /// The server's explanation; `too_many_pings` asks for fewer keepalive PINGs (gRFC A8).
        debug: Bytes,
    },
    /// Last event of the connection; every call got its `Done` before.
    Closed(ConnectionEnd),
}

impl Event {
    /// The call that it is about.
    const fn call(&self) -> Option<CallId> {
        match *self {
            Self::Metadata { call }
            | Self::Message { call }
            | Self::Writable { call }
            | Self::Done { call } => Some(call),
            Self::Ready | Self::CallsAvailable | Self::GoingAway { .. } | Self::Closed(_) => None,
        }
    }
}

/// Why a call was not started.
#[derive(Clone, Debug)]
pub enum StartError {
    /// The server allows no more calls now; one [`Event::CallsAvailable`] follows.
    Busy,
    /// This connection takes no new calls: another is needed.
    GoingAway,
    /// The call cannot be made anywhere; the status says why.
    Failed(Status),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the server allows no more concurrent calls on this connection now"),
            Self::GoingAway => f.write_str("the connection takes no new calls"),
            Self::Failed(status) => status.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

/// One connection of a client: calls start, messages come and go. The methods are those of [`http2::Connection`], in the
/// same kinds, with calls and messages instead of streams and bytes.
#[derive(Debug)]
pub struct Connection {
    link: Link<Call>,
    config: Config,
    last: LastDefinition,
    is_ready: bool,
    calls_started: u64,
    calls_succeeded: u64,
    events: VecDeque<Event>,
}

impl Machine for Call {
    fn receiving(&mut self) -> &mut Receiving {
        self.receiving()
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

impl Connection {
    /// A connection that has just been made.
    pub fn new(config: Config, now: Instant) -> Self {
        let seed = config.http2.seed;
        Self::with_seed(config, seed, now)
    }

    /// The same with `seed` instead of the one that the configuration has in common with other connections.
    pub fn with_seed(config: Config, seed: u64, now: Instant) -> Self {
        let http2 = http2::Connection::with_seed(http2::Role::Client, config.http2.clone(), seed, now);
        Self {
            link: Link::new(http2, &config),
            config,
            last: LastDefinition::default(),
            is_ready: false,
            calls_started: 0,
            calls_succeeded: 0,
            events: VecDeque::new(),
        }
    }

    delegate_to_http2!();

    /// Counters and gauges, as they are now.
    pub fn stats(&self) -> Stats {
        Stats {
            calls_started: self.calls_started,
            calls_succeeded: self.calls_succeeded,
            calls_failed: self.link.calls_ended.saturating_sub(self.calls_succeeded),
            ..self.link.stats()
        }
    }

    /// Starts a call. Its head leaves with the next transmission, together with the messages given until then.
    ///
    /// # Errors
    ///
    /// [`StartError`]; nothing has changed.
    pub fn start(&mut self, now: Instant, call: &NewCall<'_>) -> Result<CallId, StartError> {
        call.check_deadline(now).map_err(StartError::Failed)?;
        let mut fields = self.link.http2.spare_fields();
        self.last.put(call, self.config.accept, &mut fields);
        call.put_own(now, &mut fields);
        match self.link.http2.open(fields, false) {
            Ok(stream) => {
                self.calls_started = self.calls_started.saturating_add(1);
                Ok(self.link.insert(stream, Call::new(call, &self.config)))
            }
            Err(OpenError::Busy(fields)) => {
                self.link.http2.recycle(fields);
                Err(StartError::Busy)
            }
            Err(OpenError::GoingAway(fields)) => {
                self.link.http2.recycle(fields);
                Err(StartError::GoingAway)
            }
            Err(OpenError::Use(error)) => {
                let code = match error {
                    UseError::FieldsTooLarge => Code::ResourceExhausted,
                    _ => Code::Internal,
                };
                Err(StartError::Failed(Status::new(code, format!("the request cannot be sent: {error}"))))
            }
        }
    }

    /// Whether the server's SETTINGS have come.
    pub const fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Whether [`start`](Self::start) would say `Busy` now.
    pub fn is_busy(&self) -> bool {
        self.link.http2.is_busy()
    }

    /// Since when there has been no call; `None` while there is one.
    pub fn idle_since(&self) -> Option<Instant> {
        self.link.http2.idle_since()
    }

    /// Whether the call goes on: it has not ended and was not released.
    pub fn is_active(&self, call: CallId) -> bool {
        self.link.calls.get(call).is_some_and(|entry| !entry.call.is_over())
    }

    /// Initial metadata, once it has come.
    pub fn metadata(&self, call: CallId) -> Option<&Metadata> {
        self.link.calls.get(call)?.call.metadata()
    }

    /// How the call ended, once it has; trailing metadata is in it.
    pub fn status(&self, call: CallId) -> Option<&Status> {
        self.link.calls.get(call)?.call.status()
    }

    /// Whether the server never acted on the call, so that it can be made again elsewhere.
    pub fn is_unprocessed(&self, call: CallId) -> bool {
        self.link.calls.get(call).is_some_and(|entry| entry.call.unprocessed)
    }

    /// The encodings of the response, once its head has come.
    pub fn encodings(&self, call: CallId) -> CallEncodings {
        self.link.calls.get(call).map(|entry| entry.call.encodings).unwrap_or_default()
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

    /// Says that no message follows.
    ///
    /// # Errors
    ///
    /// [`SendMessageError::Ended`].
    pub fn half_close(&mut self, call: CallId) -> Result<(), SendMessageError> {
        let (machine, mut carrier) = self.parts(call).ok_or(SendMessageError::Ended)?;
        machine.half_close(&mut carrier)
    }

    /// Gives the call up: the server is told, and `Done` says CANCELLED.
    pub fn cancel(&mut self, call: CallId) {
        if let Some((machine, mut carrier)) = self.parts(call) {
            machine.cancel(&mut carrier);
            self.settle(call, true);
        }
    }

    /// As [`cancel`](Self::cancel), because of what went wrong on this side: the call ends with `status`.
    pub fn fail(&mut self, call: CallId, status: Status) {
        if let Some((machine, mut carrier)) = self.parts(call) {
            machine.fail(&mut carrier, status);
            self.settle(call, true);
        }
    }

    fn shrink(&mut self) {
        self.last.forget();
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
                http2::Event::Headers { stream, end_stream } => self.on_head(CallId(stream), end_stream),
                http2::Event::Data { stream, end_stream } => self.on_data(CallId(stream), end_stream),
                http2::Event::Trailers { stream } => self.on_trailers(CallId(stream)),
                http2::Event::Writable { stream } if self.parts(CallId(stream)).is_some() => {
                    self.events.push_back(Event::Writable { call: CallId(stream) });
                }
                http2::Event::Reset { stream, error } => {
                    if let Some((machine, _)) = self.parts(CallId(stream)) {
                        machine.on_reset(now, error);
                        self.settle(CallId(stream), false);
                    }
                }
                http2::Event::StreamsAvailable => self.events.push_back(Event::CallsAvailable),
                http2::Event::GoAway { reason, debug } => {
                    self.events.push_back(Event::GoingAway { reason, debug })
                }
                http2::Event::Closed(end) => self.events.push_back(Event::Closed(end)),
                _ => {}
            }
        }
        moved
    }

    fn on_head(&mut self, call: CallId, end_stream: bool) {
        let Some(fields) = self.link.http2.take_fields(call.0) else { return };
        let Some((machine, mut carrier)) = self.parts(call) else { return };
        if machine.on_head(&mut carrier, fields, end_stream) {
            self.events.push_back(Event::Metadata { call });
        }
        self.settle(call, false);
    }

    fn on_data(&mut self, call: CallId, end_stream: bool) {
        let Some((machine, mut carrier)) = self.parts(call) else { return };
        if end_stream {
            machine.on_end(&mut carrier);
            self.settle(call, false);
        } else if self.link.on_data(call) {
            self.events.push_back(Event::Message { call });
        }
    }

    fn on_trailers(&mut self, call: CallId) {
        let Some(fields) = self.link.http2.take_fields(call.0) else { return };
        let Some((machine, mut carrier)) = self.parts(call) else { return };
        machine.on_trailers(&mut carrier, fields);
        self.settle(call, false);
    }

    fn on_deadline(&mut self, _now: Instant, call: CallId) {
        if let Some((machine, mut carrier)) = self.parts(call) {
            machine.on_deadline(&mut carrier);
            self.settle(call, true);
        }
    }

    /// If the call has a status now, that is its last event.
    fn settle(&mut self, call: CallId, give_up: bool) {
        if self.link.calls.get(call).is_some_and(|entry| !entry.ended && entry.call.is_over()) {
            if self.status(call).is_some_and(Status::is_ok) {
                self.calls_succeeded = self.calls_succeeded.saturating_add(1);
            }
            self.link.close(call, give_up);
            self.events.push_back(Event::Done { call });
        }
    }
}
