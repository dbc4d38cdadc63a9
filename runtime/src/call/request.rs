use core::fmt;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use http::Extensions;
use unwired_core::Instant;
use unwired_core::grpc::CallId;

use super::{Calls, Cancellation, Compression, ServedCalls, ended};
use crate::channel::{CallCredentials, Credentials};
use crate::transport::{Address, Peer, RuntimeHandle};
use crate::{Encoding, Metadata, Status};

/// A message, or a stream of them, with its metadata and its deadline.
pub struct Request<T> {
    message: T,
    metadata: Metadata,
    extensions: Extensions,
    pub(crate) time: Time,
    /// The call that a handler answers.
    served: Option<Served>,
    /// The call that this one is made for.
    pub(crate) parent: Option<Cancellation>,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) waits_for_ready: Option<bool>,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Time {
    /// From the moment that the call is made.
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
}

impl Time {
    /// When a call that is made `now` must have ended.
    pub(crate) fn deadline(self, now: Instant) -> Option<Instant> {
        let from_timeout = self.timeout.and_then(|timeout| now.checked_add(timeout));
        [from_timeout, self.deadline].into_iter().flatten().min()
    }
}

#[derive(Clone)]
struct Served {
    calls: Arc<dyn ServedCalls>,
    call: CallId,
    was_compressed: bool,
}

impl<T> Request<T> {
    /// A request without metadata and without a deadline.
    pub fn new(message: T) -> Self {
        Self {
            message,
            metadata: Metadata::new(),
            extensions: Extensions::new(),
            time: Time::default(),
            served: None,
            parent: None,
            encoding: None,
            waits_for_ready: None,
        }
    }

    pub(crate) fn served(
        message: T,
        metadata: Metadata,
        deadline: Option<Instant>,
        calls: Arc<dyn ServedCalls>,
        call: CallId,
        was_compressed: bool,
    ) -> Self {
        Self {
            metadata,
            time: Time { timeout: None, deadline },
            served: Some(Served { calls, call, was_compressed }),
            ..Self::new(message)
        }
    }

    /// What a handler gets beside the message.
    pub(crate) fn into_head(self) -> (Metadata, Option<Instant>, Extensions) {
        (self.metadata, self.time.deadline, self.extensions)
    }

    /// The message.
    pub const fn get_ref(&self) -> &T {
        &self.message
    }

    /// The message, to change.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.message
    }

    /// The message alone.
    pub fn into_inner(self) -> T {
        self.message
    }

    /// The caller's metadata.
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The caller's metadata, to change before the request is sent.
    pub const fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Values that stay in this process.
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Values that stay in this process, to change.
    pub const fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// The same with another message.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Request<U> {
        let (message, rest) = self.into_parts();
        rest.with_message(f(message))
    }

    pub(crate) fn into_parts(self) -> (T, Request<()>) {
        let Self { message, metadata, extensions, time, served, parent, encoding, waits_for_ready } = self;
        (
            message,
            Request { message: (), metadata, extensions, time, served, parent, encoding, waits_for_ready },
        )
    }

    pub(crate) fn with_message<U>(self, message: U) -> Request<U> {
        let Self { message: _, metadata, extensions, time, served, parent, encoding, waits_for_ready } = self;
        Request { message, metadata, extensions, time, served, parent, encoding, waits_for_ready }
    }

    /// The call must end within `timeout` from the moment that it is made: waiting for a connection counts.
    pub const fn set_timeout(&mut self, timeout: Duration) {
        self.time.timeout = Some(timeout);
    }

    /// The call must have ended at `deadline`, on the clock of the channel's runtime.
    pub const fn set_deadline(&mut self, deadline: Instant) {
        self.time.deadline = Some(deadline);
    }

    /// When the call must have ended. In a handler it is the client's deadline or the server's own, whichever is first.
    pub const fn deadline(&self) -> Option<Instant> {
        self.time.deadline
    }

    /// Time until the deadline; `None` without one, or outside of a handler.
    pub fn time_left(&self) -> Option<Duration> {
        Some(self.time.deadline? - self.served.as_ref()?.calls.runtime().now())
    }

    /// Makes this a call on behalf of `parent`, which a handler got: it ends when that call ends, and at its deadline.
    #[must_use]
    pub fn child_of<U>(mut self, parent: &Request<U>) -> Self {
        // Time left instead of a time: the channel's runtime may have another clock.
        self.time.timeout = [self.time.timeout, parent.time_left()].into_iter().flatten().min();
        self.parent = parent.cancellation();
        self
    }

    /// Shows `credentials` with the call, besides those of its channel. Over TCP without TLS the call fails with
    /// UNAUTHENTICATED, unless they allow that ([`CallCredentials`]).
    pub fn set_call_credentials(&mut self, credentials: impl CallCredentials) {
        let there = self.extensions.remove::<Credentials>().unwrap_or_default();
        self.extensions.insert(there.and(credentials));
    }

    /// Whether the call waits, within its deadline, while no server can be reached, instead of failing at once. It fails all
    /// the same when the channel is closed.
    pub const fn set_wait_for_ready(&mut self, waits: bool) {
        self.waits_for_ready = Some(waits);
    }

    /// Sends this request without compression, whatever the client does: for secrets that must not be guessed by the
    /// length of what they are compressed with.
    pub const fn disable_compression(&mut self) {
        self.encoding = Some(Encoding::Identity);
    }

    /// The runtime that a handler runs on: for the time and for tasks, on whichever runtime. `None` outside of a
    /// handler.
    pub fn runtime(&self) -> Option<&RuntimeHandle> {
        Some(self.served.as_ref()?.calls.runtime())
    }

    /// Both ends of the connection, and whose process or what certificate the client is. `None` outside of a handler.
    pub fn peer(&self) -> Option<&Peer> {
        Some(self.served.as_ref()?.calls.peer())
    }

    /// The client's address, if it came over TCP.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        match self.peer()?.remote {
            Some(Address::Tcp(address)) => Some(address),
            _ => None,
        }
    }

    /// Ready once the call has ended, also when its handler was dropped: for what the handler has spawned. `None`
    /// outside of a handler.
    pub fn cancellation(&self) -> Option<Cancellation> {
        let served = self.served.as_ref()?;
        Some(Cancellation::new(Arc::clone(&served.calls) as Arc<dyn Calls>, served.call))
    }

    /// Whether the one message that a handler received was compressed on its way. Of a stream,
    /// [`Streaming::was_compressed`](crate::Streaming::was_compressed) says it for each.
    pub fn was_compressed(&self) -> bool {
        self.served.as_ref().is_some_and(|served| served.was_compressed)
    }

    /// Switches the compression of the response off and on. `None` outside of a handler.
    pub fn compression(&self) -> Option<Compression> {
        let served = self.served.as_ref()?;
        Some(Compression::new(Arc::clone(&served.calls), served.call))
    }

    /// Sends initial metadata now, before the handler answers. What the response has of it is not sent any more.
    ///
    /// # Errors
    ///
    /// FAILED_PRECONDITION when initial metadata was sent already, CANCELLED when the call has ended, and outside of a
    /// handler.
    pub fn send_metadata(&self, metadata: &Metadata) -> Result<(), Status> {
        use unwired_core::http2::UseError;
        let served = self.served.as_ref().ok_or_else(|| {
            Status::failed_precondition(
                "only a handler sends metadata ahead: a request takes it by metadata_mut",
            )
        })?;
        served.calls.send_metadata(served.call, metadata).map_err(|error| match error {
            UseError::StreamClosed => ended(),
            error => Status::failed_precondition(format!("initial metadata cannot be sent: {error}")),
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("message", &self.message)
            .field("metadata", &self.metadata)
            .field("deadline", &self.time.deadline)
            .finish_non_exhaustive()
    }
}
