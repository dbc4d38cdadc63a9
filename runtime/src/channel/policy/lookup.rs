use core::time::Duration;

use unwired_core::Instant;

use super::Backoff;

/// As in every gRPC: a name is not asked for more often.
const MIN_INTERVAL: Duration = Duration::from_secs(30);

/// Also who says that an answer holds for no time shall not be asked without pause.
const SHORTEST: Duration = Duration::from_secs(1);

/// When the servers are asked for.
#[derive(Debug)]
pub(super) struct Lookup {
    stage: Stage,
    backoff: Backoff,
    /// Every answer is the same.
    is_fixed: bool,
    /// Connections have failed since the last answer.
    is_doubted: bool,
}

#[derive(Debug)]
enum Stage {
    Never,
    Running { begun: Instant },
    Found { at: Instant, until: Option<Instant> },
    Failed { until: Instant },
}

impl Lookup {
    pub(super) fn new(seed: u64, is_fixed: bool) -> Self {
        Self { stage: Stage::Never, backoff: Backoff::new(seed), is_fixed, is_doubted: false }
    }

    /// When to ask next, if it is not known that there is no need.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.stage {
            Stage::Never => Some(Instant::ZERO),
            Stage::Running { .. } => None,
            Stage::Found { .. } if self.is_fixed => None,
            Stage::Found { at, until } => {
                let again = self.is_doubted.then(|| at + MIN_INTERVAL);
                [again, until].into_iter().flatten().min()
            }
            Stage::Failed { until } => Some(until),
        }
    }

    /// Whether to ask now; then it is so that somebody does.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now);
        if is_due {
            self.stage = Stage::Running { begun: now };
            self.is_doubted = false;
        }
        is_due
    }

    /// An answer of before is too old for connections that are to be made now.
    pub(super) fn forget_old(&mut self, now: Instant) {
        if let Stage::Found { at, .. } = self.stage
            && !self.is_fixed
            && now - at >= MIN_INTERVAL
        {
            self.stage = Stage::Never;
        }
    }

    /// Connections fail: the answer may be wrong.
    pub(super) const fn doubt(&mut self) {
        self.is_doubted = true;
    }

    pub(super) fn found(&mut self, now: Instant, valid_for: Option<Duration>) {
        self.backoff.on_success();
        self.stage = Stage::Found { at: now, until: valid_for.map(|duration| now + duration.max(SHORTEST)) };
    }

    pub(super) fn failed(&mut self, now: Instant) {
        let begun = if let Stage::Running { begun } = self.stage { begun } else { now };
        self.stage = Stage::Failed { until: self.backoff.on_failure(begun) };
    }

    pub(super) const fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Running { .. })
    }
}
