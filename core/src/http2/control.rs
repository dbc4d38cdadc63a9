//! Frames that go ahead of the streams: SETTINGS, acknowledgements, RST_STREAM, GOAWAY.

use std::collections::VecDeque;

use super::{Limits, Reason, Role, StreamId};

/// RFC 9113 §3.4: what a client sends first.
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What waits to be sent on behalf of the connection.
///
/// What can be state is state: only answers that the peer forces one for one are queued, and they are counted.
#[derive(Debug)]
pub(crate) struct Control {
    /// The client's preface.
    pub(crate) preface: bool,
    /// Our SETTINGS.
    pub(crate) settings: bool,
    pub(crate) settings_acks: u32,
    pub(crate) ping_acks: VecDeque<[u8; 8]>,
    pub(crate) resets: VecDeque<QueuedReset>,
    /// How many of `resets` the peer forced.
    pub(crate) forced_resets: usize,
    pub(crate) goaway: Option<GoAwayFrame>,
    /// The peer speaks HTTP/1: a line that it understands goes out instead of HTTP/2.
    pub(crate) http1_answer: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct QueuedReset {
    pub(crate) stream: StreamId,
    pub(crate) reason: Reason,
    pub(crate) forced: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct GoAwayFrame {
    pub(crate) last: StreamId,
    pub(crate) reason: Reason,
    pub(crate) debug: &'static str,
}

impl Control {
    pub(crate) const fn new(role: Role) -> Self {
        let is_client = matches!(role, Role::Client);
        Self {
            preface: is_client,
            // A server waits for the preface: what comes instead may not be HTTP/2 at all.
            settings: is_client,
            settings_acks: 0,
            ping_acks: VecDeque::new(),
            resets: VecDeque::new(),
            forced_resets: 0,
            goaway: None,
            http1_answer: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.preface
            && !self.settings
            && self.settings_acks == 0
            && self.ping_acks.is_empty()
            && self.resets.is_empty()
            && self.goaway.is_none()
            && !self.http1_answer
    }

    #[expect(clippy::arithmetic_side_effects, reason = "no more than `resets`")]
    pub(crate) fn reset(&mut self, stream: StreamId, reason: Reason, forced: bool) {
        self.forced_resets += usize::from(forced);
        self.resets.push_back(QueuedReset { stream, reason, forced });
    }

    /// Frames that the peer forced out of us and does not read.
    pub(crate) fn forced(&self) -> usize {
        self.ping_acks.len().saturating_add(self.settings_acks as usize).saturating_add(self.forced_resets)
    }

    /// Whether the peer should read before it is read.
    pub(crate) fn is_stalled(&self, limits: &Limits) -> bool {
        self.ping_acks.len() >= limits.max_queued_ping_acks
            || self.settings_acks >= limits.max_queued_settings_acks
            || self.forced() >= limits.control_frames_stall
    }

    /// Frames that were asked for one by one, by either side, and wait.
    pub(crate) fn queued(&self) -> usize {
        self.ping_acks.len().saturating_add(self.settings_acks as usize).saturating_add(self.resets.len())
    }

    /// The connection has ended in disorder: only what we decided by ourselves and a last GOAWAY still go out. In order,
    /// a client is still told which streams were refused, and may be made elsewhere.
    pub(crate) fn forget_answers(&mut self) {
        self.settings_acks = 0;
        self.ping_acks = VecDeque::new();
        self.resets.retain(|reset| !reset.forced);
        self.forced_resets = 0;
    }

    pub(crate) fn shrink(&mut self) {
        self.ping_acks.shrink_to_fit();
        self.resets.shrink_to_fit();
    }

    #[expect(clippy::arithmetic_side_effects, reason = "memory that is held fits the address space")]
    pub(crate) fn capacity(&self) -> usize {
        self.ping_acks.capacity() * 8 + self.resets.capacity() * size_of::<QueuedReset>()
    }
}
