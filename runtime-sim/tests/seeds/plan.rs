//! What a seed is about.

use std::time::Duration;

use unwired_sim::{Faults, Link, Random};

use crate::calls::Excuses;

/// What calls have left on a connection that is too old.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Of each call, in each direction.
pub(crate) const MOST_MESSAGES: usize = 5;

/// A connection that is too old before its handshake is over is of use to nobody.
const SHORTEST_AGE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Plan {
    /// Nothing goes wrong: no call has an excuse.
    pub(crate) is_calm: bool,
    pub(crate) link: Link,
    pub(crate) clients: usize,
    /// Tasks of each client, which share its channel.
    pub(crate) tasks: usize,
    /// Calls of each task.
    pub(crate) calls: usize,
    pub(crate) keepalive: Duration,
    pub(crate) keepalive_timeout: Duration,
    /// Calls at a time on one connection that the server takes.
    pub(crate) max_streams: u32,
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_idle: Option<Duration>,
    /// What a stream may send before somebody reads it, bytes.
    pub(crate) stream_window: u32,
    pub(crate) is_compressed: bool,
    /// The most bytes of a message.
    pub(crate) longest: usize,
    /// Things that somebody does to the network and its hosts.
    pub(crate) deeds: usize,
}

/// A number from `least` to `most`.
pub(crate) fn between(random: &mut Random, least: usize, most: usize) -> usize {
    least + random.below(most - least + 1)
}

/// A time up to `most`, and more often a short one: each order of magnitude from a microsecond on is as likely.
pub(crate) fn some_time(random: &mut Random, most: Duration) -> Duration {
    let mut top = Duration::from_micros(1);
    while top < most && random.chance(0.85) {
        top *= 10;
    }
    random.up_to(top.min(most))
}

impl Plan {
    /// What may end calls early.
    pub(crate) fn excuses(&self) -> Excuses {
        Excuses {
            any: !self.is_calm,
            grace: self.max_age.map(|_| GRACE),
            few_streams: self.max_streams < 128,
        }
    }

    /// How long a call may take and still not hang: a quarter of an hour for what goes wrong, and what the link needs for
    /// the messages of all calls that share a connection. A small buffer over a long way is slow without any fault.
    pub(crate) fn patience(&self) -> Duration {
        let Link { latency, jitter, bandwidth, buffer, ref faults } = self.link;
        let bytes = (2 * MOST_MESSAGES * self.tasks * self.longest) as f64;
        let lost =
            faults.longest_stall.mul_f64(faults.stall) + faults.longest_partition.mul_f64(faults.partition);
        // A torn write or read takes half of what it could.
        let trips = bytes / (buffer as f64 / 4.0);
        let on_the_way = (latency + jitter + lost).mul_f64(trips);
        let through = Duration::from_secs_f64(bandwidth.map_or(0.0, |rate| bytes / rate as f64));
        Duration::from_secs(15 * 60) + on_the_way + through
    }

    pub(crate) fn draw(random: &mut Random) -> Self {
        let is_calm = random.chance(0.2);
        let faults = if is_calm { Faults::default() } else { faults(random) };
        let mut link = Link::default()
            .latency(some_time(random, Duration::from_millis(200)))
            .jitter(some_time(random, Duration::from_millis(100)))
            .faults(faults);
        if random.chance(0.3) {
            link = link.bandwidth(between(random, 50_000, 2_000_000) as u64);
        }
        if random.chance(0.3) {
            link = link.buffer(between(random, 100, 20_000));
        }
        Self {
            is_calm,
            link,
            clients: between(random, 1, 3),
            tasks: between(random, 1, 4),
            calls: between(random, 20, 24),
            keepalive: Duration::from_secs(between(random, 10, 60) as u64),
            keepalive_timeout: Duration::from_secs(between(random, 5, 20) as u64),
            max_streams: if random.chance(0.3) { between(random, 1, 4) as u32 } else { 128 },
            max_age: random.chance(0.3).then(|| some_time(random, Duration::from_secs(20)).max(SHORTEST_AGE)),
            max_idle: random
                .chance(0.2)
                .then(|| some_time(random, Duration::from_secs(20)).max(SHORTEST_AGE)),
            stream_window: if random.chance(0.3) { between(random, 1, 70_000) as u32 } else { 64 << 10 },
            is_compressed: random.chance(0.3),
            longest: if random.chance(0.1) { 1 << 20 } else { 100_000 },
            deeds: if is_calm { 0 } else { between(random, 0, 8) },
        }
    }
}

/// Each of them or none: most faults hide others.
fn faults(random: &mut Random) -> Faults {
    let mut faults = Faults::default();
    let mut rate =
        |most: f64| if random.chance(0.3) { most * random.below(1001) as f64 / 1000.0 } else { 0.0 };
    faults.torn_read = rate(1.0);
    faults.torn_write = rate(1.0);
    faults.stall = rate(0.05);
    faults.reset = rate(0.02);
    faults.half_open = rate(0.005);
    faults.partition = rate(0.01);
    faults.refused = rate(0.5);
    faults.unanswered = rate(0.3);
    faults.longest_stall = some_time(random, Duration::from_secs(5));
    faults.longest_partition = some_time(random, Duration::from_secs(60));
    faults
}
