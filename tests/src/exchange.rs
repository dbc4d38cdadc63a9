//! Requests and answers on a bare [`Connection`]: what a small client and a small server do with events.

use std::collections::{HashMap, VecDeque};

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use unwired_core::Instant;
use unwired_core::http2::{
    Connection, ConnectionEnd, Event, Fields, OpenError, Reason, SendError, StreamError, StreamKey,
};

use crate::pump::App;

/// Bytes given to the connection at a time.
const PIECE: usize = 32 << 10;

/// What is still to be sent on a stream.
#[derive(Debug, Default)]
struct Outgoing {
    pieces: VecDeque<Bytes>,
    trailers: Option<Fields>,
    /// Nothing more will be queued.
    complete: bool,
    /// The end is sent, or the stream is over.
    done: bool,
}

impl Outgoing {
    fn whole(mut body: Bytes, trailers: Option<Fields>) -> Self {
        let mut pieces = VecDeque::new();
        while !body.is_empty() {
            pieces.push_back(body.split_to(body.len().min(PIECE)));
        }
        Self { pieces, trailers, complete: true, done: false }
    }

    /// Gives the connection what it takes now; the rest waits for `Writable`.
    fn go_on(&mut self, connection: &mut Connection, stream: StreamKey) {
        while let Some(piece) = self.pieces.pop_front() {
            let last = self.complete && self.pieces.is_empty() && self.trailers.is_none();
            match connection.send_data(stream, &[], piece, last) {
                Ok(()) => self.done = last,
                Err(SendError::Full(piece)) => {
                    self.pieces.push_front(piece);
                    return;
                }
                // The stream is over; its last event says why.
                Err(SendError::Use(_)) => {
                    self.done = true;
                    self.pieces.clear();
                }
            }
        }
        if self.complete && !self.done {
            self.done = true;
            let _ = match self.trailers.take() {
                Some(trailers) => connection.send_trailers(stream, trailers).is_ok(),
                None => connection.send_data(stream, &[], Bytes::new(), true).is_ok(),
            };
        }
    }
}

/// How a stream went, as one of its ends saw it.
#[derive(Debug, Default, Clone)]
pub struct Exchange {
    /// Statuses of the interim responses.
    pub informational: Vec<u16>,
    /// The head of the message that came.
    pub head: Fields,
    /// Its content.
    pub body: BytesMut,
    /// What followed the content.
    pub trailers: Option<Fields>,
    /// How the stream was cut off, if it was.
    pub reset: Option<StreamError>,
}

impl Exchange {
    /// The first value of a field of the head, as text.
    pub fn field(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.head.get(name.as_bytes())?).ok()
    }

    /// Takes what came and lets as much again come; answers what it was.
    fn receive(&mut self, connection: &mut Connection, stream: StreamKey) -> Bytes {
        let Some(data) = connection.recv_data(stream) else { return Bytes::new() };
        let data = data.split().freeze();
        connection.grant(stream, data.len());
        self.body.extend_from_slice(&data);
        data
    }
}

/// A request to be made.
#[derive(Debug, Default, Clone)]
pub struct Request {
    /// Pseudo-header and other fields.
    pub head: Fields,
    /// Content, of which an empty one is no DATA at all.
    pub body: Bytes,
    /// What follows the content.
    pub trailers: Option<Fields>,
}

impl Request {
    /// A request for `path` with `body`.
    pub fn new(path: &str, body: impl Into<Bytes>) -> Self {
        let head = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost")];
        Self { head: head.into_iter().collect(), body: body.into(), trailers: None }
    }
}

/// A client that makes each request as soon as a stream is to be had.
#[derive(Debug, Default)]
pub struct Client {
    waiting: VecDeque<(Request, oneshot::Sender<Exchange>)>,
    open: HashMap<StreamKey, (Outgoing, Exchange, oneshot::Sender<Exchange>)>,
    /// The peer is going away, and why.
    pub going_away: Option<Reason>,
    /// How the connection ended.
    pub end: Option<ConnectionEnd>,
}

impl Client {
    /// Queues `request`. What is given back is told how it went; it fails when the request could not be made.
    pub fn request(&mut self, connection: &mut Connection, request: Request) -> oneshot::Receiver<Exchange> {
        let (tell, told) = oneshot::channel();
        self.waiting.push_back((request, tell));
        self.open_waiting(connection);
        told
    }

    /// Gives up all requests that are open: each ends with what it has.
    pub fn cancel_all(&mut self, connection: &mut Connection) {
        for (stream, (_, exchange, tell)) in self.open.drain() {
            connection.reset(stream, Reason::CANCEL);
            connection.release(stream);
            let _ = tell.send(exchange);
        }
    }

    fn open_waiting(&mut self, connection: &mut Connection) {
        while let Some((Request { head, body, trailers }, tell)) = self.waiting.pop_front() {
            let end_stream = body.is_empty() && trailers.is_none();
            match connection.open(head, end_stream) {
                Ok(stream) => {
                    let mut outgoing = Outgoing::whole(body, trailers);
                    outgoing.done = end_stream;
                    outgoing.go_on(connection, stream);
                    self.open.insert(stream, (outgoing, Exchange::default(), tell));
                }
                Err(OpenError::Busy(head)) => {
                    self.waiting.push_front((Request { head, body, trailers }, tell));
                    return;
                }
                // Dropping `tell` says that it failed.
                Err(_) => {}
            }
        }
    }
}

impl App for Client {
    fn on_event(&mut self, connection: &mut Connection, _: Instant, event: Event) {
        match event {
            Event::Headers { stream, .. } => {
                if let Some((_, exchange, _)) = self.open.get_mut(&stream) {
                    exchange.head = connection.take_fields(stream).expect("the event announces fields");
                }
            }
            Event::Informational { stream, status } => {
                if let Some((_, exchange, _)) = self.open.get_mut(&stream) {
                    exchange.informational.push(status);
                }
            }
            Event::Data { stream, .. } => {
                if let Some((_, exchange, _)) = self.open.get_mut(&stream) {
                    exchange.receive(connection, stream);
                }
            }
            Event::Trailers { stream } => {
                if let Some((_, exchange, _)) = self.open.get_mut(&stream) {
                    exchange.trailers = connection.take_fields(stream);
                }
            }
            Event::Writable { stream } => {
                if let Some((outgoing, _, _)) = self.open.get_mut(&stream) {
                    outgoing.go_on(connection, stream);
                }
            }
            Event::Finished { stream } => self.end_stream(connection, stream, None),
            Event::Reset { stream, error } => self.end_stream(connection, stream, Some(error)),
            Event::StreamsAvailable => self.open_waiting(connection),
            Event::GoAway { reason, .. } => self.going_away = Some(reason),
            Event::Closed(end) => {
                self.waiting.clear();
                self.end = Some(end);
            }
            _ => {}
        }
    }
}

impl Client {
    fn end_stream(&mut self, connection: &mut Connection, stream: StreamKey, reset: Option<StreamError>) {
        let Some((_, mut exchange, tell)) = self.open.remove(&stream) else { panic!("a second last event") };
        exchange.receive(connection, stream);
        exchange.reset = reset;
        connection.release(stream);
        let _ = tell.send(exchange);
    }
}

/// A server whose answer depends on the path of the request:
///
/// | path | answer |
/// | --- | --- |
/// | `/echo` | the content as it comes, then the request's trailers, or `x-length` with its length |
/// | `/early` | all of it before the request's content is read |
/// | `/refuse` | a reset with REFUSED_STREAM |
/// | `/hold` | none |
#[derive(Debug)]
pub struct Server {
    open: HashMap<StreamKey, (Outgoing, Exchange)>,
    seen: mpsc::UnboundedSender<Exchange>,
    /// How the connection ended.
    pub end: Option<ConnectionEnd>,
}

impl Server {
    /// A server, and the requests it saw, each when its stream was over.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Exchange>) {
        let (seen, requests) = mpsc::unbounded_channel();
        (Self { open: HashMap::new(), seen, end: None }, requests)
    }

    fn on_request(&mut self, connection: &mut Connection, stream: StreamKey) {
        let head = connection.take_fields(stream).expect("the event announces fields");
        let exchange = Exchange { head, ..Exchange::default() };
        let mut answer: Fields = [(":status", "200")].into_iter().collect();
        for field in exchange.head.iter().filter(|field| field.name.starts_with(b"x-")) {
            answer.push(field.name, field.value);
        }
        let mut outgoing = Outgoing::default();
        match exchange.field(":path") {
            Some("/echo") => connection.send_headers(stream, answer, false).expect("no answer was given yet"),
            Some("/early") => {
                connection.send_headers(stream, answer, false).expect("no answer was given yet");
                outgoing = Outgoing::whole(Bytes::from_static(b"enough"), None);
                outgoing.go_on(connection, stream);
            }
            Some("/refuse") => {
                connection.reset(stream, Reason::REFUSED_STREAM);
                connection.release(stream);
                return;
            }
            Some("/hold") => {}
            path => panic!("no such path: {path:?}"),
        }
        self.open.insert(stream, (outgoing, exchange));
    }

    fn on_data(&mut self, connection: &mut Connection, stream: StreamKey) {
        let Some((outgoing, exchange)) = self.open.get_mut(&stream) else { return };
        let data = exchange.receive(connection, stream);
        if exchange.field(":path") == Some("/echo") && !data.is_empty() {
            outgoing.pieces.push_back(data);
            outgoing.go_on(connection, stream);
        }
    }

    /// The request has ended, and so does an echo.
    fn on_request_end(&mut self, connection: &mut Connection, stream: StreamKey) {
        let Some((outgoing, exchange)) = self.open.get_mut(&stream) else { return };
        if exchange.field(":path") == Some("/echo") {
            let length = || [("x-length", exchange.body.len().to_string())].into_iter().collect();
            outgoing.trailers = Some(exchange.trailers.clone().unwrap_or_else(length));
            outgoing.complete = true;
            outgoing.go_on(connection, stream);
        }
    }

    fn end_stream(&mut self, connection: &mut Connection, stream: StreamKey, reset: Option<StreamError>) {
        let Some((_, mut exchange)) = self.open.remove(&stream) else { panic!("a second last event") };
        exchange.receive(connection, stream);
        exchange.reset = reset;
        connection.release(stream);
        // A test may have seen enough.
        let _ = self.seen.send(exchange);
    }
}

impl App for Server {
    fn on_event(&mut self, connection: &mut Connection, _: Instant, event: Event) {
        match event {
            Event::Headers { stream, end_stream } => {
                self.on_request(connection, stream);
                if end_stream {
                    self.on_request_end(connection, stream);
                }
            }
            Event::Data { stream, end_stream } => {
                self.on_data(connection, stream);
                if end_stream {
                    self.on_request_end(connection, stream);
                }
            }
            Event::Trailers { stream } => {
                if let Some((_, exchange)) = self.open.get_mut(&stream) {
                    exchange.trailers = connection.take_fields(stream);
                }
                self.on_request_end(connection, stream);
            }
            Event::Writable { stream } => {
                if let Some((outgoing, _)) = self.open.get_mut(&stream) {
                    outgoing.go_on(connection, stream);
                }
            }
            Event::Finished { stream } => self.end_stream(connection, stream, None),
            Event::Reset { stream, error } => self.end_stream(connection, stream, Some(error)),
            Event::Closed(end) => self.end = Some(end),
            _ => {}
        }
    }
}
