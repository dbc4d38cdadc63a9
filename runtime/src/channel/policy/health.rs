use core::time::Duration;

use unwired_core::Instant;

use super::Backoff;
use super::server::Failure;
use crate::{Code, Status};

/// A watch that was answered and has ended is not begun again sooner than this after its beginning.
const REST: Duration = Duration::from_secs(1);

/// What is known of the server behind a connection, as far as it tells (gRPC A17).
#[derive(Clone, Debug)]
pub(crate) enum Health {
    /// It takes calls, or does not tell.
    Serving,
    /// It is there and takes no calls, or cannot be asked.
    NotServing(Failure),
}

/// The watch over one connection: what each answer means, and when to ask again after it has ended.
pub(crate) struct HealthCheck {
    backoff: Backoff,
    begun: Instant,
    is_answered: bool,
}

impl HealthCheck {
    pub(crate) fn new(seed: u64) -> Self {
        Self { backoff: Backoff::new(seed), begun: Instant::ZERO, is_answered: false }
    }

    /// A watch begins.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.begun = now;
        self.is_answered = false;
    }

    /// The server says how it stands with `service`; `status` is a `grpc.health.v1.HealthCheckResponse.ServingStatus`.
    pub(crate) fn answered(&mut self, service: &str, status: i32) -> Health {
        self.is_answered = true;
        self.backoff.on_success();
        let said = match status {
            1 => return Health::Serving,
            2 => "NOT_SERVING",
            3 => "SERVICE_UNKNOWN",
            _ => "UNKNOWN",
        };
        Health::NotServing(Failure::new(
            format!("connected, and its health service says {said} of {service:?}"),
            None,
        ))
    }

    /// The watch has ended. What that means, and when to begin another, if ever.
    pub(crate) fn ended(&mut self, status: &Status) -> (Health, Option<Instant>) {
        if status.code() == Code::Unimplemented {
            // A server that has no such service is as it would be without the check.
            return (Health::Serving, None);
        }
        let again = if self.is_answered { self.begun + REST } else { self.backoff.on_failure(self.begun) };
        let why = format!("connected, and its health service does not answer: {status}");
        (Health::NotServing(Failure::new(why, None)), Some(again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_serving(health: &Health) -> bool {
        matches!(health, Health::Serving)
    }

    #[test]
    fn serving_alone_means_calls() {
        let mut check = HealthCheck::new(1);
        check.begin(Instant::ZERO);
        let health = [0, 1, 2, 3, 4].map(|status| is_serving(&check.answered("a.B", status)));
        assert_eq!(health, [false, true, false, false, false]);
    }

    #[test]
    fn a_server_without_the_service_is_not_asked_again() {
        let mut check = HealthCheck::new(1);
        check.begin(Instant::ZERO);
        let (health, again) = check.ended(&Status::unimplemented("no such service"));
        assert!(is_serving(&health) && again.is_none());
    }

    #[test]
    fn watches_that_fail_are_begun_with_pauses_that_grow_until_one_is_answered() {
        let mut check = HealthCheck::new(1);
        let mut now = Instant::ZERO;
        let mut expected = 1.0;
        for _ in 0..20 {
            check.begin(now);
            let (health, again) = check.ended(&Status::unavailable("not now"));
            assert!(!is_serving(&health));
            let pause = (again.unwrap() - now).as_secs_f64();
            assert!(
                (0.8 * expected - 1e-6..=1.2 * expected + 1e-6).contains(&pause),
                "{pause} for {expected}"
            );
            expected = (expected * 1.6_f64).min(120.0);
            now = again.unwrap();
        }
        check.begin(now);
        check.answered("a.B", 2);
        let (_, again) = check.ended(&Status::unavailable("over"));
        assert_eq!(again, Some(now + REST), "and at once if it went on for longer than that");
    }
}
