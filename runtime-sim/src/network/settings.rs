use core::time::Duration;

/// What is between two hosts.
#[derive(Clone, Debug)]
pub struct Link {
    /// How long bytes are on their way at least.
    pub latency: Duration,
    /// How much longer they may be on their way; the seed says how much. Bytes of one connection never overtake others.
    pub jitter: Duration,
    /// Bytes a second of each connection, each way. As many as there are for none.
    pub bandwidth: Option<u64>,
    /// Bytes of a connection that were written and not read yet, each way: no more are taken until some are read.
    pub buffer: usize,
    /// What goes wrong by chance.
    pub faults: Faults,
}

impl Default for Link {
    /// A good local network: 0.5 ms give or take a bit, and no faults.
    fn default() -> Self {
        Self {
            latency: Duration::from_micros(500),
            jitter: Duration::from_micros(100),
            bandwidth: None,
            buffer: 256 << 10,
            faults: Faults::default(),
        }
    }
}

impl Link {
    /// What is between a host and itself.
    pub(super) fn loopback() -> Self {
        Self { latency: Duration::from_micros(20), jitter: Duration::from_micros(5), ..Self::default() }
    }

    /// With that latency.
    #[must_use]
    pub const fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// With that jitter.
    #[must_use]
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// With that bandwidth, bytes a second. 0 is taken as 1.
    #[must_use]
    pub const fn bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.bandwidth = Some(bytes_per_second);
        self
    }

    /// With buffers of that size, bytes. 0 is taken as 1.
    #[must_use]
    pub const fn buffer(mut self, bytes: usize) -> Self {
        self.buffer = bytes;
        self
    }

    /// With those faults.
    #[must_use]
    pub const fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }
}

/// What goes wrong by chance. Probabilities are from 0 (never, the default of all) to 1 (always); the seed
/// decides. Name those that you want, and take the rest `..Faults::default()`: there may be more of them one day.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Of each read: it gives less than there is.
    pub torn_read: f64,
    /// Of each write: it takes less than there is room for.
    pub torn_write: f64,
    /// Of each segment (up to 16 KiB of one write): it stalls, and all that comes after it.
    pub stall: f64,
    /// The longest stall.
    pub longest_stall: Duration,
    /// Of each segment: the connection is reset at both ends.
    pub reset: f64,
    /// Of each segment: one end of the connection is reset, and the other never hears of it.
    pub half_open: f64,
    /// Of each segment: the two hosts are parted for a while.
    pub partition: f64,
    /// The longest partition.
    pub longest_partition: Duration,
    /// Of each connect: it is refused.
    pub refused: f64,
    /// Of each connect: it is never answered.
    pub unanswered: f64,
}
