//! What happened in a simulation, in order.

use core::fmt;

use unwired::Instant;

use crate::random::mix;

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    TaskSpawned,
    TaskWoken,
    TaskRan,
    TaskEnded,
    TimerFired,
    Listening,
    Connecting,
    Connected,
    Accepted,
    Refused,
    Delivered,
    Ended,
    Reset,
    TimedOut,
    Held,
    Fault,
}

/// Folds all that happens into one number, and prints it when `UNWIRED_SIM_LOG` is set.
#[derive(Debug)]
pub(crate) struct Log {
    digest: u64,
    events: u64,
    prints: bool,
}

impl Log {
    pub(crate) fn new(seed: u64) -> Self {
        let prints =
            std::env::var_os("UNWIRED_SIM_LOG").is_some_and(|value| value != "0" && !value.is_empty());
        Self { digest: mix(seed), events: 0, prints }
    }

    /// Something happened at `now`: `words` tell it from everything else, `line` tells it to a person.
    pub(crate) fn note(&mut self, now: Instant, kind: Kind, words: &[u64], line: fmt::Arguments<'_>) {
        self.events += 1;
        self.fold(now.as_nanos());
        self.fold(kind as u64);
        for &word in words {
            self.fold(word);
        }
        if self.prints {
            let nanos = now.as_nanos();
            eprintln!("[{:6}.{:09}] {kind:<11?} {line}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        }
    }

    fn fold(&mut self, word: u64) {
        self.digest = mix(self.digest.rotate_left(5) ^ word);
    }

    pub(crate) const fn digest(&self) -> u64 {
        self.digest
    }

    pub(crate) const fn events(&self) -> u64 {
        self.events
    }
}

/// One number for a piece of text or data, the same on every machine.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = bytes.len() as u64;
    for word in words {
        hash = mix(hash.rotate_left(5) ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    mix(hash ^ u64::from_le_bytes(last))
}
