use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use unwired_proto::grpc::testing::{Payload, SimpleResponse};

use super::frames::{self, Frame, fault};
use super::{Misdeed, Seen, lock};

/// The payload of every response, in bytes.
const RESPONSE_SIZE: usize = 314_159;
/// What both sides may send before anybody has said otherwise (RFC 9113, section 6.9.2).
const INITIAL_WINDOW: i64 = 65_535;
/// The settings that matter here: their numbers.
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
/// In one DATA frame, unless there is a reason for less.
const DATA: usize = 16_384;
/// In one DATA frame that has more padding than data.
const SMALL_DATA: usize = 5;
const PADDING: u8 = 255;

/// One connection of a client.
pub(super) struct Connection {
    input: BufReader<TcpStream>,
    socket: TcpStream,
    misdeed: Misdeed,
    seen: Arc<Mutex<Seen>>,
    streams: BTreeMap<u32, Stream>,
    /// What the client takes on the connection, and on a new stream.
    window: i64,
    initial_window: i64,
    /// The client knows our settings.
    settled: bool,
    going_away: bool,
    ping: u64,
}

/// A stream whose response is not sent whole.
#[derive(Debug, Default)]
struct Stream {
    window: i64,
    /// What is left of the response, once the request has come.
    response: Option<Vec<u8>>,
    sent: usize,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, misdeed: Misdeed, seen: &Arc<Mutex<Seen>>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self {
            input: BufReader::new(socket.try_clone()?),
            socket,
            misdeed,
            seen: Arc::clone(seen),
            streams: BTreeMap::new(),
            window: INITIAL_WINDOW,
            initial_window: INITIAL_WINDOW,
            settled: false,
            going_away: false,
            ping: 0,
        })
    }

    /// Serves until the client has gone.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut preface = [0; frames::PREFACE.len()];
        self.input.read_exact(&mut preface)?;
        if preface != frames::PREFACE {
            return Err(fault("the connection does not begin as HTTP/2 does"));
        }
        let mut settings = Vec::new();
        if self.misdeed == Misdeed::MaxStreams {
            settings.extend_from_slice(&MAX_CONCURRENT_STREAMS.to_be_bytes());
            settings.extend_from_slice(&1_u32.to_be_bytes());
        }
        self.send(frames::SETTINGS, 0, 0, &settings)?;
        loop {
            let frame = Frame::read(&mut self.input)?;
            self.on_frame(&frame)?;
            self.pump()?;
            if self.going_away && self.streams.is_empty() {
                // The client has been told, and closes.
                io::copy(&mut self.input, &mut io::sink())?;
                return Ok(());
            }
        }
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let mut out = Vec::new();
        frames::write(&mut out, kind, flags, stream, payload);
        self.socket.write_all(&out)
    }

    fn send_ping(&mut self) -> io::Result<()> {
        if self.misdeed != Misdeed::Ping {
            return Ok(());
        }
        self.ping += 1;
        lock(&self.seen).pings += 1;
        let octets = self.ping.to_be_bytes();
        self.send(frames::PING, 0, 0, &octets)
    }

    fn on_frame(&mut self, frame: &Frame) -> io::Result<()> {
        match frame.kind {
            frames::SETTINGS if frame.has(frames::ACK) => self.settled = true,
            frames::SETTINGS => self.on_settings(frame)?,
            frames::PING if frame.has(frames::ACK) => self.on_pong(frame)?,
            frames::PING => self.send(frames::PING, frames::ACK, 0, &frame.payload)?,
            frames::WINDOW_UPDATE if frame.stream == 0 => self.window += i64::from(frame.number()?),
            frames::WINDOW_UPDATE => {
                let grown = i64::from(frame.number()?);
                if let Some(stream) = self.streams.get_mut(&frame.stream) {
                    stream.window += grown;
                }
            }
            frames::HEADERS => self.on_headers(frame)?,
            frames::DATA => self.on_data(frame)?,
            frames::RST_STREAM => drop(self.streams.remove(&frame.stream)),
            _ => {}
        }
        Ok(())
    }

    fn on_settings(&mut self, frame: &Frame) -> io::Result<()> {
        for setting in frame.payload.chunks_exact(6) {
            let &[a, b, c, d, e, f] = setting else { continue };
            if u16::from_be_bytes([a, b]) == INITIAL_WINDOW_SIZE {
                let window = i64::from(u32::from_be_bytes([c, d, e, f]));
                for stream in self.streams.values_mut() {
                    stream.window += window - self.initial_window;
                }
                self.initial_window = window;
            }
        }
        self.send(frames::SETTINGS, frames::ACK, 0, &[])
    }

    fn on_pong(&self, frame: &Frame) -> io::Result<()> {
        let mut seen = lock(&self.seen);
        seen.pongs += 1;
        let answered = frame.payload.first_chunk().map(|octets| u64::from_be_bytes(*octets));
        if answered.is_some_and(|ping| (1..=self.ping).contains(&ping)) {
            Ok(())
        } else {
            Err(fault("an answer to a PING that was never sent"))
        }
    }

    fn on_headers(&mut self, frame: &Frame) -> io::Result<()> {
        let stream = Stream { window: self.initial_window, ..Stream::default() };
        self.streams.insert(frame.stream, stream);
        if self.settled {
            let mut seen = lock(&self.seen);
            seen.most_streams = seen.most_streams.max(self.streams.len());
        }
        if self.misdeed == Misdeed::RstAfterHeader {
            self.send(frames::HEADERS, frames::END_HEADERS, frame.stream, frames::RESPONSE)?;
            return self.reset(frame.stream);
        }
        Ok(())
    }

    fn on_data(&mut self, frame: &Frame) -> io::Result<()> {
        // All of it counts, padding too; the request is small enough to be taken as it comes.
        let length = u32::try_from(frame.payload.len()).map_err(|_| fault("a frame is too long"))?;
        if length > 0 {
            self.send(frames::WINDOW_UPDATE, 0, 0, &length.to_be_bytes())?;
        }
        if !self.streams.contains_key(&frame.stream) {
            return Ok(());
        }
        if !frame.has(frames::END_STREAM) {
            return self.send(frames::WINDOW_UPDATE, 0, frame.stream, &length.to_be_bytes());
        }
        lock(&self.seen).requests += 1;
        self.send_ping()?;
        self.send(frames::HEADERS, frames::END_HEADERS, frame.stream, frames::RESPONSE)?;
        self.send_ping()?;
        if let Some(stream) = self.streams.get_mut(&frame.stream) {
            stream.response = Some(response());
        }
        Ok(())
    }

    /// Sends what the client takes.
    fn pump(&mut self) -> io::Result<()> {
        let waiting: Vec<u32> =
            self.streams.iter().filter(|(_, stream)| stream.response.is_some()).map(|(&id, _)| id).collect();
        for id in waiting {
            let Some(mut stream) = self.streams.remove(&id) else { continue };
            let Some(response) = stream.response.take() else { continue };
            let end = match self.misdeed {
                Misdeed::RstDuringData => response.len() / 2,
                _ => response.len(),
            };
            self.data(id, &mut stream, response.get(..end).unwrap_or_default())?;
            if stream.sent < end {
                self.streams.insert(id, Stream { response: Some(response), ..stream });
                continue;
            }
            self.send_ping()?;
            match self.misdeed {
                Misdeed::RstDuringData | Misdeed::RstAfterData => self.reset(id)?,
                _ => self.send(frames::HEADERS, frames::END_HEADERS | frames::END_STREAM, id, frames::OK)?,
            }
            if self.misdeed == Misdeed::GoAway {
                self.going_away = true;
                let [a, b, c, d] = id.to_be_bytes();
                self.send(frames::GOAWAY, 0, 0, &[a, b, c, d, 0, 0, 0, 0])?;
            }
        }
        Ok(())
    }

    /// Sends of `response` what the windows allow.
    fn data(&mut self, id: u32, stream: &mut Stream, response: &[u8]) -> io::Result<()> {
        let mut out = Vec::new();
        loop {
            let rest = response.get(stream.sent..).unwrap_or_default();
            let is_small = matches!(self.misdeed, Misdeed::DataFramePadding | Misdeed::NoDfPaddingSanityTest);
            let length = rest.len().min(if is_small { SMALL_DATA } else { DATA });
            let data = rest.get(..length).unwrap_or_default();
            let mut payload = Vec::with_capacity(length);
            let mut flags = 0;
            if self.misdeed == Misdeed::DataFramePadding {
                flags = frames::PADDED;
                payload.push(PADDING);
                payload.extend_from_slice(data);
                payload.resize(1 + length + usize::from(PADDING), 0);
            } else {
                payload.extend_from_slice(data);
            }
            let costs = i64::try_from(payload.len()).map_err(|_| fault("a frame is too long"))?;
            if length == 0 || costs > self.window.min(stream.window) {
                break;
            }
            self.window -= costs;
            stream.window -= costs;
            stream.sent += length;
            frames::write(&mut out, frames::DATA, flags, id, &payload);
        }
        self.socket.write_all(&out)
    }

    fn reset(&mut self, id: u32) -> io::Result<()> {
        self.streams.remove(&id);
        self.send(frames::RST_STREAM, 0, id, &[0; 4])
    }
}

/// The response to every call, with the prefix of gRPC.
fn response() -> Vec<u8> {
    let payload = Some(Payload { body: vec![0; RESPONSE_SIZE], ..Payload::default() });
    let message = SimpleResponse { payload, ..SimpleResponse::default() };
    let message = prost::Message::encode_to_vec(&message);
    let mut response = vec![0];
    response.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    response.extend_from_slice(&message);
    response
}
