use core::future::poll_fn;
use core::marker::PhantomData;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::sync::Arc;

use futures_core::Stream;
use unwired_core::grpc::{BatchBuilder, CallId, Cardinality};

use super::calls::Client;
use super::near_end::{NearEnd, Promise};
use super::setup::unless_cancelled;
use super::{Channel, Credentials};
use crate::call::{Answer, CallHandle, Outgoing, Time};
use crate::codec::Codec;
use crate::intercept::{
    CallInfo, Encoded, Interceptors, Last, Messages, Outlet, Part, Payload, Pipe, Side, Source,
};
use crate::transport::{BoxFuture, RuntimeHandle};
use crate::{Encoding, Metadata, Request, Response, Status, Streaming};

impl Client {
    /// As [`unary`](Self::unary), through the interceptors.
    pub(super) async fn intercepted_unary<C, T, U>(
        &self,
        path: &'static str,
        request: Request<T>,
    ) -> Result<Response<U>, Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let (message, request) = request.into_parts();
        let request = request.with_message(Messages::one(Payload::encode::<C, T>(&message)?));
        let response = self.intercept(path, request, Cardinality::One, Cardinality::One).await?;
        one::<C, U>(response).await
    }

    /// As [`server_streaming`](Self::server_streaming), through the interceptors.
    pub(super) async fn intercepted_server_streaming<C, T, U>(
        &self,
        path: &'static str,
        request: Request<T>,
    ) -> Result<Response<Streaming<U>>, Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let (message, request) = request.into_parts();
        let request = request.with_message(Messages::one(Payload::encode::<C, T>(&message)?));
        let response = self.intercept(path, request, Cardinality::One, Cardinality::Many).await?;
        Ok(many::<C, U>(response))
    }

    /// As [`client_streaming`](Self::client_streaming), through the interceptors.
    pub(super) async fn intercepted_client_streaming<C, S, U>(
        &self,
        path: &'static str,
        request: Request<S>,
    ) -> Result<Response<U>, Status>
    where
        C: Codec<S::Item> + Codec<U>,
        S: Stream<Item: Send> + Send + 'static,
    {
        let request = request.map(Encode::<C, S>::messages);
        let response = self.intercept(path, request, Cardinality::Many, Cardinality::One).await?;
        one::<C, U>(response).await
    }

    /// As [`streaming`](Self::streaming), through the interceptors.
    pub(super) async fn intercepted_streaming<C, S, U>(
        &self,
        path: &'static str,
        request: Request<S>,
    ) -> Result<Response<Streaming<U>>, Status>
    where
        C: Codec<S::Item> + Codec<U>,
        S: Stream<Item: Send> + Send + 'static,
    {
        let request = request.map(Encode::<C, S>::messages);
        let response = self.intercept(path, request, Cardinality::Many, Cardinality::Many).await?;
        Ok(many::<C, U>(response))
    }

    /// As [`client_streaming_halves`](Self::client_streaming_halves), through the interceptors.
    pub(super) async fn intercepted_client_streaming_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
    ) -> Result<(Outgoing<T>, Answer<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let halves = self.intercepted_halves::<C, T, U>(path, request, Cardinality::One).await;
        halves.map(|(outgoing, messages)| (outgoing, Answer::new(messages)))
    }

    /// As [`streaming_halves`](Self::streaming_halves), through the interceptors.
    pub(super) async fn intercepted_streaming_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
    ) -> Result<(Outgoing<T>, Streaming<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        self.intercepted_halves::<C, T, U>(path, request, Cardinality::Many).await
    }

    /// A call whose messages the application may send before interceptors have come to an end with its beginning: they run
    /// in a task of their own.
    async fn intercepted_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
        response: Cardinality,
    ) -> Result<(Outgoing<T>, Streaming<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let pipe = Arc::<Pipe>::default();
        let encoding = request.encoding.unwrap_or(self.encoding);
        let request = request.with_message(Messages::new(Outlet(Arc::clone(&pipe))));
        let (promise, later) = Promise::new();
        let client = self.clone();
        self.channel.runtime().spawn(async move {
            let answer = {
                let mut chain = pin!(client.intercept(path, request, Cardinality::Many, response));
                poll_fn(|cx| {
                    // Whoever does not wait for the response any more has given the call up.
                    if promise.poll_abandoned(cx.waker()).is_ready() {
                        return Poll::Ready(None);
                    }
                    chain.as_mut().poll(cx).map(Some)
                })
                .await
            };
            if let Some(answer) = answer {
                promise.keep(answer.map(|response| whole(response).into_inner()));
            }
        });
        // The call has begun, as without interceptors, or one of them waits for what the application sends.
        poll_fn(|cx| match later.poll_kept(cx.waker()) {
            Poll::Pending => pipe.poll_read(cx.waker()).map(Ok),
            kept => kept,
        })
        .await?;
        let handle = near_end(Some(pipe), Messages::new(later));
        let messages = Streaming::new::<C>(Arc::clone(&handle), usize::MAX, true);
        Ok((Outgoing::new(handle, marked::<C, T>, encoding), messages))
    }

    /// Makes a call through the interceptors.
    async fn intercept(
        &self,
        path: &'static str,
        request: Request<Messages>,
        request_kind: Cardinality,
        response_kind: Cardinality,
    ) -> Result<Response<Messages>, Status> {
        let Channel { shared, interceptors, credentials } = &self.channel;
        let runtime = &shared.runtime;
        let (messages, mut request) = request.into_parts();
        // The time runs from here: what interceptors wait for is part of the call.
        let deadline = self.setup_at(path, &request, response_kind, runtime.now()).deadline;
        request.time = Time { timeout: None, deadline };
        let parent = request.parent.clone();
        let call =
            CallInfo { side: Side::Client, path, request: request_kind, response: response_kind, runtime };
        let channel = Channel {
            shared: Arc::clone(shared),
            interceptors: Interceptors::default(),
            credentials: Credentials::default(),
        };
        let client = Self { channel, ..self.clone() };
        let server = ToServer { client, credentials, path, request_kind, response_kind };
        let chain = interceptors.begin(&call, &server).run(request.with_message(messages));
        let answered = runtime.timeout_at(deadline, unless_cancelled(parent, chain)).await;
        answered.unwrap_or_else(|_| {
            Err(Status::deadline_exceeded("the deadline passed while the call was with its interceptors"))
        })
    }
}

/// What is behind the last interceptor.
struct ToServer<'a> {
    /// Without interceptors.
    client: Client,
    /// Of the channel.
    credentials: &'a Credentials,
    path: &'static str,
    request_kind: Cardinality,
    response_kind: Cardinality,
}

impl Last for ToServer<'_> {
    fn run(&self, request: Request<Messages>) -> BoxFuture<'_, Result<Response<Messages>, Status>> {
        Box::pin(self.call(request))
    }
}

impl ToServer<'_> {
    async fn call(&self, request: Request<Messages>) -> Result<Response<Messages>, Status> {
        let Self { client, credentials, path, request_kind, response_kind } = self;
        let (messages, mut request) = request.into_parts();
        let shared = &client.channel.shared;
        credentials.add_to(&mut request, shared, path).await?;
        if let Some(credentials) = request.extensions_mut().remove::<Credentials>() {
            credentials.add_to(&mut request, shared, path).await?;
        }
        match (request_kind, response_kind) {
            (Cardinality::One, Cardinality::One) => {
                let request = with_one(request, messages).await?;
                let response = client.unary::<Encoded, _, _>(path, request).await?;
                Ok(response.map(|message: Payload| Messages::one(message)))
            }
            (Cardinality::One, Cardinality::Many) => {
                let request = with_one(request, messages).await?;
                let response = client.server_streaming::<Encoded, _, _>(path, request).await?;
                Ok(response.map(|messages: Streaming<Payload>| Messages::new(messages)))
            }
            (Cardinality::Many, Cardinality::One) => {
                let (outgoing, answer) =
                    client.client_streaming_halves::<Encoded, _, Payload>(path, request).await?;
                pump(client.channel.runtime(), outgoing, messages);
                Ok(answer.response().await?.map(Messages::one))
            }
            (Cardinality::Many, Cardinality::Many) => {
                let (outgoing, answers) =
                    client.streaming_halves::<Encoded, _, Payload>(path, request).await?;
                pump(client.channel.runtime(), outgoing, messages);
                Ok(Response::new(Messages::new(answers)))
            }
        }
    }
}

/// A request of the one message that interceptors have left.
async fn with_one(mut request: Request<()>, mut messages: Messages) -> Result<Request<Payload>, Status> {
    let message = messages.message().await?;
    let message = message.ok_or_else(|| {
        Status::internal("an interceptor has taken the one message of the request, and put none in its place")
    })?;
    if !message.may_compress {
        request.disable_compression();
    }
    Ok(request.with_message(message))
}

/// Sends what interceptors have made of the messages of a request, in a task of its own, as long as the call goes on.
fn pump(runtime: &RuntimeHandle, mut outgoing: Outgoing<Payload>, mut messages: Messages) {
    runtime.spawn(async move {
        loop {
            let next = poll_fn(|cx| match outgoing.poll_ended(cx.waker()) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => messages.poll_part(cx).map(Some),
            });
            let sent = match next.await {
                None => return,
                Some(Part::Message(message)) if message.may_compress => outgoing.send(message).await,
                Some(Part::Message(message)) => outgoing.send_uncompressed(message).await,
                Some(Part::End(status)) if status.is_ok() => return outgoing.close(),
                Some(Part::End(status)) => Err(status),
            };
            if let Err(status) = sent {
                return outgoing.fail(status);
            }
        }
    });
}

/// A response with all that interceptors have added where the application looks for it: behind the messages.
fn whole(response: Response<Messages>) -> Response<Messages> {
    let (metadata, trailers) = (response.metadata().clone(), response.trailers().clone());
    response.map(|mut messages| {
        if !metadata.is_empty() {
            messages = messages.map_metadata(|sent| {
                let mut all = metadata;
                all.merge(sent);
                *sent = all;
            });
        }
        if !trailers.is_empty() {
            messages = messages.map_end(|mut status| {
                if status.is_ok() {
                    status = with_trailers(trailers, &status);
                }
                status
            });
        }
        messages
    })
}

/// OK, with `trailers` before those that it has.
fn with_trailers(mut trailers: Metadata, status: &Status) -> Status {
    trailers.merge(status.metadata());
    Status::with_metadata(crate::Code::Ok, "", trailers)
}

/// The one message of a response.
async fn one<C: Codec<U>, U>(mut response: Response<Messages>) -> Result<Response<U>, Status> {
    let message = response.get_mut().message().await?;
    let message = message.ok_or_else(|| {
        Status::internal(
            "an interceptor has taken the one message of the response, and put none in its place",
        )
    })?;
    let status = response.get_mut().status().await;
    if !status.is_ok() {
        return Err(status);
    }
    response.trailers_mut().merge(status.metadata());
    let message = C::decode(message.bytes)?;
    Ok(response.map(|_| message))
}

/// The many messages of a response.
fn many<C: Codec<U>, U>(response: Response<Messages>) -> Response<Streaming<U>> {
    whole(response).map(|messages| Streaming::new::<C>(near_end(None, messages), usize::MAX, true))
}

fn near_end(requests: Option<Arc<Pipe>>, responses: Messages) -> Arc<CallHandle> {
    Arc::new(CallHandle { calls: Arc::new(NearEnd::new(requests, responses)), id: CallId::ALONE })
}

/// Encodes a message for interceptors: it is marked as compressed where it may be.
fn marked<C: Codec<T>, T>(message: &T, encoding: Encoding, batch: &mut BatchBuilder) -> Result<(), Status> {
    batch.put(encoding != Encoding::Identity, |out| C::encode(message, out))
}

/// The messages of a stream, encoded as they come.
struct Encode<C, S> {
    messages: Pin<Box<S>>,
    codec: PhantomData<fn() -> C>,
}

impl<C, S> Encode<C, S>
where
    C: Codec<S::Item>,
    S: Stream + Send + 'static,
{
    fn messages(stream: S) -> Messages {
        Messages::new(Self { messages: Box::pin(stream), codec: PhantomData })
    }
}

impl<C, S> Source for Encode<C, S>
where
    C: Codec<S::Item>,
    S: Stream + Send,
{
    fn poll_metadata(&mut self, _: &mut Context<'_>) -> Poll<Metadata> {
        Poll::Ready(Metadata::new())
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        self.messages.as_mut().poll_next(cx).map(|next| {
            let Some(message) = next else { return Part::End(Status::OK) };
            Payload::encode::<C, S::Item>(&message).map_or_else(Part::End, Part::Message)
        })
    }
}
