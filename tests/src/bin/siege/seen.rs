//! What a server has said on one connection.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Instant;

use unwired_core::http2::frame::{self, FrameHead, HEAD_LEN, Kind, SettingId, flag};
use unwired_core::http2::hpack::{Decoder, DecoderLimits};
use unwired_core::http2::{Fields, Reason};

use crate::wire;

/// How a stream ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Fate {
    /// With this `grpc-status`.
    Status(u32),
    /// With an answer that is none of gRPC.
    Http(u32),
    /// By RST_STREAM with this code.
    Reset(u32),
}

impl Fate {
    pub(crate) const OK: Self = Self::Status(0);
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Status(code) => write!(f, "status {code}"),
            Self::Http(code) => write!(f, "HTTP {code}"),
            Self::Reset(code) => write!(f, "RST {}", Reason(code)),
        }
    }
}

/// How the server ended the connection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum End {
    /// GOAWAY, with its code and its debug data.
    GoAway(u32, String),
    /// An answer in HTTP/1.
    Http1(String),
    /// The end of the stream of octets, or its reset.
    Close,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GoAway(code, debug) if debug.is_empty() => write!(f, "GOAWAY {}", Reason(*code)),
            Self::GoAway(code, debug) => write!(f, "GOAWAY {} `{debug}`", Reason(*code)),
            Self::Http1(line) => write!(f, "`{line}`, close"),
            Self::Close => f.write_str("close"),
        }
    }
}

/// Streams whose fates are remembered one by one.
const REMEMBERED: usize = 4096;

/// All of it.
pub(crate) struct Seen {
    /// What is not a whole frame yet.
    partial: Vec<u8>,
    decoder: Decoder,
    /// The field block under way: its stream, whether the stream ends with it.
    block: Option<(u32, bool, Vec<u8>)>,
    fates: HashMap<u32, Fate>,
    /// Streams by how they ended.
    pub(crate) tally: BTreeMap<Fate, u64>,
    pub(crate) end: Option<End>,
    /// When that was seen.
    pub(crate) ended_at: Option<Instant>,
    /// Nothing more comes.
    pub(crate) is_over: bool,
    /// What the server has to be answered: acknowledgements, windows.
    pub(crate) owed: Vec<u8>,
    /// Whether windows that the server uses are given back.
    pub(crate) gives_windows: bool,
    /// Octets of DATA that the server takes, of the connection and of each stream since its beginning.
    pub(crate) window: i64,
    windows: HashMap<u32, i64>,
    /// SETTINGS_INITIAL_WINDOW_SIZE of the server.
    pub(crate) initial_window: i64,
    /// SETTINGS_MAX_CONCURRENT_STREAMS of the server.
    pub(crate) most_streams: Option<u32>,
    /// The server's SETTINGS have come.
    pub(crate) is_greeted: bool,
    /// PINGs of ours that were acknowledged.
    pub(crate) pongs: u64,
}

impl Seen {
    pub(crate) fn new() -> Self {
        let limit = 1 << 20;
        Self {
            partial: Vec::new(),
            decoder: Decoder::new(DecoderLimits {
                list_size: limit,
                fields: limit,
                decoded: limit,
                block_wire: limit,
            }),
            block: None,
            fates: HashMap::new(),
            tally: BTreeMap::new(),
            end: None,
            ended_at: None,
            is_over: false,
            owed: Vec::new(),
            gives_windows: true,
            window: wire::INITIAL_WINDOW as i64,
            windows: HashMap::new(),
            initial_window: wire::INITIAL_WINDOW as i64,
            most_streams: None,
            is_greeted: false,
            pongs: 0,
        }
    }

    /// How `stream` ended, if it has; told once.
    pub(crate) fn take_fate(&mut self, stream: u32) -> Option<Fate> {
        self.fates.remove(&stream)
    }

    /// Streams that have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.tally.values().sum()
    }

    /// What the server has granted to `stream` beyond its initial window.
    pub(crate) fn granted(&self, stream: u32) -> i64 {
        self.windows.get(&stream).copied().unwrap_or_default()
    }

    /// The octets that came next.
    pub(crate) fn read(&mut self, octets: &[u8]) {
        self.partial.extend_from_slice(octets);
        if !self.is_greeted && self.partial.starts_with(b"HTTP/1") {
            let line = String::from_utf8_lossy(&self.partial);
            self.end = Some(End::Http1(line.lines().next().unwrap_or_default().to_owned()));
            self.ended_at.get_or_insert_with(Instant::now);
            return;
        }
        let partial = std::mem::take(&mut self.partial);
        let mut rest = &partial[..];
        while let Some(head) = rest.first_chunk::<HEAD_LEN>().map(FrameHead::parse) {
            let Some(payload) = rest.get(HEAD_LEN..HEAD_LEN + head.length as usize) else { break };
            self.on_frame(head, payload);
            rest = &rest[HEAD_LEN + payload.len()..];
        }
        self.partial = rest.to_vec();
    }

    /// Nothing more comes.
    pub(crate) fn close(&mut self) {
        self.is_over = true;
        self.end.get_or_insert(End::Close);
        self.ended_at.get_or_insert_with(Instant::now);
    }

    fn on_frame(&mut self, head: FrameHead, payload: &[u8]) {
        let stream = head.stream.get();
        let ack = head.has(flag::ACK);
        match head.kind {
            Kind::Settings if !ack => {
                for setting in frame::settings(payload).into_iter().flatten() {
                    match setting.id {
                        SettingId::MaxConcurrentStreams => self.most_streams = Some(setting.value),
                        SettingId::InitialWindowSize => self.initial_window = setting.value.into(),
                        _ => {}
                    }
                }
                self.is_greeted = true;
                self.owed.extend(wire::settings_ack());
            }
            Kind::Ping if ack => self.pongs += 1,
            Kind::Ping => self.owed.extend(wire::frame(wire::PING, flag::ACK, 0, payload)),
            Kind::WindowUpdate => {
                let more = i64::from(frame::window_update(payload).unwrap_or_default());
                if stream == 0 {
                    self.window += more;
                } else if self.windows.len() < REMEMBERED {
                    *self.windows.entry(stream).or_default() += more;
                }
            }
            Kind::GoAway => {
                let Some((_, reason, debug)) = frame::goaway(payload) else { return };
                let debug = String::from_utf8_lossy(debug).into_owned();
                // The first of two may only announce the other.
                if !matches!(self.end, Some(End::GoAway(code, _)) if code != 0) {
                    self.end = Some(End::GoAway(reason.0, debug));
                    self.ended_at.get_or_insert_with(Instant::now);
                }
            }
            Kind::ResetStream => {
                let reason = frame::reset(payload).unwrap_or(Reason::PROTOCOL_ERROR);
                self.on_fate(stream, Fate::Reset(reason.0));
            }
            Kind::Data => {
                if self.gives_windows && !payload.is_empty() {
                    let length = payload.len() as u32;
                    self.owed.extend(wire::window_update(0, length));
                    if !head.has(flag::END_STREAM) {
                        self.owed.extend(wire::window_update(stream, length));
                    }
                }
                if head.has(flag::END_STREAM) {
                    // An answer without trailers.
                    self.on_fate(stream, Fate::Http(200));
                }
            }
            Kind::Headers | Kind::Continuation => {
                let end = head.has(flag::END_STREAM);
                let (_, _, block) = self.block.get_or_insert_with(|| (stream, end, Vec::new()));
                block.extend_from_slice(payload);
                if head.has(flag::END_HEADERS)
                    && let Some((stream, end, block)) = self.block.take()
                {
                    self.on_block(stream, end, &block);
                }
            }
            _ => {}
        }
    }

    fn on_block(&mut self, stream: u32, end: bool, block: &[u8]) {
        let mut fields = Fields::new();
        // What cannot be read is an answer without a status.
        let _ = self.decoder.decode(block, true, &mut fields);
        if !end {
            return;
        }
        let number = |name: &[u8]| {
            let value = fields.get(name)?;
            std::str::from_utf8(value).ok()?.parse().ok()
        };
        let fate = match (number(b"grpc-status"), number(b":status")) {
            (Some(status), _) => Fate::Status(status),
            (None, Some(status)) => Fate::Http(status),
            (None, None) => Fate::Http(200),
        };
        self.on_fate(stream, fate);
    }

    fn on_fate(&mut self, stream: u32, fate: Fate) {
        // A stream that has its status may be reset with NO_ERROR so that no more is sent to it.
        if self.fates.contains_key(&stream) {
            return;
        }
        *self.tally.entry(fate).or_default() += 1;
        if self.fates.len() < REMEMBERED {
            self.fates.insert(stream, fate);
        }
    }
}
