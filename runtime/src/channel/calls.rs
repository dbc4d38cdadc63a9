use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use std::sync::Arc;

use futures_core::Stream;
use unwired_core::Instant;
use unwired_core::grpc::client::NewCall;
use unwired_core::grpc::{CallId, CallLimits, Cardinality, Encoding, Message, SendMessageError};

use super::Channel;
use super::starting::start;
use crate::call::{Answer, CallHandle, Calls, Cancellation, Outgoing, Turn, compressed, send};
use crate::codec::Codec;
use crate::{Request, Response, Status, Streaming};

/// What generated clients are made of: a channel, and how calls are made on it.
///
/// Dropping the future of a call gives the call up; the server is told if it has heard of it. No future waits for the
/// server before its messages may be sent.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    encoding: Encoding,
    limits: CallLimits,
}

/// A call that has been started.
struct Started {
    handle: Arc<CallHandle>,
    encoding: Encoding,
}

impl Client {
    /// Calls on `channel`.
    pub fn new(channel: Channel) -> Self {
        Self { channel, encoding: Encoding::Identity, limits: CallLimits::default() }
    }

    /// Compresses the messages of requests.
    #[must_use]
    pub const fn send_compressed(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// The longest message that is received, bytes.
    #[must_use]
    pub const fn max_decoding_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_recv_message = Some(bytes);
        self
    }

    /// The longest message that is sent, bytes.
    #[must_use]
    pub const fn max_encoding_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_send_message = Some(bytes);
        self
    }

    fn max_recv_message(&self) -> usize {
        let connection = self.channel.shared.config.max_recv_message;
        self.limits.max_recv_message.unwrap_or(connection)
    }

    /// One message there, one back.
    pub async fn unary<C, T, U>(&self, path: &'static str, request: Request<T>) -> Result<Response<U>, Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let (message, request) = request.into_parts();
        let deadline = self.deadline(&request);
        let mut is_retry = false;
        loop {
            let payload = compressed::<C, T>(&message, request.encoding.unwrap_or(self.encoding))?;
            let started = self.start(path, &request, deadline, Cardinality::One, Some(payload)).await?;
            let answer = Answer::new(self.streaming_of::<C, U>(&started)).response().await;
            // RFC 9113 §8.7: what the server has not acted on can be sent again. Once: a server that refuses everything
            // shall not be asked for ever.
            let unprocessed = answer.is_err() && started.handle.calls.is_unprocessed(started.handle.id);
            if is_retry || !unprocessed {
                return answer;
            }
            is_retry = true;
        }
    }

    /// One message there, many back.
    pub async fn server_streaming<C, T, U>(
        &self,
        path: &'static str,
        request: Request<T>,
    ) -> Result<Response<Streaming<U>>, Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let (message, request) = request.into_parts();
        let message = compressed::<C, T>(&message, request.encoding.unwrap_or(self.encoding))?;
        let deadline = self.deadline(&request);
        let started = self.start(path, &request, deadline, Cardinality::Many, Some(message)).await?;
        Ok(Response::new(self.streaming_of::<C, U>(&started)))
    }

    /// Many messages there, one back.
    pub async fn client_streaming<C, S, U>(
        &self,
        path: &'static str,
        request: Request<S>,
    ) -> Result<Response<U>, Status>
    where
        C: Codec<S::Item> + Codec<U>,
        S: Stream<Item: Send> + Send + 'static,
    {
        let (messages, request) = request.into_parts();
        let started = self.start(path, &request, self.deadline(&request), Cardinality::One, None).await?;
        self.pump::<C, S>(&started, messages);
        Answer::new(self.streaming_of::<C, U>(&started)).response().await
    }

    /// Many messages there, as they come up, one back.
    pub async fn client_streaming_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
    ) -> Result<(Outgoing<T>, Answer<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let started = self.start(path, &request, self.deadline(&request), Cardinality::One, None).await?;
        let answer = Answer::new(self.streaming_of::<C, U>(&started));
        Ok((outgoing::<C, T>(started), answer))
    }

    /// Many messages there, many back.
    pub async fn streaming<C, S, U>(
        &self,
        path: &'static str,
        request: Request<S>,
    ) -> Result<Response<Streaming<U>>, Status>
    where
        C: Codec<S::Item> + Codec<U>,
        S: Stream<Item: Send> + Send + 'static,
    {
        let (messages, request) = request.into_parts();
        let started = self.start(path, &request, self.deadline(&request), Cardinality::Many, None).await?;
        self.pump::<C, S>(&started, messages);
        Ok(Response::new(self.streaming_of::<C, U>(&started)))
    }

    /// Many messages there, as they come up, many back.
    pub async fn streaming_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
    ) -> Result<(Outgoing<T>, Streaming<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let started = self.start(path, &request, self.deadline(&request), Cardinality::Many, None).await?;
        let messages = self.streaming_of::<C, U>(&started);
        Ok((outgoing::<C, T>(started), messages))
    }

    fn streaming_of<C: Codec<U>, U>(&self, started: &Started) -> Streaming<U> {
        Streaming::new::<C>(Arc::clone(&started.handle), self.max_recv_message(), true)
    }

    /// When a call that is made now must have ended.
    fn deadline(&self, request: &Request<()>) -> Option<Instant> {
        let channel = &self.channel.shared;
        let mut time = request.time;
        time.timeout = [time.timeout, channel.options.timeout].into_iter().flatten().min();
        time.deadline(channel.runtime.now())
    }

    /// Starts a call, with its one message if it has one.
    async fn start(
        &self,
        path: &'static str,
        request: &Request<()>,
        deadline: Option<Instant>,
        response: Cardinality,
        message: Option<Message>,
    ) -> Result<Started, Status> {
        let channel = &self.channel.shared;
        let encoding = request.encoding.unwrap_or(self.encoding);
        let call = NewCall {
            scheme: channel.options.scheme,
            authority: &channel.options.authority,
            path,
            user_agent: &channel.options.user_agent,
            metadata: request.metadata(),
            deadline,
            response,
            encoding,
            limits: self.limits,
        };
        let mut message = message;
        let started = start(channel, &call, request.waits_for_ready.unwrap_or(false), |conn, call| {
            match message.take() {
                // A call that has just begun has room for one message.
                Some(message) => conn.send_message(call, message).and_then(|()| conn.half_close(call)),
                None => Ok(()),
            }
        });
        let started = unless_cancelled(request.parent.clone(), started);
        let Ok(started) = channel.runtime.timeout_at(deadline, started).await else {
            let target = &channel.target;
            return Err(Status::deadline_exceeded(format!(
                "the deadline passed while the call waited for a connection to {target}"
            )));
        };
        let (link, call, sent) = started?;
        let handle = Arc::new(CallHandle { calls: link, id: call });
        if let Err(SendMessageError::TooLong(status)) = sent {
            return Err(status);
        }
        if let Some(parent) = request.parent.clone() {
            self.channel.runtime().spawn(cancel_with(parent, Arc::clone(&handle.calls), call));
        }
        Ok(Started { handle, encoding })
    }

    /// Sends the messages of a stream, in a task of its own, as long as the call goes on.
    fn pump<C, S>(&self, started: &Started, messages: S)
    where
        C: Codec<S::Item>,
        S: Stream<Item: Send> + Send + 'static,
    {
        let (calls, call, encoding) =
            (Arc::clone(&started.handle.calls), started.handle.id, started.encoding);
        // The task does not hold the call: it ends when whoever reads the response lets go.
        self.channel.runtime().spawn(async move {
            let mut messages = pin!(messages);
            let mut turn = Turn::default();
            let mut next = async || {
                poll_fn(|cx| match calls.poll_ended(call, cx.waker()) {
                    Poll::Ready(()) => Poll::Ready(None),
                    Poll::Pending => messages.as_mut().poll_next(cx),
                })
                .await
            };
            while let Some(message) = next().await {
                let sent = match compressed::<C, S::Item>(&message, encoding) {
                    Ok(message) => send(&*calls, call, message).await,
                    Err(status) => Err(status),
                };
                if let Err(status) = sent {
                    // If it has not ended by itself.
                    return calls.fail(call, status);
                }
                turn.pass().await;
            }
            calls.half_close(call);
        });
    }
}

fn outgoing<C: Codec<T>, T>(started: Started) -> Outgoing<T> {
    Outgoing::new(started.handle, compressed::<C, T>, started.encoding)
}

/// Waits for `future`, unless the call that it is done for ends first.
async fn unless_cancelled<R>(
    parent: Option<Cancellation>,
    future: impl Future<Output = Result<R, Status>>,
) -> Result<R, Status> {
    let (mut parent, mut future) = (pin!(parent), pin!(future));
    poll_fn(|cx| {
        if let Poll::Ready(result) = future.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        match parent.as_mut().as_pin_mut().map(|parent| parent.poll(cx)) {
            Some(Poll::Ready(())) => {
                Poll::Ready(Err(Status::cancelled("the call that this one was made for has ended")))
            }
            Some(Poll::Pending) | None => Poll::Pending,
        }
    })
    .await
}

/// Cancels `call` when `parent` has ended, if it goes on so long.
async fn cancel_with(parent: Cancellation, calls: Arc<dyn Calls>, call: CallId) {
    let mut parent = pin!(parent);
    poll_fn(|cx| match (calls.poll_ended(call, cx.waker()), parent.as_mut().poll(cx)) {
        (Poll::Pending, Poll::Pending) => Poll::Pending,
        (Poll::Pending, Poll::Ready(())) => {
            calls.cancel(call);
            Poll::Ready(())
        }
        (Poll::Ready(()), _) => Poll::Ready(()),
    })
    .await;
}
