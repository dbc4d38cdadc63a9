use core::future::poll_fn;
use core::pin::pin;
use core::task::Context;
use std::sync::Arc;

use futures_core::Stream;
use unwired_core::Instant;
use unwired_core::grpc::{BatchBuilder, CallLimits, Cardinality, Encoding};

use super::policy::{Retries, Verdict};
use super::service_config::Attempts;
use super::setup::{Setup, unless_cancelled};
use super::{Channel, Credentials};
use crate::call::{Answer, CallHandle, Forwarding, Outgoing, compressed, gather};
use crate::codec::Codec;
use crate::{Request, Response, Status, Streaming};

/// What generated clients are made of: a channel, and how calls are made on it.
///
/// Dropping the future of a call gives the call up; the server is told if it has heard of it. No future waits for the
/// server before its messages may be sent.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) channel: Channel,
    pub(super) encoding: Encoding,
    pub(super) limits: CallLimits,
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

    /// The longest message that is received, bytes; without it the channel's limit holds.
    #[must_use]
    pub const fn max_decoding_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_recv_message = Some(bytes);
        self
    }

    /// The longest message that is sent, bytes; without it the channel's limit holds.
    #[must_use]
    pub const fn max_encoding_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_send_message = Some(bytes);
        self
    }

    /// One message there, one back. `path` is `/package.Service/Method`, here as below.
    ///
    /// # Errors
    ///
    /// The status of the call, if it is not OK; that of the message, if it cannot be encoded.
    pub async fn unary<C, T, U>(&self, path: &'static str, request: Request<T>) -> Result<Response<U>, Status>
    where
        C: Codec<T> + Codec<U>,
    {
        if self.is_intercepted(&request) {
            return Box::pin(self.intercepted_unary::<C, T, U>(path, request)).await;
        }
        let (message, request) = request.into_parts();
        let setup = self.setup(path, &request, Cardinality::One).await?;
        let throttle = setup.throttle.as_deref();
        let policy = match setup.attempts() {
            Some(Attempts::Hedge(policy)) => {
                let message = compressed::<C, T>(&message, setup.encoding)?;
                let call = setup.start_hedged(policy, message).await?;
                return Answer::new(self.streaming_of::<C, U>(call, &setup)).response().await;
            }
            Some(Attempts::Retry(policy)) => Some(policy),
            Some(Attempts::One) | None => None,
        };
        let mut retries: Option<Retries> = None;
        loop {
            let payload = compressed::<C, T>(&message, setup.encoding)?;
            let previous = retries.as_ref().map_or(0, Retries::previous);
            let (status, unprocessed) = match setup.start(previous, Some(payload)).await {
                Ok(call) => {
                    let answer = Answer::new(self.streaming_of::<C, U>(Arc::clone(&call), &setup));
                    match answer.response().await {
                        Ok(response) => {
                            if let Some(throttle) = throttle {
                                throttle.on_success();
                            }
                            return Ok(response);
                        }
                        Err(status) if call.calls.has_answered(call.id) => return Err(status),
                        Err(status) => (status, call.calls.is_unprocessed(call.id)),
                    }
                }
                Err(status) => (status, false),
            };
            let retries = retries.get_or_insert_with(|| Retries::new(setup.channel.runtime.seed()));
            match retries.on_failure(policy, throttle, &status, unprocessed) {
                Verdict::GiveUp => return Err(status),
                Verdict::Again(pause) => setup.pause(pause, status).await?,
            }
        }
    }

    /// One message there, many back.
    ///
    /// # Errors
    ///
    /// The status of a call that could not be made, or of a message that cannot be encoded. How a call ends that was made, the
    /// [`Streaming`] says.
    pub async fn server_streaming<C, T, U>(
        &self,
        path: &'static str,
        request: Request<T>,
    ) -> Result<Response<Streaming<U>>, Status>
    where
        C: Codec<T> + Codec<U>,
    {
        if self.is_intercepted(&request) {
            return Box::pin(self.intercepted_server_streaming::<C, T, U>(path, request)).await;
        }
        let (message, request) = request.into_parts();
        let setup = self.setup(path, &request, Cardinality::Many).await?;
        let message = compressed::<C, T>(&message, setup.encoding)?;
        let call = match setup.attempts() {
            Some(Attempts::Hedge(policy)) => setup.start_hedged(policy, message).await?,
            _ => setup.start_resendable(Some(message)).await?,
        };
        Ok(Response::new(self.streaming_of::<C, U>(call, &setup)))
    }

    /// Many messages there, one back.
    ///
    /// # Errors
    ///
    /// The status of the call, if it is not OK. A message that cannot be encoded ends the call with its own.
    pub async fn client_streaming<C, S, U>(
        &self,
        path: &'static str,
        request: Request<S>,
    ) -> Result<Response<U>, Status>
    where
        C: Codec<S::Item> + Codec<U>,
        S: Stream<Item: Send> + Send + 'static,
    {
        if self.is_intercepted(&request) {
            return Box::pin(self.intercepted_client_streaming::<C, S, U>(path, request)).await;
        }
        let (messages, request) = request.into_parts();
        let setup = self.setup(path, &request, Cardinality::One).await?;
        let call = setup.start_stream().await?;
        self.pump::<C, S>(&call, setup.encoding, messages);
        Answer::new(self.streaming_of::<C, U>(call, &setup)).response().await
    }

    /// Many messages there, as they come up, one back.
    ///
    /// # Errors
    ///
    /// The status of a call that could not be made. How a call ends that was made, the [`Answer`] says.
    pub async fn client_streaming_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
    ) -> Result<(Outgoing<T>, Answer<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        if self.is_intercepted(&request) {
            return Box::pin(self.intercepted_client_streaming_halves::<C, T, U>(path, request)).await;
        }
        let setup = self.setup(path, &request, Cardinality::One).await?;
        let call = setup.start_stream().await?;
        let answer = Answer::new(self.streaming_of::<C, U>(Arc::clone(&call), &setup));
        Ok((Outgoing::new(call, gather::<C, T>, setup.encoding), answer))
    }

    /// Many messages there, many back. A message that cannot be encoded ends the call with its status.
    ///
    /// # Errors
    ///
    /// The status of a call that could not be made. How a call ends that was made, the [`Streaming`] says.
    pub async fn streaming<C, S, U>(
        &self,
        path: &'static str,
        request: Request<S>,
    ) -> Result<Response<Streaming<U>>, Status>
    where
        C: Codec<S::Item> + Codec<U>,
        S: Stream<Item: Send> + Send + 'static,
    {
        if self.is_intercepted(&request) {
            return Box::pin(self.intercepted_streaming::<C, S, U>(path, request)).await;
        }
        let (messages, request) = request.into_parts();
        let setup = self.setup(path, &request, Cardinality::Many).await?;
        let call = setup.start_stream().await?;
        self.pump::<C, S>(&call, setup.encoding, messages);
        Ok(Response::new(self.streaming_of::<C, U>(call, &setup)))
    }

    /// Many messages there, as they come up, many back.
    ///
    /// # Errors
    ///
    /// As [`streaming`](Self::streaming).
    pub async fn streaming_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
    ) -> Result<(Outgoing<T>, Streaming<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        if self.is_intercepted(&request) {
            return Box::pin(self.intercepted_streaming_halves::<C, T, U>(path, request)).await;
        }
        let setup = self.setup(path, &request, Cardinality::Many).await?;
        let call = setup.start_stream().await?;
        let messages = self.streaming_of::<C, U>(Arc::clone(&call), &setup);
        Ok((Outgoing::new(call, gather::<C, T>, setup.encoding), messages))
    }

    fn streaming_of<C: Codec<U>, U>(&self, call: Arc<CallHandle>, setup: &Setup<'_>) -> Streaming<U> {
        let connection = setup.channel.config.max_recv_message;
        Streaming::new::<C>(call, setup.limits.max_recv_message.unwrap_or(connection), true)
    }

    fn is_intercepted<T>(&self, request: &Request<T>) -> bool {
        let Channel { interceptors, credentials, .. } = &self.channel;
        !interceptors.is_empty()
            || !credentials.is_empty()
            || request.extensions().get::<Credentials>().is_some()
    }

    /// What a call is made with: as it asks for, as this client does, as the channel's service config says. Waits until that
    /// is known, where the resolver may have one.
    ///
    /// # Errors
    ///
    /// DEADLINE_EXCEEDED when there is no time for that, and CANCELLED when nobody waits for it.
    async fn setup<'a>(
        &'a self,
        path: &'static str,
        request: &'a Request<()>,
        response: Cardinality,
    ) -> Result<Setup<'a>, Status> {
        let channel = &self.channel.shared;
        let begun = channel.runtime.now();
        if channel.plans.is_awaited() {
            Box::pin(self.planned(request, begun)).await?;
        }
        Ok(self.setup_at(path, request, response, begun))
    }

    /// Waits for what the resolver says first.
    async fn planned(&self, request: &Request<()>, begun: Instant) -> Result<(), Status> {
        let channel = &self.channel.shared;
        // What the program's service config says of time may not be what holds.
        let mut time = request.time;
        time.timeout = [time.timeout, channel.options.timeout].into_iter().flatten().min();
        let deadline = time.deadline(begun);
        let known = poll_fn(|cx| channel.poll_planned(channel.runtime.now(), cx.waker()).map(Ok));
        let known = unless_cancelled(request.parent.clone(), known);
        let Ok(known) = channel.runtime.timeout_at(deadline, known).await else {
            channel.tally.on_unsent();
            return Err(Status::deadline_exceeded(format!(
                "the deadline passed while {} was looked up",
                channel.target
            )));
        };
        known
    }

    /// What a call that is made at `begun` is made with, as far as that is known.
    pub(super) fn setup_at<'a>(
        &'a self,
        path: &'static str,
        request: &'a Request<()>,
        response: Cardinality,
        begun: Instant,
    ) -> Setup<'a> {
        let channel = &self.channel.shared;
        let (method, throttle) = channel.plans.read(|plan| {
            let method = plan.config.as_ref().and_then(|config| config.at(path));
            (method.cloned(), plan.throttle.clone())
        });
        let mut time = request.time;
        let of_method = method.as_ref().and_then(|method| method.timeout);
        time.timeout = [time.timeout, channel.options.timeout, of_method].into_iter().flatten().min();
        let mut limits = self.limits;
        if let Some(method) = &method {
            let least = |one: Option<usize>, other: Option<usize>| [one, other].into_iter().flatten().min();
            limits.max_recv_message = least(limits.max_recv_message, method.max_response);
            limits.max_send_message = least(limits.max_send_message, method.max_request);
        }
        let waits_for_ready = request.waits_for_ready.or_else(|| method.as_ref()?.waits_for_ready);
        Setup {
            channel,
            path,
            metadata: request.metadata(),
            deadline: time.deadline(begun),
            response,
            encoding: request.encoding.unwrap_or(self.encoding),
            limits,
            waits_for_ready: waits_for_ready.unwrap_or(false),
            parent: request.parent.as_ref(),
            method,
            throttle,
        }
    }

    /// Sends the messages of a stream, in a task of its own, as long as the call goes on.
    fn pump<C, S>(&self, call: &CallHandle, encoding: Encoding, messages: S)
    where
        C: Codec<S::Item>,
        S: Stream<Item: Send> + Send + 'static,
    {
        let (calls, call) = (Arc::clone(&call.calls), call.id);
        // The task does not hold the call: it ends when whoever reads the response lets go.
        self.channel.runtime().spawn(async move {
            let gather = |message, batch: &mut BatchBuilder| gather::<C, S::Item>(&message, encoding, batch);
            let ended = |cx: &mut Context<'_>| calls.poll_ended(call, cx.waker());
            let (mut forwarding, mut messages) = (Forwarding::new(&*calls, call), pin!(messages));
            let sent =
                poll_fn(|cx| forwarding.poll(cx, &*calls, call, messages.as_mut(), gather, ended)).await;
            if let Err(status) = sent {
                // If it has not ended by itself.
                return calls.fail(call, status);
            }
            calls.half_close(call);
        });
    }
}
