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
#[derive(Debug)]
pub(crate) struct Timers {
    /// [`NEVER`] for those that do not run.
    at: [Instant; TimerKind::ALL.len()],
    next: Option<(Instant, TimerKind)>,
    /// Since when nothing is read by our own choice.
    deaf_since: Option<Instant>,
    /// Nothing is waited for any more.
    stopped: bool,
}

/// No timer runs to this: a nanosecond before it is late enough.
const NEVER: Instant = Instant::FAR_FUTURE;
const LATEST: Instant = Instant::from_nanos(u64::MAX - 1);

impl Default for Timers {
    fn default() -> Self {
        Self { at: [NEVER; TimerKind::ALL.len()], next: None, deaf_since: None, stopped: false }
    }
}

impl Timers {
    pub(crate) fn set(&mut self, kind: TimerKind, at: Instant) {
        self.put(kind, Some(at.min(LATEST)));
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
                    if let Some(at) = self.at.get_mut(kind as usize).filter(|at| **at != NEVER) {
                        *at = (*at + (now - since)).min(LATEST);
                    }
                }
                self.deaf_since = None;
            }
            _ => return,
        }
        self.find_next();
    }

    fn get(&self, kind: TimerKind) -> Option<Instant> {
        self.at.get(kind as usize).copied().filter(|&at| at != NEVER)
    }

    fn put(&mut self, kind: TimerKind, at: Option<Instant>) {
        if self.stopped {
            return;
        }
        if let Some(place) = self.at.get_mut(kind as usize) {
            *place = at.unwrap_or(NEVER);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Set(usize, u64),
        Clear(usize),
        Pass(u64),
        Listen(bool),
        Stop,
    }

    proptest! {
        /// Against a map: the earliest is next, each expires once, none before its time, and those that blame a silent
        /// peer stand still while nothing is read.
        #[test]
        fn are_a_map_of_deadlines(ops in proptest::collection::vec(prop_oneof![
            20 => (0..15_usize, 0..100_u64).prop_map(|(kind, after)| Op::Set(kind, after)),
            5 => (0..15_usize).prop_map(Op::Clear),
            10 => (0..60_u64).prop_map(Op::Pass),
            5 => any::<bool>().prop_map(Op::Listen),
            1 => Just(Op::Stop),
        ], 0..80)) {
            let mut timers = Timers::default();
            let mut map: BTreeMap<usize, Instant> = BTreeMap::new();
            let (mut now, mut deaf_since, mut stopped) = (Instant::ZERO, None, false);
            for op in ops {
                match op {
                    Op::Set(kind, after) => {
                        let at = now + core::time::Duration::from_nanos(after);
                        timers.set(TimerKind::ALL[kind], at);
                        if !stopped {
                            map.insert(kind, at);
                        }
                    }
                    Op::Clear(kind) => {
                        timers.clear(TimerKind::ALL[kind]);
                        map.remove(&kind);
                    }
                    Op::Pass(nanos) => now += core::time::Duration::from_nanos(nanos),
                    Op::Listen(listening) => {
                        timers.set_listening(now, listening);
                        match (listening, deaf_since) {
                            (false, None) => deaf_since = Some(now),
                            (true, Some(since)) => {
                                let stood = map.iter_mut().filter(|(kind, _)| TimerKind::ALL[**kind].blames_silence());
                                stood.for_each(|(_, at)| *at += now - since);
                                deaf_since = None;
                            }
                            _ => {}
                        }
                    }
                    Op::Stop => {
                        timers.stop();
                        map.clear();
                        (stopped, deaf_since) = (true, None);
                    }
                }
                let runs = |kind: usize| !(deaf_since.is_some() && TimerKind::ALL[kind].blames_silence());
                let earliest = |map: &BTreeMap<usize, Instant>| {
                    map.iter().filter(|(kind, _)| runs(**kind)).map(|(_, at)| *at).min()
                };
                while let Some(kind) = timers.expire(now) {
                    let due = map.remove(&(kind as usize));
                    prop_assert!(due.is_some_and(|at| at <= now), "{:?} is not due", kind);
                }
                prop_assert!(earliest(&map).is_none_or(|at| at > now), "a timer is late");
                prop_assert_eq!(timers.next().map(|(at, _)| at), earliest(&map));
                for (at, kind) in TimerKind::ALL.into_iter().enumerate() {
                    prop_assert_eq!(timers.is_set(kind), map.contains_key(&at));
                }
            }
        }
    }
}
