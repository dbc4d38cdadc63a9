//! The server of the `h2` crate on a pipe in memory, polled by hand, and the same application.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::server::{Builder, Connection, Handshake, SendResponse};
use http::{HeaderMap, Request, Response, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Lines, SECTION, View, is_answered, sorted};

/// More than any input has of anything.
const ANY: usize = 1 << 20;
/// Times that it is polled, at least, after each input: it may have woken itself.
const POLLS: usize = 3;

pub(super) struct Theirs {
    pipe: Pipe,
    state: State,
    streams: Vec<Stream>,
    pub(super) view: View,
}

#[allow(clippy::large_enum_variant, reason = "there is one")]
enum State {
    Handshake(Handshake<Pipe, Bytes>),
    Connection(Connection<Pipe, Bytes>),
    Over,
}

struct Stream {
    id: u32,
    body: RecvStream,
    respond: SendResponse<Bytes>,
    /// Nothing more comes.
    over: bool,
}

impl Theirs {
    pub(super) fn new() -> Self {
        let pipe = Pipe::default();
        let handshake = Builder::new()
            .max_header_list_size(SECTION)
            .max_concurrent_reset_streams(ANY)
            .max_local_error_reset_streams(None)
            .max_pending_accept_reset_streams(ANY)
            .handshake(pipe.clone());
        Self { pipe, state: State::Handshake(handshake), streams: Vec::new(), view: View::default() }
    }

    pub(super) fn input(&mut self, octets: &[u8]) {
        self.pipe.0.lock().expect("one thread").input.extend_from_slice(octets);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..POLLS {
            while self.poll(&mut context) {}
            for stream in &mut self.streams {
                stream.read(&mut context, &mut self.view);
            }
        }
        let written = std::mem::take(&mut self.pipe.0.lock().expect("one thread").output);
        self.view.wire.extend_from_slice(&written);
        self.view.read_wire();
    }

    /// Answers whether there may be more.
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.state {
            State::Handshake(handshake) => match Pin::new(handshake).poll(context) {
                Poll::Pending => return false,
                Poll::Ready(Ok(connection)) => self.state = State::Connection(connection),
                Poll::Ready(Err(error)) => self.end(&error),
            },
            State::Connection(connection) => match connection.poll_accept(context) {
                Poll::Pending => return false,
                Poll::Ready(Some(Ok((request, respond)))) => self.accept(request, respond),
                Poll::Ready(Some(Err(error))) => self.end(&error),
                Poll::Ready(None) => self.state = State::Over,
            },
            State::Over => return false,
        }
        true
    }

    /// Whether it ended the connection, well or not.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn end(&mut self, error: &h2::Error) {
        self.view.dead = Some(error.reason().map_or(0, u32::from));
        self.state = State::Over;
    }

    fn accept(&mut self, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
        let id = respond.stream_id().as_u32();
        let (head, body) = request.into_parts();
        assert_eq!(head.version, Version::HTTP_2);
        let mut all = lines(&head.headers);
        let mut pseudo = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                all.push((name.to_owned(), value.as_bytes().escape_ascii().to_string()));
            }
        };
        pseudo(":method", Some(head.method.as_str()));
        pseudo(":scheme", head.uri.scheme_str());
        pseudo(":authority", head.uri.authority().map(|authority| authority.as_str()));
        pseudo(":path", head.uri.path_and_query().map(|path| path.as_str()));
        self.view.requests.entry(id).or_default().head = sorted(all);
        self.streams.push(Stream { id, body, respond, over: false });
    }
}

impl Stream {
    fn read(&mut self, context: &mut Context<'_>, view: &mut View) {
        if self.over {
            return;
        }
        let request = view.requests.entry(self.id).or_default();
        loop {
            match self.body.poll_data(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(data))) => {
                    request.data += data.len();
                    // It says no more than that the stream is over.
                    let _ = self.body.flow_control().release_capacity(data.len());
                }
                Poll::Ready(Some(Err(_))) => {
                    self.over = true;
                    return;
                }
                Poll::Ready(None) => break,
            }
        }
        match self.body.poll_trailers(context) {
            Poll::Pending => return,
            Poll::Ready(Ok(trailers)) => request.trailers = trailers.as_ref().map(lines),
            Poll::Ready(Err(_)) => {
                self.over = true;
                return;
            }
        }
        (self.over, request.ended) = (true, true);
        if is_answered(self.id) {
            // It may have been reset in the meantime.
            let _ = self.respond.send_response(Response::new(()), true);
        }
    }
}

fn lines(headers: &HeaderMap) -> Lines {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().as_bytes().escape_ascii().to_string(), value.as_bytes().escape_ascii().to_string())
    };
    sorted(headers.iter().map(line).collect())
}

/// Both directions of a pipe in memory.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Directions>>);

#[derive(Default)]
struct Directions {
    input: BytesMut,
    output: Vec<u8>,
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut directions = self.0.lock().expect("one thread");
        if directions.input.is_empty() {
            return Poll::Pending;
        }
        let length = out.remaining().min(directions.input.len());
        out.put_slice(&directions.input.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().expect("one thread").output.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
