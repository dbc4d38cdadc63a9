use futures_core::Stream;

use crate::Request;

/// What can be sent as a request: a [`Request`], or a message alone.
pub trait IntoRequest<T>: sealed::One<T> {
    /// The request.
    fn into_request(self) -> Request<T>;
}

impl<T> IntoRequest<T> for T {
    fn into_request(self) -> Request<T> {
        Request::new(self)
    }
}

impl<T> IntoRequest<T> for Request<T> {
    fn into_request(self) -> Self {
        self
    }
}

/// What can be sent as a request of many messages: a [`Request`] of a stream, or a stream alone.
pub trait IntoStreamingRequest: sealed::Many {
    /// The stream.
    type Stream: Stream<Item = Self::Message> + Send + 'static;
    /// What it streams.
    type Message;

    /// The request.
    fn into_streaming_request(self) -> Request<Self::Stream>;
}

impl<S: Stream + Send + 'static> IntoStreamingRequest for S {
    type Stream = S;
    type Message = S::Item;

    fn into_streaming_request(self) -> Request<S> {
        Request::new(self)
    }
}

impl<S: Stream + Send + 'static> IntoStreamingRequest for Request<S> {
    type Stream = S;
    type Message = S::Item;

    fn into_streaming_request(self) -> Self {
        self
    }
}

/// As [`IntoStreamingRequest`], for programs of threads: a [`Request`] of an iterator, or an iterator alone, or what becomes
/// one.
pub trait IntoIteratorRequest: sealed::Iterated {
    /// The iterator.
    type Messages: Iterator<Item = Self::Message>;
    /// What it gives.
    type Message;

    /// The request.
    fn into_iterator_request(self) -> Request<Self::Messages>;
}

impl<I: IntoIterator> IntoIteratorRequest for I {
    type Messages = I::IntoIter;
    type Message = I::Item;

    fn into_iterator_request(self) -> Request<I::IntoIter> {
        Request::new(self.into_iter())
    }
}

impl<I: IntoIterator> IntoIteratorRequest for Request<I> {
    type Messages = I::IntoIter;
    type Message = I::Item;

    fn into_iterator_request(self) -> Request<I::IntoIter> {
        self.map(I::into_iter)
    }
}

mod sealed {
    use futures_core::Stream;

    use crate::Request;

    pub trait One<T> {}
    impl<T> One<T> for T {}
    impl<T> One<T> for Request<T> {}

    pub trait Many {}
    impl<S: Stream> Many for S {}
    impl<S: Stream> Many for Request<S> {}

    pub trait Iterated {}
    impl<I: IntoIterator> Iterated for I {}
    impl<I: IntoIterator> Iterated for Request<I> {}
}
