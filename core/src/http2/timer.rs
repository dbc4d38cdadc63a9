use crate::Instant;

/// What a connection waits for; [`next_timer`](super::Connection::next_timer) says which is next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TimerKind {
    /// The peer's SETTINGS.
    Handshake,
    /// The acknowledgement of our SETTINGS.
    SettingsAck,
    /// The end of a field block.
    HeaderBlock,
    /// The end of a frame.
    Frame,
    /// Silence of the peer until our next keepalive PING.
    Keepalive,
    /// A sign of life after our keepalive PING.
    KeepaliveTimeout,
    /// The socket to take bytes.
    WriteStall,
    /// Window for DATA that waits.
    ZeroWindow,
    /// A window worth sending into.
    Dribble,
    /// A stream, on an idle connection.
    Idle,
    /// The greatest age.
    Age,
    /// The streams to end after a drain began.
    Grace,
    /// The second GOAWAY of a drain.
    Drain,
    /// The peer to read our GOAWAY.
    Linger,
    /// The memory of the last burst to be unused.
    Shrink,
}

impl TimerKind {
    const ALL: [Self; 15] = [
        Self::Handshake,
        Self::SettingsAck,
        Self::HeaderBlock,
        Self::Frame,
        Self::Keepalive,
        Self::KeepaliveTimeout,
        Self::WriteStall,
        Self::ZeroWindow,
        Self::Dribble,
        Self::Idle,
        Self::Age,
        Self::Grace,
        Self::Drain,
        Self::Linger,
        Self::Shrink,
    ];

    /// Whether the timer blames the peer for silence. While we do not read, the silence is ours.
    const fn blames_silence(self) -> bool {
        matches!(
            self,
            Self::Handshake | Self::SettingsAck | Self::HeaderBlock | Self::Frame | Self::KeepaliveTimeout
        )
    }
}

/// One deadline for each [`TimerKind`], and the earliest of them.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    at: [Option<Instant>; TimerKind::ALL.len()],
    next: Option<(Instant, TimerKind)>,
    /// Since when nothing is read by our own choice.
    deaf_since: Option<Instant>,
    /// Nothing is waited for any more.
    stopped: bool,
}

impl Timers {
    pub(crate) fn set(&mut self, kind: TimerKind, at: Instant) {
        self.put(kind, Some(at));
    }

    pub(crate) fn clear(&mut self, kind: TimerKind) {
        self.put(kind, None);
    }

    pub(crate) fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// Clears all, and none is set again: the connection is closed, whatever the application still does with it.
    pub(crate) fn stop(&mut self) {
        *self = Self { stopped: true, ..Self::default() };
    }

    pub(crate) fn is_set(&self, kind: TimerKind) -> bool {
        self.get(kind).is_some()
    }

    /// The earliest deadline that runs.
    pub(crate) const fn next(&self) -> Option<(Instant, TimerKind)> {
        self.next
    }

    /// Takes one timer that is due at `now`.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<TimerKind> {
        let (at, kind) = self.next?;
        if at > now {
            return None;
        }
        self.clear(kind);
        Some(kind)
    }

    /// Whether input is read. The timers that blame the peer for its silence stand still while it is not.
    pub(crate) fn set_listening(&mut self, now: Instant, listening: bool) {
        match (listening, self.deaf_since) {
            (false, None) => self.deaf_since = Some(now),
            (true, Some(since)) => {
                for kind in TimerKind::ALL.into_iter().filter(|kind| kind.blames_silence()) {
                    if let Some(at) = self.at.get_mut(kind as usize).and_then(Option::as_mut) {
                        *at += now - since;
                    }
                }
                self.deaf_since = None;
            }
            _ => return,
        }
        self.find_next();
    }

    fn get(&self, kind: TimerKind) -> Option<Instant> {
        self.at.get(kind as usize).copied().flatten()
    }

    fn put(&mut self, kind: TimerKind, at: Option<Instant>) {
        if self.stopped {
            return;
        }
        if let Some(place) = self.at.get_mut(kind as usize) {
            *place = at;
        }
        let earlier = match (at, self.next) {
            (Some(at), Some((next, _))) => at < next,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if earlier && !(self.deaf_since.is_some() && kind.blames_silence()) {
            self.next = at.map(|at| (at, kind));
        } else if self.next.is_some_and(|(_, next)| next == kind) {
            self.find_next();
        }
    }

    fn find_next(&mut self) {
        let deaf = self.deaf_since.is_some();
        self.next = TimerKind::ALL
            .into_iter()
            .filter(|kind| !(deaf && kind.blames_silence()))
            .filter_map(|kind| Some((self.get(kind)?, kind)))
            .min_by_key(|&(at, _)| at);
    }
}
