use core::fmt;
use core::pin::pin;
use std::sync::Arc;

use futures_core::Stream;
use unwired_core::Instant;
use unwired_core::grpc::{CallId, Encoding, Message, Received};

use super::service::Handler;
use crate::call::{CallHandle, Calls, Ending, ServedCalls, Turn, compressed, decompressed, send};
use crate::codec::Codec;
use crate::{Code, Metadata, Request, Response, Status, Streaming};

/// A call that has come, before its request was read. Generated code turns it into a request and answers it.
pub struct Incoming {
    pub(crate) served: Served,
    pub(crate) metadata: Metadata,
    pub(crate) deadline: Option<Instant>,
}

/// A call on its connection; dropping it lets go of the call, and cancels it if it was not answered.
pub(crate) struct Served {
    pub(crate) calls: Arc<dyn ServedCalls>,
    pub(crate) call: CallId,
    pub(crate) recv_encoding: Encoding,
    pub(crate) send_encoding: Encoding,
    pub(crate) max_recv_message: usize,
    /// What the handler has too: its memory is used again when the call is over.
    pub(crate) metadata: Metadata,
    pub(crate) hold: Hold,
}

/// Who lets go of a call.
pub(crate) enum Hold {
    /// Whoever answers it.
    Alone,
    /// The last of whoever answers it and whoever reads it.
    Shared { _handle: Arc<CallHandle> },
    /// Nobody any more.
    Gone,
}

impl Served {
    /// How the next message is sent when it could be in `encoding`.
    fn encoding_now(&self, encoding: Encoding) -> Encoding {
        let uncompressed = encoding != Encoding::Identity && self.calls.is_uncompressed(self.call);
        if uncompressed { Encoding::Identity } else { encoding }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if matches!(self.hold, Hold::Alone) {
            self.calls.release(self.call);
        }
    }
}

impl Incoming {
    /// Reads the one message of the request. `None` if that failed; the call is answered then.
    pub async fn one<C: Codec<T>, T>(self) -> Option<(Request<T>, Reply)> {
        let Self { served, metadata, deadline } = self;
        let received = core::future::poll_fn(|cx| served.calls.poll_message(served.call, cx.waker())).await;
        let mut was_compressed = false;
        let message = match received {
            Received::Message(message) => {
                was_compressed = message.compressed;
                decompressed(message, served.recv_encoding, served.max_recv_message)
            }
            Received::Failed(status) => Err(status),
            Received::End | Received::Pending => {
                Err(Status::cancelled("the call ended before its request was read"))
            }
        };
        match message.and_then(C::decode) {
            Ok(message) => {
                let calls = Arc::clone(&served.calls);
                let request =
                    Request::served(message, metadata, deadline, calls, served.call, was_compressed);
                Some((request, Reply(served)))
            }
            Err(status) => {
                Reply(served).fail(&status);
                None
            }
        }
    }

    /// The many messages of the request.
    pub fn many<C: Codec<T>, T>(self) -> (Request<Streaming<T>>, Reply) {
        let Self { mut served, metadata, deadline } = self;
        let calls = Arc::clone(&served.calls);
        let handle = Arc::new(CallHandle { calls: Arc::clone(&calls) as Arc<dyn Calls>, id: served.call });
        served.hold = Hold::Shared { _handle: Arc::clone(&handle) };
        let messages = Streaming::new::<C>(handle, served.max_recv_message, false);
        (Request::served(messages, metadata, deadline, calls, served.call, false), Reply(served))
    }

    /// Answers a call of a method that is not there.
    pub fn unimplemented(self) -> Handler {
        self.refuse(&Status::unimplemented("the service does not implement the method"))
    }

    pub(crate) fn refuse(self, status: &Status) -> Handler {
        Reply(self.served).fail(status);
        Box::pin(core::future::ready(()))
    }
}

/// Answers a call.
pub struct Reply(Served);

impl Reply {
    /// Answers with one message.
    pub async fn one<C: Codec<T>, T>(mut self, result: Result<Response<T>, Status>) {
        let (message, metadata, trailers, encoding) = match result {
            Ok(response) => response.into_parts(),
            Err(status) => return self.fail(&status),
        };
        let encoding = self.0.encoding_now(encoding.unwrap_or(self.0.send_encoding));
        let message = match compressed::<C, T>(&message, encoding) {
            Ok(message) => message,
            Err(status) => return self.fail(&status),
        };
        let status = with_trailers(trailers);
        self.end(Ending::Message { metadata: &metadata, message, status: &status });
    }

    /// Answers with many messages.
    pub async fn many<C, T, S>(self, result: Result<Response<S>, Status>)
    where
        C: Codec<T>,
        S: Stream<Item = Result<T, Status>>,
    {
        let Some((messages, mut replies)) = self.begin::<C, T, S>(result) else { return };
        let mut messages = pin!(messages);
        let ended = loop {
            match core::future::poll_fn(|cx| messages.as_mut().poll_next(cx)).await {
                None => break Ok(()),
                Some(Err(status)) => break Err(status),
                Some(Ok(message)) => {
                    if let Err(status) = replies.send(message).await {
                        break Err(status);
                    }
                }
            }
        };
        replies.end(ended);
    }

    /// Begins to answer with many messages, and gives back what they come from. `None` if there is only an error; the call
    /// is answered then.
    pub fn begin<C: Codec<T>, T, S>(self, result: Result<Response<S>, Status>) -> Option<(S, Replies<T>)> {
        let (messages, metadata, trailers, encoding) = match result {
            Ok(response) => response.into_parts(),
            Err(status) => {
                self.fail(&status);
                return None;
            }
        };
        let Served { calls, call, send_encoding, .. } = &self.0;
        let encoding = encoding.unwrap_or(*send_encoding);
        // Initial metadata leaves before the first message is there; where the handler has sent some, this is none.
        let _ = calls.send_metadata(*call, &metadata);
        let encode = compressed::<C, T>;
        Some((messages, Replies { reply: self, encode, encoding, trailers, turn: Turn::default() }))
    }

    /// Answers with an error.
    pub fn fail(mut self, status: &Status) {
        self.end(Ending::Status(status));
    }

    /// Gives the call its end, and lets go of it in the same moment.
    fn end(&mut self, ending: Ending<'_>) {
        let Served { calls, call, metadata, hold, .. } = &mut self.0;
        let alone = matches!(hold, Hold::Alone);
        calls.end(*call, ending, core::mem::take(metadata), alone);
        if alone {
            *hold = Hold::Gone;
        }
    }
}

/// Sends the many messages of an answer.
pub struct Replies<T> {
    reply: Reply,
    encode: fn(&T, Encoding) -> Result<Message, Status>,
    encoding: Encoding,
    trailers: Metadata,
    turn: Turn,
}

impl<T> Replies<T> {
    /// Sends a message, once there is room for it.
    ///
    /// # Errors
    ///
    /// CANCELLED when the call has ended; that of a message which cannot be encoded or is too long.
    pub async fn send(&mut self, message: T) -> Result<(), Status> {
        let Served { calls, call, .. } = &self.reply.0;
        let message = (self.encode)(&message, self.reply.0.encoding_now(self.encoding))?;
        send(&**calls, *call, message).await?;
        self.turn.pass().await;
        Ok(())
    }

    /// Says that no message follows, or why.
    pub fn end(self, result: Result<(), Status>) {
        let Self { mut reply, trailers, .. } = self;
        let status = result.map_or_else(|status| status, |()| with_trailers(trailers));
        reply.end(Ending::Status(&status));
    }
}

/// OK, and what goes along with it.
fn with_trailers(trailers: Metadata) -> Status {
    if trailers.is_empty() { Status::OK } else { Status::with_metadata(Code::Ok, "", trailers) }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("call", &self.served.call).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Replies<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").field("reply", &self.reply).finish_non_exhaustive()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("call", &self.0.call).finish_non_exhaustive()
    }
}
