use std::fmt;
use std::marker::PhantomData;

use unwired::codec::Codec;
use unwired::generated::Replies;
use unwired::{Response, Status};

use crate::wait::park_on;

/// Answers a call, from a worker.
pub struct Reply(pub(super) unwired::generated::Reply);

impl Reply {
    /// Answers with one message.
    pub fn one<C: Codec<T>, T>(self, result: Result<Response<T>, Status>) {
        park_on(self.0.one::<C, T>(result));
    }

    /// Answers with many messages.
    pub fn many<C, T, M>(self, result: Result<Response<M>, Status>)
    where
        C: Codec<T>,
        M: Messages<Message = T>,
    {
        let Some((messages, replies)) = self.0.begin::<C, T, M>(result) else { return };
        let mut sink = Sink(replies);
        let ended = messages.write_to(&mut sink);
        sink.0.end(ended);
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a handler answers a stream with: any iterator of `Result<T, Status>`, or what [`write_with`] makes.
///
/// It is read, or written, in the handler's worker after the handler has returned.
pub trait Messages: Sized {
    /// What it sends.
    type Message;

    /// Sends all of it.
    ///
    /// # Errors
    ///
    /// What the stream ends with, if that is an error; CANCELLED when the call has ended.
    fn write_to(self, sink: &mut Sink<Self::Message>) -> Result<(), Status>;
}

impl<T, I: Iterator<Item = Result<T, Status>>> Messages for I {
    type Message = T;

    fn write_to(self, sink: &mut Sink<T>) -> Result<(), Status> {
        for message in self {
            sink.send(message?)?;
        }
        Ok(())
    }
}

/// Answers a stream by writing: `write` sends messages one by one, and a slow reader holds it up.
///
/// ```
/// # use unwired::{Response, Status};
/// # use unwired_blocking::{Messages, write_with};
/// fn count() -> Result<Response<impl Messages<Message = u32>>, Status> {
///     Ok(Response::new(write_with(|sink| {
///         for n in 0..3 {
///             sink.send(n)?;
///         }
///         Ok(())
///     })))
/// }
/// ```
pub const fn write_with<T, F>(write: F) -> WriteWith<T, F>
where
    F: FnOnce(&mut Sink<T>) -> Result<(), Status>,
{
    WriteWith { write, message: PhantomData }
}

/// See [`write_with`].
pub struct WriteWith<T, F> {
    write: F,
    message: PhantomData<fn(T)>,
}

impl<T, F> fmt::Debug for WriteWith<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteWith")
    }
}

impl<T, F> Messages for WriteWith<T, F>
where
    F: FnOnce(&mut Sink<T>) -> Result<(), Status>,
{
    type Message = T;

    fn write_to(self, sink: &mut Sink<T>) -> Result<(), Status> {
        (self.write)(sink)
    }
}

/// Where the messages of a response go.
pub struct Sink<T>(Replies<T>);

impl<T> Sink<T> {
    /// Sends `message`, once there is room for it.
    ///
    /// # Errors
    ///
    /// CANCELLED when the call has ended; that of a message which cannot be encoded or is too long.
    pub fn send(&mut self, message: T) -> Result<(), Status> {
        park_on(self.0.send(message))
    }
}

impl<T> fmt::Debug for Sink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
