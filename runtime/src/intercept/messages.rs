use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use crate::codec::Codec;
use crate::{Metadata, Status, Streaming};

/// A message as it is between the application and the wire: encoded, and not compressed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Payload {
    /// The message in the encoding of its codec: protocol buffers, where nothing else was chosen.
    pub bytes: Bytes,
    /// Whether it is compressed where its call is. An application that sends something secret says no; whoever makes a new
    /// payload out of one keeps that.
    pub may_compress: bool,
}

impl Payload {
    /// A message that is compressed where its call is.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), may_compress: true }
    }

    /// Encodes `message`.
    ///
    /// # Errors
    ///
    /// Those of the codec.
    pub fn encode<C: Codec<T>, T>(message: &T) -> Result<Self, Status> {
        let mut out = BytesMut::new();
        C::encode(message, &mut out)?;
        Ok(Self::new(out.freeze()))
    }

    /// The message.
    ///
    /// # Errors
    ///
    /// Those of the codec.
    pub fn decode<C: Codec<T>, T>(&self) -> Result<T, Status> {
        C::decode(self.bytes.clone())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

/// Messages that stay as they are.
pub(crate) struct Encoded;

impl Codec<Payload> for Encoded {
    fn encode(message: &Payload, out: &mut BytesMut) -> Result<(), Status> {
        out.extend_from_slice(&message.bytes);
        Ok(())
    }

    fn decode(bytes: Bytes) -> Result<Payload, Status> {
        Ok(Payload::new(bytes))
    }
}

/// What comes next out of [`Messages`].
pub(crate) enum Part {
    Message(Payload),
    /// Nothing comes after it. Trailing metadata is in the status, also in OK.
    End(Status),
}

/// Where messages come from.
pub(crate) trait Source: Send {
    /// Initial metadata, once it is there or will not be.
    fn poll_metadata(&mut self, cx: &mut Context<'_>) -> Poll<Metadata>;
    /// Is asked no more after the end.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part>;
}

/// The messages of a request or of a response, one or many, as they come, and how they end.
///
/// It is a [`Stream`] of `Result<Payload, Status>`: after an error, or after the last message, there is nothing more.
/// Dropping those of a response gives the call up.
pub struct Messages {
    /// Nobody locks it: with the lock around it, a request can be lent to another thread although its source cannot.
    source: Mutex<Box<dyn Source>>,
    end: Option<Status>,
}

impl Messages {
    pub(crate) fn new(source: impl Source + 'static) -> Self {
        Self { source: Mutex::new(Box::new(source)), end: None }
    }

    fn source(&mut self) -> &mut dyn Source {
        &mut **self.source.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// No message.
    pub fn empty() -> Self {
        Self::new(One { message: None, end: Status::OK })
    }

    /// One message.
    pub fn one(message: impl Into<Payload>) -> Self {
        Self::new(One { message: Some(message.into()), end: Status::OK })
    }

    /// No message, and a call that has failed with `status`.
    pub(crate) fn failed(status: Status) -> Self {
        Self::new(One { message: None, end: status })
    }

    /// How they have ended, once that has been read.
    pub(crate) const fn end(&self) -> Option<&Status> {
        self.end.as_ref()
    }

    /// The messages of `stream`, up to its end or its first error.
    pub fn from_stream(stream: impl Stream<Item = Result<Payload, Status>> + Send + 'static) -> Self {
        Self::new(Streamed(Box::pin(stream)))
    }

    /// The next message; `None` after the last.
    ///
    /// Cancel-safe: a message that was not returned is returned by the next call.
    ///
    /// # Errors
    ///
    /// The status of the call, if it is not OK. Nothing more comes after it.
    pub async fn message(&mut self) -> Result<Option<Payload>, Status> {
        poll_fn(|cx| self.poll_message(cx)).await.transpose()
    }

    /// Initial metadata of a response that a client receives as a stream: it may come long after the call has begun. Empty
    /// everywhere else: a unary response has it beside its messages, a request too.
    ///
    /// Cancel-safe.
    pub async fn metadata(&mut self) -> Metadata {
        poll_fn(|cx| self.poll_metadata(cx)).await
    }

    /// The end of the call: its status and, in it, trailing metadata. Messages that were not read are dropped.
    ///
    /// Cancel-safe: what was read until then is lost, the status is not.
    pub async fn status(&mut self) -> Status {
        loop {
            if let Some(end) = &self.end {
                return end.clone();
            }
            // An error is the end too.
            let _ = self.message().await;
        }
    }

    /// The same with each message changed by `f`; its error is the end of the call.
    #[must_use]
    pub fn map(self, f: impl FnMut(Payload) -> Result<Payload, Status> + Send + 'static) -> Self {
        Self::new(Mapped { messages: self, f })
    }

    /// The same with another end: `f` gets the status of the call, with trailing metadata in it also when it is OK, and
    /// gives the one that goes on from here. It is called once; not when the messages are dropped before their end.
    #[must_use]
    pub fn map_end(self, f: impl FnOnce(Status) -> Status + Send + 'static) -> Self {
        Self::new(Ended { messages: self, f: Some(f) })
    }

    /// The same with initial metadata changed by `f`, of a response that a client receives as a stream.
    #[must_use]
    pub fn map_metadata(self, f: impl FnOnce(&mut Metadata) + Send + 'static) -> Self {
        Self::new(Headed { messages: self, f: Some(f), metadata: Metadata::new() })
    }

    pub(crate) fn poll_metadata(&mut self, cx: &mut Context<'_>) -> Poll<Metadata> {
        self.source().poll_metadata(cx)
    }

    pub(crate) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        if let Some(end) = &self.end {
            return Poll::Ready(Part::End(end.clone()));
        }
        let part = ready!(self.source().poll_part(cx));
        if let Part::End(status) = &part {
            self.end = Some(status.clone());
        }
        Poll::Ready(part)
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Payload, Status>>> {
        if self.end.is_some() {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.poll_part(cx)) {
            Part::Message(message) => Some(Ok(message)),
            Part::End(status) if status.is_ok() => None,
            Part::End(status) => Some(Err(status)),
        })
    }
}

impl Stream for Messages {
    type Item = Result<Payload, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx)
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("end", &self.end).finish_non_exhaustive()
    }
}

/// One message, or none.
struct One {
    message: Option<Payload>,
    end: Status,
}

impl Source for One {
    fn poll_metadata(&mut self, _: &mut Context<'_>) -> Poll<Metadata> {
        Poll::Ready(Metadata::new())
    }

    fn poll_part(&mut self, _: &mut Context<'_>) -> Poll<Part> {
        Poll::Ready(self.message.take().map_or_else(|| Part::End(self.end.clone()), Part::Message))
    }
}

struct Streamed<S>(Pin<Box<S>>);

impl<S: Stream<Item = Result<Payload, Status>> + Send> Source for Streamed<S> {
    fn poll_metadata(&mut self, _: &mut Context<'_>) -> Poll<Metadata> {
        Poll::Ready(Metadata::new())
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        self.0.as_mut().poll_next(cx).map(|next| match next {
            Some(Ok(message)) => Part::Message(message),
            Some(Err(status)) => Part::End(status),
            None => Part::End(Status::OK),
        })
    }
}

/// What has come over the wire.
impl Source for Streaming<Payload> {
    fn poll_metadata(&mut self, cx: &mut Context<'_>) -> Poll<Metadata> {
        Self::poll_metadata(self, cx)
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        Pin::new(&mut *self).poll_next(cx).map(|next| match next {
            Some(Ok(message)) => Part::Message(message),
            Some(Err(status)) => Part::End(status),
            None => Part::End(self.status().cloned().unwrap_or(Status::OK)),
        })
    }
}

struct Mapped<F> {
    messages: Messages,
    f: F,
}

impl<F: FnMut(Payload) -> Result<Payload, Status> + Send> Source for Mapped<F> {
    fn poll_metadata(&mut self, cx: &mut Context<'_>) -> Poll<Metadata> {
        self.messages.poll_metadata(cx)
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        self.messages.poll_part(cx).map(|part| match part {
            Part::Message(message) => (self.f)(message).map_or_else(Part::End, Part::Message),
            end @ Part::End(_) => end,
        })
    }
}

struct Ended<F> {
    messages: Messages,
    f: Option<F>,
}

impl<F: FnOnce(Status) -> Status + Send> Source for Ended<F> {
    fn poll_metadata(&mut self, cx: &mut Context<'_>) -> Poll<Metadata> {
        self.messages.poll_metadata(cx)
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        self.messages.poll_part(cx).map(|part| match (part, self.f.take()) {
            (Part::End(status), Some(f)) => Part::End(f(status)),
            (part, f) => {
                self.f = f;
                part
            }
        })
    }
}

struct Headed<F> {
    messages: Messages,
    f: Option<F>,
    /// What `f` has made of it.
    metadata: Metadata,
}

impl<F: FnOnce(&mut Metadata) + Send> Source for Headed<F> {
    fn poll_metadata(&mut self, cx: &mut Context<'_>) -> Poll<Metadata> {
        if self.f.is_some() {
            self.metadata = ready!(self.messages.poll_metadata(cx));
        }
        if let Some(f) = self.f.take() {
            f(&mut self.metadata);
        }
        Poll::Ready(self.metadata.clone())
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        self.messages.poll_part(cx)
    }
}
