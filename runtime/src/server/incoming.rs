use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use futures_core::Stream;
use http::Extensions;
use pin_project_lite::pin_project;
use unwired_core::Instant;
use unwired_core::grpc::{BatchBuilder, CallId, Encoding, Received};

use super::service::Handler;
use crate::call::{
    CallHandle, Calls, Ending, Forwarding, ServedCalls, compressed, decompressed, gather, send,
};
use crate::codec::Codec;
use crate::intercept::Payload;
use crate::{Code, Metadata, Request, Response, Status, Streaming};

/// A call that has come, before its request was read. Generated code turns it into a request and answers it.
pub struct Incoming {
    pub(crate) served: Served,
    pub(crate) metadata: Metadata,
    pub(crate) deadline: Option<Instant>,
    pub(crate) extensions: Extensions,
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
    /// How a response is sent that asks for `encoding`, if it does.
    fn encoding_of(&self, encoding: Option<Encoding>) -> Encoding {
        let Some(encoding) = encoding else { return self.send_encoding };
        // It is asked for to have none: whoever compresses behind interceptors is to know.
        self.calls.disable_compression(self.call);
        encoding
    }

    /// The call may stay for long: memory that it does not need is not kept for the next.
    fn forget_metadata(&mut self) {
        self.metadata = Metadata::new();
    }

    /// How the next message is sent when it could be in `encoding`.
    #[inline]
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
        let Self { served, metadata, deadline, extensions } = self;
        let received = core::future::poll_fn(|cx| served.calls.poll_messages(served.call, cx.waker())).await;
        let mut was_compressed = false;
        let message = match received {
            Received::Message(mut batch) => {
                let message = batch.next().unwrap_or_default();
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
                let mut request =
                    Request::served(message, metadata, deadline, calls, served.call, was_compressed);
                *request.extensions_mut() = extensions;
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
        let Self { mut served, metadata, deadline, extensions } = self;
        served.forget_metadata();
        let calls = Arc::clone(&served.calls);
        let handle = Arc::new(CallHandle { calls: Arc::clone(&calls) as Arc<dyn Calls>, id: served.call });
        served.hold = Hold::Shared { _handle: Arc::clone(&handle) };
        let messages = Streaming::new::<C>(handle, served.max_recv_message, false);
        let mut request = Request::served(messages, metadata, deadline, calls, served.call, false);
        *request.extensions_mut() = extensions;
        (request, Reply(served))
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
pub struct Reply(pub(super) Served);

impl Reply {
    /// Answers with one message.
    pub async fn one<C: Codec<T>, T>(mut self, result: Result<Response<T>, Status>) {
        let (message, metadata, trailers, encoding) = match result {
            Ok(response) => response.into_parts(),
            Err(status) => return self.fail(&status),
        };
        let encoding = self.0.encoding_now(self.0.encoding_of(encoding));
        let message = match compressed::<C, T>(&message, encoding) {
            Ok(message) => message,
            Err(status) => return self.fail(&status),
        };
        let status = with_trailers(trailers);
        self.end(Ending::Message { metadata: &metadata, message, status: &status });
    }

    /// Answers with many messages.
    pub fn many<C, T, S>(self, result: Result<Response<S>, Status>) -> impl Future<Output = ()>
    where
        C: Codec<T>,
        S: Stream<Item = Result<T, Status>>,
    {
        match self.begin::<C, T, S>(result) {
            Some((messages, replies)) => {
                let Served { calls, call, .. } = &replies.reply.0;
                let forwarding = Forwarding::new(&**calls, *call);
                Answering {
                    messages: Some(messages),
                    sending: Some((replies, forwarding)),
                    codec: PhantomData::<fn() -> C>,
                }
            }
            None => Answering { messages: None, sending: None, codec: PhantomData },
        }
    }

    /// Begins to answer with many messages, and gives back what they come from. `None` if there is only an error; the call
    /// is answered then.
    pub fn begin<C: Codec<T>, T, S>(
        mut self,
        result: Result<Response<S>, Status>,
    ) -> Option<(S, Replies<T>)> {
        let (messages, metadata, trailers, encoding) = match result {
            Ok(response) => response.into_parts(),
            Err(status) => {
                self.fail(&status);
                return None;
            }
        };
        self.0.forget_metadata();
        let encoding = self.0.encoding_of(encoding);
        // Initial metadata leaves before the first message is there; where the handler has sent some, this is none.
        let _ = self.0.calls.send_metadata(self.0.call, &metadata);
        Some((messages, Replies { reply: self, gather: gather::<C, T>, encoding, trailers }))
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
    gather: fn(&T, Encoding, &mut BatchBuilder) -> Result<(), Status>,
    encoding: Encoding,
    trailers: Metadata,
}

impl<T> Replies<T> {
    /// Sends a message, once there is room for it.
    ///
    /// # Errors
    ///
    /// CANCELLED when the call has ended; that of a message which cannot be encoded or is too long.
    pub async fn send(&mut self, message: T) -> Result<(), Status> {
        let Served { calls, call, .. } = &self.reply.0;
        let mut batch = BatchBuilder::new(calls.max_send_message(*call));
        (self.gather)(&message, self.reply.0.encoding_now(self.encoding), &mut batch)?;
        send(&**calls, *call, batch.take()).await
    }

    /// Says that no message follows, or why.
    pub fn end(self, result: Result<(), Status>) {
        self.end_with(result.map_or_else(|status| status, |()| Status::OK));
    }

    /// As [`end`](Self::end), with trailing metadata in the status, also when it is OK.
    pub(super) fn end_with(self, mut status: Status) {
        let Self { mut reply, mut trailers, .. } = self;
        if status.is_ok() {
            trailers.merge(status.metadata());
            status = with_trailers(trailers);
        }
        reply.end(Ending::Status(&status));
    }
}

pin_project! {
    /// The messages of an answer on their way. It is written by hand since it is all that an idle stream of answers is: a future
    /// of the compiler's would have room for each of its parts once more, for when they are moved into it.
    struct Answering<C, T, S> {
        #[pin]
        messages: Option<S>,
        sending: Option<(Replies<T>, Forwarding)>,
        codec: PhantomData<fn() -> C>,
    }
}

impl<C: Codec<T>, T, S: Stream<Item = Result<T, Status>>> Future for Answering<C, T, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if let (Some(messages), Some((replies, forwarding))) =
            (this.messages.as_mut().as_pin_mut(), this.sending.as_mut())
        {
            let served = &replies.reply.0;
            let gather = |message: Result<T, Status>, batch: &mut BatchBuilder| {
                gather::<C, T>(&message?, served.encoding_now(replies.encoding), batch)
            };
            // The handler is dropped when its call ends.
            let pending = |_: &mut Context<'_>| Poll::Pending;
            let sent = ready!(forwarding.poll(cx, &*served.calls, served.call, messages, gather, pending));
            this.messages.set(None);
            if let Some((replies, _)) = this.sending.take() {
                replies.end(sent);
            }
        }
        Poll::Ready(())
    }
}

impl Replies<Payload> {
    /// As [`send`](Self::send), compressed only if the message may be.
    pub(super) async fn send_payload(&mut self, message: Payload) -> Result<(), Status> {
        let encoding = self.encoding;
        if !message.may_compress {
            self.encoding = Encoding::Identity;
        }
        let sent = self.send(message).await;
        self.encoding = encoding;
        sent
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
