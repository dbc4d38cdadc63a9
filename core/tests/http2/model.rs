//! Flow control as RFC 9113 §5.2 and §6.9 tell it, for one sender: what it may send, by what it has been told so far.

use std::collections::{BTreeMap, BTreeSet};

use unwired_core::http2::frame::{self, FrameHead, HEAD_LEN, Kind, SettingId, flag};

/// Cuts bytes into frames.
#[derive(Default)]
struct Cutter {
    bytes: Vec<u8>,
    preface_seen: bool,
}

impl Cutter {
    fn frames(&mut self, bytes: &[u8]) -> Vec<(FrameHead, Vec<u8>)> {
        self.bytes.extend(bytes);
        if !self.preface_seen {
            if self.bytes.first() == Some(&b'P') {
                if self.bytes.len() < 24 {
                    return Vec::new();
                }
                self.bytes.drain(..24);
            }
            self.preface_seen = !self.bytes.is_empty();
        }
        let mut frames = Vec::new();
        while let Some(head) = self.bytes.first_chunk::<HEAD_LEN>().map(FrameHead::parse) {
            let end = HEAD_LEN + head.length as usize;
            if self.bytes.len() < end {
                break;
            }
            frames.push((head, self.bytes[HEAD_LEN..end].to_vec()));
            self.bytes.drain(..end);
        }
        frames
    }
}

pub(crate) struct Sender {
    /// What it may send on the connection.
    pub(crate) window: i64,
    initial: i64,
    streams: BTreeMap<u32, i64>,
    /// Octets of DATA that it has sent.
    sent: BTreeMap<u32, u64>,
    /// Streams on which it may send nothing any more.
    over: BTreeSet<u32>,
    outgoing: Cutter,
    incoming: Cutter,
}

impl Sender {
    pub(crate) fn new() -> Self {
        Self {
            window: 65_535,
            initial: 65_535,
            streams: BTreeMap::new(),
            sent: BTreeMap::new(),
            over: BTreeSet::new(),
            outgoing: Cutter::default(),
            incoming: Cutter::default(),
        }
    }

    /// It has put `bytes` out: each frame must be allowed.
    pub(crate) fn transmits(&mut self, bytes: &[u8]) {
        for (head, _) in self.outgoing.frames(bytes) {
            let id = head.stream.get();
            let ends = head.has(flag::END_STREAM);
            match head.kind {
                Kind::Headers => {
                    assert!(!self.over.contains(&id), "HEADERS on stream {id}, which is over");
                    self.streams.entry(id).or_insert(self.initial);
                }
                Kind::Data => {
                    assert!(!self.over.contains(&id), "DATA on stream {id}, which is over");
                    let length = i64::from(head.length);
                    let window = self.streams.get_mut(&id).expect("HEADERS before DATA");
                    assert!(length == 0 || length <= *window, "{length} octets on stream {id} of {window}");
                    assert!(length == 0 || length <= self.window, "{length} octets of {}", self.window);
                    *window -= length;
                    self.window -= length;
                    *self.sent.entry(id).or_default() += length as u64;
                }
                Kind::ResetStream => {
                    self.over.insert(id);
                }
                _ => {}
            }
            if ends && matches!(head.kind, Kind::Headers | Kind::Data) {
                self.over.insert(id);
            }
        }
    }

    /// `bytes` of its peer have reached it.
    pub(crate) fn hears(&mut self, bytes: &[u8]) {
        for (head, payload) in self.incoming.frames(bytes) {
            let id = head.stream.get();
            match head.kind {
                Kind::Headers => {
                    self.streams.entry(id).or_insert(self.initial);
                }
                Kind::WindowUpdate => {
                    let increment = i64::from(frame::window_update(&payload).expect("an increment"));
                    assert_ne!(increment, 0);
                    if id == 0 {
                        self.window += increment;
                        assert!(self.window < 1 << 31);
                    } else if let Some(window) = self.streams.get_mut(&id) {
                        *window += increment;
                        assert!(*window < 1 << 31);
                    }
                }
                Kind::Settings if !head.has(flag::ACK) => {
                    for setting in frame::settings(&payload).expect("settings") {
                        if setting.id == SettingId::InitialWindowSize {
                            let delta = i64::from(setting.value) - self.initial;
                            self.initial += delta;
                            for window in self.streams.values_mut() {
                                *window += delta;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether DATA could be sent on the stream now.
    pub(crate) fn may_send(&self, id: u32) -> bool {
        !self.over.contains(&id) && self.window > 0 && self.streams.get(&id).is_some_and(|&window| window > 0)
    }

    pub(crate) fn sent(&self, id: u32) -> u64 {
        self.sent.get(&id).copied().unwrap_or(0)
    }

    /// Whether it has said that nothing more comes on the stream.
    pub(crate) fn is_over(&self, id: u32) -> bool {
        self.over.contains(&id)
    }
}
