use http::Extensions;

use crate::{Encoding, Metadata};

/// A message, or a stream of them, with its metadata.
#[derive(Clone, Debug, Default)]
pub struct Response<T> {
    message: T,
    metadata: Metadata,
    trailers: Metadata,
    extensions: Extensions,
    pub(crate) encoding: Option<Encoding>,
    was_compressed: bool,
}

impl<T> Response<T> {
    /// A response without metadata.
    pub fn new(message: T) -> Self {
        Self {
            message,
            metadata: Metadata::new(),
            trailers: Metadata::new(),
            extensions: Extensions::new(),
            encoding: None,
            was_compressed: false,
        }
    }

    pub(crate) fn from_parts(
        message: T,
        metadata: Metadata,
        trailers: Metadata,
        was_compressed: bool,
    ) -> Self {
        Self { message, metadata, trailers, extensions: Extensions::new(), encoding: None, was_compressed }
    }

    pub(crate) fn into_parts(self) -> (T, Metadata, Metadata, Option<Encoding>) {
        (self.message, self.metadata, self.trailers, self.encoding)
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

    /// Initial metadata. Of a stream that a client receives it is had by
    /// [`Streaming::metadata`](crate::Streaming::metadata): the call does not wait for it.
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Initial metadata, to change before the response is sent.
    pub const fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Trailing metadata.
    pub const fn trailers(&self) -> &Metadata {
        &self.trailers
    }

    /// Trailing metadata, to change before the response is sent.
    pub const fn trailers_mut(&mut self) -> &mut Metadata {
        &mut self.trailers
    }

    /// Values that stay in this process.
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Values that stay in this process, to change.
    pub const fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Sends this response without compression, whatever the service does: for secrets that must not be guessed by the
    /// length of what they are compressed with.
    pub const fn disable_compression(&mut self) {
        self.encoding = Some(Encoding::Identity);
    }

    /// Whether the message that a client received was compressed on its way. Of a stream,
    /// [`Streaming::was_compressed`](crate::Streaming::was_compressed) says it for each.
    pub const fn was_compressed(&self) -> bool {
        self.was_compressed
    }

    /// The same with another message.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Response<U> {
        Response {
            message: f(self.message),
            metadata: self.metadata,
            trailers: self.trailers,
            extensions: self.extensions,
            encoding: self.encoding,
            was_compressed: self.was_compressed,
        }
    }
}

impl<T> From<T> for Response<T> {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}
