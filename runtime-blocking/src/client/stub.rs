use std::thread;

use unwired::codec::Codec;
use unwired::{Encoding, Request, Response, Status};

use super::{Answer, Channel, Outgoing, Pending};
use crate::Streaming;
use crate::wait::Wait;

/// What generated clients are made of: a channel, and how calls are made on it.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    inner: unwired::generated::Client,
}

impl Client {
    /// Calls on `channel`.
    pub fn new(channel: Channel) -> Self {
        Self { inner: unwired::generated::Client::new(channel.as_async().clone()), channel }
    }

    /// Compresses the messages of requests.
    #[must_use]
    pub fn send_compressed(self, encoding: Encoding) -> Self {
        Self { inner: self.inner.send_compressed(encoding), ..self }
    }

    /// The longest message that is received, bytes.
    #[must_use]
    pub fn max_decoding_message_size(self, bytes: usize) -> Self {
        Self { inner: self.inner.max_decoding_message_size(bytes), ..self }
    }

    /// The longest message that is sent, bytes.
    #[must_use]
    pub fn max_encoding_message_size(self, bytes: usize) -> Self {
        Self { inner: self.inner.max_encoding_message_size(bytes), ..self }
    }

    fn wait(&self) -> Wait {
        Wait::Drive(self.channel.runtime.clone())
    }

    /// One message there, one back.
    pub fn unary<C, T, U>(&self, path: &'static str, request: Request<T>) -> Result<Response<U>, Status>
    where
        C: Codec<T> + Codec<U>,
    {
        self.channel.runtime.block_on(self.inner.unary::<C, T, U>(path, request))
    }

    /// One message there, one back, without waiting for it.
    pub fn start_unary<C, T, U>(&self, path: &'static str, request: Request<T>) -> Pending<U>
    where
        C: Codec<T> + Codec<U>,
        T: Send + 'static,
        U: Send + 'static,
    {
        let client = self.inner.clone();
        Pending::start(&self.channel.runtime, async move { client.unary::<C, T, U>(path, request).await })
    }

    /// One message there, many back.
    pub fn server_streaming<C, T, U>(
        &self,
        path: &'static str,
        request: Request<T>,
    ) -> Result<Response<Streaming<U>>, Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let started = self.inner.server_streaming::<C, T, U>(path, request);
        let response = self.channel.runtime.block_on(started)?;
        Ok(response.map(|messages| Streaming::new(messages, self.wait())))
    }

    /// Many messages there, one back.
    pub fn client_streaming<C, I, U>(
        &self,
        path: &'static str,
        request: Request<I>,
    ) -> Result<Response<U>, Status>
    where
        C: Codec<I::Item> + Codec<U>,
        I: Iterator,
    {
        let (messages, request) = apart(request);
        let (mut outgoing, answer) = self.client_streaming_halves::<C, I::Item, U>(path, request)?;
        send_all(&mut outgoing, messages)?;
        outgoing.finish();
        answer.response()
    }

    /// Many messages there, one back, without waiting for any of it: the messages are sent by a thread that ends with them.
    pub fn start_client_streaming<C, I, U>(&self, path: &'static str, request: Request<I>) -> Pending<U>
    where
        C: Codec<I::Item> + Codec<U>,
        I: Iterator<Item: Send> + Send + 'static,
        U: Send + 'static,
    {
        let (messages, request) = apart(request);
        let (client, wait) = (self.inner.clone(), self.wait());
        Pending::start(&self.channel.runtime, async move {
            let started = client.client_streaming_halves::<C, I::Item, U>(path, request);
            let (outgoing, answer) = started.await?;
            send_aside(Outgoing::new(outgoing, wait), messages)?;
            answer.response().await
        })
    }

    /// Many messages there, as they come up, one back.
    pub fn client_streaming_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
    ) -> Result<(Outgoing<T>, Answer<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let started = self.inner.client_streaming_halves::<C, T, U>(path, request);
        let (outgoing, answer) = self.channel.runtime.block_on(started)?;
        Ok((Outgoing::new(outgoing, self.wait()), Answer::new(answer, self.wait())))
    }

    /// Many messages there, many back: the messages are sent by a thread that ends with them, or with the call.
    pub fn streaming<C, I, U>(
        &self,
        path: &'static str,
        request: Request<I>,
    ) -> Result<Response<Streaming<U>>, Status>
    where
        C: Codec<I::Item> + Codec<U>,
        I: Iterator<Item: Send> + Send + 'static,
    {
        let (messages, request) = apart(request);
        let (outgoing, incoming) = self.streaming_halves::<C, I::Item, U>(path, request)?;
        send_aside(outgoing, messages)?;
        Ok(Response::new(incoming))
    }

    /// Many messages there, as they come up, many back.
    pub fn streaming_halves<C, T, U>(
        &self,
        path: &'static str,
        request: Request<()>,
    ) -> Result<(Outgoing<T>, Streaming<U>), Status>
    where
        C: Codec<T> + Codec<U>,
    {
        let started = self.inner.streaming_halves::<C, T, U>(path, request);
        let (outgoing, incoming) = self.channel.runtime.block_on(started)?;
        Ok((Outgoing::new(outgoing, self.wait()), Streaming::new(incoming, self.wait())))
    }
}

/// The messages of a request, and the rest of it.
fn apart<I>(request: Request<I>) -> (Option<I>, Request<()>) {
    let mut messages = None;
    let rest = request.map(|given| messages = Some(given));
    (messages, rest)
}

/// Sends messages as long as the call goes on.
///
/// # Errors
///
/// That of a message that cannot be sent. That the call has ended is none: its answer says why.
fn send_all<I: Iterator>(outgoing: &mut Outgoing<I::Item>, messages: Option<I>) -> Result<(), Status> {
    for message in messages.into_iter().flatten() {
        if let Err(status) = outgoing.send(message) {
            return if outgoing.has_ended() { Ok(()) } else { Err(status) };
        }
    }
    Ok(())
}

/// As [`send_all`], in a thread of its own.
fn send_aside<I>(mut outgoing: Outgoing<I::Item>, messages: Option<I>) -> Result<(), Status>
where
    I: Iterator<Item: Send> + Send + 'static,
{
    let sending = thread::Builder::new().name("unwired-requests".to_owned()).spawn(move || {
        if let Err(status) = send_all(&mut outgoing, messages) {
            outgoing.fail(status);
        }
    });
    sending.map(drop).map_err(|error| {
        Status::resource_exhausted(format!("the system has no thread to send the messages: {error}"))
            .caused_by(error)
    })
}
