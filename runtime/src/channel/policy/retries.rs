use core::time::Duration;

use super::Throttle;
#[cfg(test)]
use crate::Code;
use crate::channel::RetryPolicy;
use crate::{Metadata, Status};

/// How a server says when it wants a call again (gRFC A6): milliseconds; whatever is no such number: never.
/// How a server says when it wants a call again, in milliseconds; what is no number says never.
pub(crate) const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// gRFC A6: each pause is drawn from 0.8 to 1.2 of what it should be.
const JITTER: (f64, f64) = (0.8, 0.4);

/// What a server says about when it wants a call again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pushback {
    None,
    After(Duration),
    Never,
}

impl Pushback {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        match metadata.get(PUSHBACK) {
            None => Self::None,
            Some(text) => text
                .parse::<u32>()
                .map_or(Self::Never, |millis| Self::After(Duration::from_millis(millis.into()))),
        }
    }
}

/// What is done about an attempt that has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Its status is that of the call.
    GiveUp,
    /// Another attempt follows after that time.
    Again(Duration),
}

/// How often one call was sent, and whether it is sent again (gRFC A6).
#[derive(Debug)]
pub(crate) struct Retries {
    /// Attempts that count.
    made: u32,
    /// Of the pauses before attempts, those since the server named one.
    pauses: u32,
    /// A server has refused the call without acting on it, and it was sent again for that.
    was_refused: bool,
    random: u64,
}

impl Retries {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { made: 1, pauses: 0, was_refused: false, random: seed | 1 }
    }

    /// What `grpc-previous-rpc-attempts` says of the next attempt.
    pub(crate) const fn previous(&self) -> u32 {
        self.made - 1
    }

    /// An attempt ended with `status`. A server has never acted on it if it is `unprocessed`: then it is sent again once,
    /// whatever the policy says, and that does not count.
    pub(crate) fn on_failure(
        &mut self,
        policy: Option<&RetryPolicy>,
        throttle: Option<&Throttle>,
        status: &Status,
        unprocessed: bool,
    ) -> Verdict {
        if unprocessed && !self.was_refused {
            self.was_refused = true;
            return Verdict::Again(Duration::ZERO);
        }
        let Some(policy) = policy else { return Verdict::GiveUp };
        let pushback = Pushback::of(status.metadata());
        if !policy.codes.contains(status.code()) {
            return Verdict::GiveUp;
        }
        let is_allowed = throttle.is_none_or(Throttle::on_failure);
        if !is_allowed || pushback == Pushback::Never || self.made >= policy.max_attempts {
            return Verdict::GiveUp;
        }
        self.made += 1;
        if let Pushback::After(pause) = pushback {
            self.pauses = 0;
            return Verdict::Again(pause);
        }
        let exponent = i32::try_from(self.pauses).unwrap_or(i32::MAX);
        self.pauses += 1;
        let grown = policy.initial_backoff.as_secs_f64() * f64::from(policy.multiplier).powi(exponent);
        let pause = grown.min(policy.max_backoff.as_secs_f64()) * (JITTER.0 + JITTER.1 * self.draw());
        Verdict::Again(Duration::try_from_secs_f64(pause).unwrap_or(policy.max_backoff))
    }

    /// From 0 to 1 (Marsaglia's xorshift).
    fn draw(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::RetryThrottling;

    fn policy(attempts: u32) -> RetryPolicy {
        RetryPolicy::new(attempts, [Code::Unavailable, Code::Aborted]).backoff(
            Duration::from_millis(100),
            Duration::from_millis(500),
            2.0,
        )
    }

    fn pushing_back(value: &str) -> Status {
        let mut status = Status::unavailable("busy");
        status.metadata_mut().insert(PUSHBACK, value).unwrap();
        status
    }

    #[test]
    fn pauses_grow_up_to_a_most_give_or_take_a_fifth() {
        for seed in 0..1000 {
            let (policy, mut retries) = (policy(5), Retries::new(seed));
            for expected in [0.1, 0.2, 0.4, 0.5] {
                let verdict = retries.on_failure(Some(&policy), None, &Status::unavailable(""), false);
                let Verdict::Again(pause) = verdict else { panic!("{verdict:?}") };
                let range = expected * 0.8 - 1e-9..=expected * 1.2 + 1e-9;
                assert!(range.contains(&pause.as_secs_f64()), "{pause:?} for {expected} s");
            }
            assert_eq!(retries.previous(), 4);
            let last = retries.on_failure(Some(&policy), None, &Status::unavailable(""), false);
            assert_eq!(last, Verdict::GiveUp);
        }
    }

    #[test]
    fn other_codes_are_final_and_attempts_are_five_at_most() {
        let status = Status::not_found("");
        assert_eq!(Retries::new(1).on_failure(Some(&policy(3)), None, &status, false), Verdict::GiveUp);
        assert_eq!(Retries::new(1).on_failure(None, None, &Status::unavailable(""), false), Verdict::GiveUp);
        assert_eq!((policy(100).max_attempts, policy(0).max_attempts), (5, 2));
    }

    #[test]
    fn a_server_may_say_when_or_never() {
        let policy = policy(5);
        let mut retries = Retries::new(1);
        let mut judge = |status: &Status| retries.on_failure(Some(&policy), None, status, false);
        assert_eq!(judge(&pushing_back("2500")), Verdict::Again(Duration::from_millis(2500)));
        let Verdict::Again(pause) = judge(&Status::unavailable("")) else { panic!("a retry") };
        assert!(pause <= Duration::from_millis(120), "a pause that was named begins the count anew");
        for never in ["-1", "soon", "", "99999999999"] {
            assert_eq!(judge(&pushing_back(never)), Verdict::GiveUp, "{never}");
        }
    }

    #[test]
    fn what_no_server_acted_on_is_sent_again_once_whatever_the_policy_says() {
        let mut retries = Retries::new(1);
        let refused = Status::unavailable("refused");
        assert_eq!(retries.on_failure(None, None, &refused, true), Verdict::Again(Duration::ZERO));
        assert_eq!(retries.previous(), 0);
        assert_eq!(retries.on_failure(None, None, &refused, true), Verdict::GiveUp);
        assert_ne!(retries.on_failure(Some(&policy(2)), None, &refused, true), Verdict::GiveUp);
    }

    #[test]
    fn a_throttle_stops_retries() {
        let throttle = Throttle::new(RetryThrottling::new(4, 0.1));
        let (policy, failed) = (policy(5), Status::unavailable(""));
        let mut retries = Retries::new(1);
        assert_ne!(retries.on_failure(Some(&policy), Some(&throttle), &failed, false), Verdict::GiveUp);
        assert_eq!(retries.on_failure(Some(&policy), Some(&throttle), &failed, false), Verdict::GiveUp);
    }
}
