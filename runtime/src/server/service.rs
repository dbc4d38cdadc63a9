use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use unwired_core::Instant;
use unwired_core::grpc::{CallLimits, Cardinality};

use super::Incoming;
use crate::Encoding;
use crate::transport::BoxFuture;

/// A handler under way.
pub type Handler = BoxFuture<'static, ()>;

/// A service: generated code implements it, a [`Server`](super::Server) routes to it.
pub trait Service: Send + Sync + 'static {
    /// Full name, with the package.
    fn name(&self) -> &'static str;

    /// Its methods, in the order of their numbers.
    fn methods(&self) -> &'static [Method];

    /// How it is served.
    fn settings(&self) -> &ServiceSettings;

    /// Handles a call of the method of that number.
    fn call(&self, method: usize, call: Incoming) -> Handler;

    /// The server is to stop: it takes no new connections, and its clients are told to go elsewhere right after this. It may
    /// come more than once.
    fn on_drain(&self) {}
}

/// A method of a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Method {
    /// Name, as on the wire.
    pub name: &'static str,
    /// How many messages a request has.
    pub request: Cardinality,
    /// How many messages a response has.
    pub response: Cardinality,
}

impl Method {
    /// A method.
    pub const fn new(name: &'static str, request: Cardinality, response: Cardinality) -> Self {
        Self { name, request, response }
    }
}

/// Where a handler runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum SpawnPolicy {
    /// First where its request was read, without a task; in a task of its own as soon as it has to wait. A method whose
    /// first step takes over 50 µs gets a task at once from then on, so that it holds up no other call of its
    /// connection.
    #[default]
    Adaptive,
    /// As `Adaptive`, however long it takes.
    Inline,
    /// In a task of its own from the start: for handlers that compute, and for those that need the task-locals of a
    /// task of their own.
    Spawn,
}

/// How a service is served.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceSettings {
    pub(crate) limits: CallLimits,
    pub(crate) encoding: Encoding,
    pub(crate) spawn: SpawnPolicy,
}

impl ServiceSettings {
    /// Compresses responses for clients that take `encoding`.
    #[must_use]
    pub const fn send_compressed(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// The longest message that is received, bytes.
    #[must_use]
    pub const fn max_decoding_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_recv_message = Some(bytes);
        self
    }

    /// The longest message that is sent, bytes.
    #[must_use]
    pub const fn max_encoding_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_send_message = Some(bytes);
        self
    }

    /// Where handlers run.
    #[must_use]
    pub const fn spawn_policy(mut self, policy: SpawnPolicy) -> Self {
        self.spawn = policy;
        self
    }
}

/// A first step that takes longer than this is somebody's arithmetic.
const LONG_STEP: Duration = Duration::from_micros(50);
/// One call of so many is timed.
const SAMPLE: u32 = 16;
/// So many timed steps in a row must have been long: one may have been held up by another program.
const STRIKES: u32 = 3;

/// What is known of how long the first steps of a method take.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    calls: AtomicU32,
    /// Long steps in a row, among those that were timed.
    strikes: AtomicU32,
}

impl Pace {
    /// Whether the method gets a task at once, by what `runtime` says or what is known.
    pub(crate) fn spawns(&self, policy: SpawnPolicy, runtime: impl FnOnce() -> Option<bool>) -> bool {
        match policy {
            SpawnPolicy::Adaptive => runtime().unwrap_or_else(|| self.is_slow()),
            SpawnPolicy::Inline => false,
            SpawnPolicy::Spawn => true,
        }
    }

    fn is_slow(&self) -> bool {
        self.strikes.load(Ordering::Relaxed) >= STRIKES
    }

    /// The time, if this call is one that is timed.
    pub(crate) fn sample(&self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        let is_next = self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(SAMPLE);
        // After a long step the next ones are all looked at.
        (is_next || self.strikes.load(Ordering::Relaxed) > 0).then(now)
    }

    /// A timed step took that long.
    pub(crate) fn record(&self, step: Duration) {
        if step > LONG_STEP {
            self.strikes.fetch_add(1, Ordering::Relaxed);
        } else if self.strikes.load(Ordering::Relaxed) < STRIKES {
            self.strikes.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_slow_gets_tasks_and_one_that_was_held_up_does_not() {
        let pace = Pace::default();
        let spawns = || pace.spawns(SpawnPolicy::Adaptive, || None);
        for step in [2, 2, 1, 2, 2, 1] {
            pace.record(LONG_STEP / 2 * step + Duration::from_nanos(1));
            assert!(!spawns());
        }
        assert!(pace.sample(|| Instant::ZERO).is_some());
        assert!(pace.sample(|| Instant::ZERO).is_none());
        for _ in 0..STRIKES {
            assert!(!spawns());
            pace.record(LONG_STEP * 2);
            assert!(pace.sample(|| Instant::ZERO).is_some());
        }
        assert!(spawns());
        assert!(!pace.spawns(SpawnPolicy::Inline, || Some(true)));
        assert!(!pace.spawns(SpawnPolicy::Adaptive, || Some(false)), "the runtime knows better");
    }
}
