//! What a seed is about.

use std::time::Duration;

use unwired_core::grpc::{Cardinality, Code, Config};

use crate::random::Random;

/// Calls on each connection, at least.
const LEAST_CALLS: usize = 20;
/// Lengths of messages: most are short, some are longer than a frame, few longer than a window.
const LENGTHS: [usize; 16] =
    [0, 1, 5, 20, 20, 20, 100, 100, 100, 300, 300, 1_000, 3_000, 16_380, 20_000, 70_000];

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) client: Config,
    pub(crate) server: Config,
    pub(crate) calls: Vec<CallPlan>,
    /// Calls that the client has at a time.
    pub(crate) at_once: usize,
    pub(crate) faults: Faults,
}

/// The four kinds of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Bidi,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Unary, Self::ServerStreaming, Self::ClientStreaming, Self::Bidi];

    pub(crate) fn request(self) -> Cardinality {
        if matches!(self, Self::Unary | Self::ServerStreaming) { Cardinality::One } else { Cardinality::Many }
    }

    pub(crate) fn response(self) -> Cardinality {
        if matches!(self, Self::Unary | Self::ClientStreaming) { Cardinality::One } else { Cardinality::Many }
    }
}

/// What the handler does at last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// All messages, and OK.
    Well,
    /// This code, once it has had all of the request.
    Fail(Code),
    /// This code, whatever has come so far.
    FailEarly(Code),
    /// Nothing: the call has a deadline.
    Never,
}

#[derive(Clone, Debug)]
pub(crate) struct CallPlan {
    pub(crate) kind: Kind,
    /// Lengths of the messages of the request.
    pub(crate) up: Vec<usize>,
    /// Lengths of the messages of the response.
    pub(crate) down: Vec<usize>,
    pub(crate) answer: Answer,
    pub(crate) timeout: Option<Duration>,
    /// The handler sends its metadata before it does anything else.
    pub(crate) metadata_first: bool,
    /// Handles are dropped now and then.
    pub(crate) drops: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Faults {
    /// Octets that one read brings, and that one write takes, at most.
    pub(crate) piece: usize,
    /// Writes that take nothing.
    pub(crate) no_write: f64,
    /// Octets on the way in one direction, at most.
    pub(crate) pipe: usize,
    /// Time that passes at once, at most.
    pub(crate) tick: Duration,
    /// Reads after which nothing comes for a while.
    pub(crate) delay: f64,
    /// Events wait before the application looks.
    pub(crate) lazy: f64,
    pub(crate) end: Option<End>,
    /// Frames before which one is put that no good peer sends, or is spoiled.
    pub(crate) hostile: f64,
    /// Times at which the clock jumps, forwards or back.
    pub(crate) jumps: f64,
}

/// How a connection comes to its end before its calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// Nothing follows these octets of this side.
    HalfClose { side: usize, at: usize },
    /// The connection is gone after these octets of this side.
    Reset { side: usize, at: usize },
    /// This side drains at this step, for so long.
    Drain { side: usize, step: usize, grace: Option<Duration> },
    /// This side closes at this step.
    Close { side: usize, step: usize },
}

/// A number up to `most`, and each order of magnitude is as likely.
pub(crate) fn some(random: &mut Random, most: usize) -> usize {
    let top = 1 << random.below(most.ilog2() as usize + 2);
    random.below(top + 1).clamp(1, most)
}

impl Plan {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut client = Config::client();
        let mut server = Config::server();
        let seed = random.next_u64();
        for config in [&mut client, &mut server] {
            config.http2.seed = seed;
            if random.chance(0.3) {
                config.http2.initial_window = some(random, 70_000) as u32;
            }
            if random.chance(0.3) {
                config.http2.connection_window = 65_535 + some(random, 100_000) as u32;
            }
            if random.chance(0.3) {
                config.partial_message_budget = some(random, 200_000);
            }
            if random.chance(0.3) {
                config.http2.limits.send_buffer_stream = some(random, 64 << 10);
            }
            if random.chance(0.2) {
                config.http2.limits.send_buffer_connection = some(random, 64 << 10);
            }
            if random.chance(0.2) {
                config.http2.limits.decoder_table_size = random.below(5_000) as u32;
                config.http2.limits.encoder_table_size = random.below(5_000) as u32;
            }
            config.http2.bdp = random.chance(0.7);
        }
        if random.chance(0.3) {
            server.http2.limits.max_concurrent_streams = some(random, 20) as u32;
        }
        if random.chance(0.05) {
            server.http2.max_age = Some(Duration::from_micros(some(random, 3_000_000) as u64));
            server.http2.max_age_grace =
                random.chance(0.5).then(|| Duration::from_micros(some(random, 1_000_000) as u64));
        }
        if random.chance(0.05) {
            server.http2.max_idle = Some(Duration::from_micros(some(random, 3_000_000) as u64));
        }
        if random.chance(0.2) {
            client.set_client_keepalive(Duration::from_secs(10), Duration::from_secs(5), random.chance(0.5));
            server.http2.ping_policy = None;
        }
        let longest = if random.chance(0.1) { LENGTHS.len() } else { 13 };
        let drops = random.chance(0.3);
        let calls: Vec<_> =
            (0..LEAST_CALLS + random.below(5)).map(|_| CallPlan::draw(random, longest, drops)).collect();
        let octets: usize = calls.iter().map(CallPlan::octets).sum();
        Self {
            client,
            server,
            at_once: some(random, calls.len()),
            faults: Faults::draw(random, octets),
            calls,
        }
    }
}

impl CallPlan {
    fn draw(random: &mut Random, longest: usize, drops: bool) -> Self {
        let kind = Kind::ALL[random.below(4)];
        let mut lengths = |cardinality| {
            let many = if cardinality == Cardinality::One { 1 } else { random.below(5) };
            (0..many).map(|_| LENGTHS[random.below(longest)]).collect()
        };
        let (up, down) = (lengths(kind.request()), lengths(kind.response()));
        let code = [Code::NotFound, Code::Aborted, Code::DataLoss][random.below(3)];
        let answer = match random.below(20) {
            0 => Answer::Fail(code),
            1 => Answer::FailEarly(code),
            2 => Answer::Never,
            _ => Answer::Well,
        };
        let has_timeout = answer == Answer::Never || random.chance(0.2);
        let timeout = has_timeout.then(|| Duration::from_micros(some(random, 5_000_000) as u64));
        Self { kind, up, down, answer, timeout, metadata_first: random.chance(0.2), drops }
    }

    fn octets(&self) -> usize {
        100 + self.up.iter().chain(&self.down).sum::<usize>()
    }
}

impl Faults {
    /// `octets` is about what the calls send.
    fn draw(random: &mut Random, octets: usize) -> Self {
        let mut rate = |often: f64, most: f64| {
            if random.chance(often) { most * random.below(1001) as f64 / 1000.0 } else { 0.0 }
        };
        let (no_write, delay, lazy) = (rate(0.3, 0.5), rate(0.3, 0.1), rate(0.3, 0.9));
        let (hostile, jumps) = (rate(0.25, 0.08), rate(0.1, 0.1));
        let side = random.below(2);
        let end = random.chance(0.2).then(|| match random.below(6) {
            0 | 1 => End::HalfClose { side, at: random.below(octets / 2) },
            2 | 3 => End::Reset { side, at: random.below(octets / 2) },
            4 => {
                let grace = random.chance(0.5).then(|| Duration::from_micros(some(random, 1_000_000) as u64));
                End::Drain { side, step: random.below(1_500), grace }
            }
            _ => End::Close { side, step: random.below(1_500) },
        });
        // Each octet alone, but not of everything that is long.
        let least = octets / 2_000 + 1;
        Self {
            piece: least.max(some(random, 64 << 10)),
            no_write,
            pipe: least.max(some(random, 64 << 10)),
            tick: Duration::from_micros(some(random, 50_000) as u64),
            delay,
            lazy,
            end,
            hostile,
            jumps,
        }
    }
}
