use core::future::poll_fn;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use unwired::transport::{BoxListener, RuntimeHandle};
use unwired::{Instant, Request, Response, Status};
use unwired_proto::grpc::testing::reconnect_service_server::{ReconnectService, ReconnectServiceServer};
use unwired_proto::grpc::testing::{Empty, ReconnectInfo, ReconnectParams};

/// gRPC, `connection-backoff.md`: the first wait, and by how much each is longer than the one before.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MULTIPLIER: f64 = 1.6;
/// By which share a wait may be shorter or longer.
const JITTER: f64 = 0.2;
const MAX_BACKOFF: Duration = Duration::from_secs(120);
/// What a connection may take to be seen.
const TRANSMISSION: Duration = Duration::from_millis(100);
/// How long the system gets when it cannot give a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Watches a client that tries to connect, and never succeeds: every connection is closed at once.
#[derive(Debug)]
pub struct Reconnect(Arc<Mutex<Watch>>);

#[derive(Debug, Default)]
struct Watch {
    max_backoff: Duration,
    tries: Vec<Instant>,
}

impl Reconnect {
    /// Watches `listener`, for as long as the runtime goes on.
    pub fn watch(runtime: &RuntimeHandle, mut listener: BoxListener) -> Self {
        let watch = Arc::new(Mutex::new(Watch::default()));
        let (seen, clock) = (Arc::clone(&watch), runtime.clone());
        runtime.spawn(async move {
            loop {
                match poll_fn(|cx| listener.poll_accept(cx)).await {
                    Ok(connection) => {
                        drop(connection);
                        lock(&seen).tries.push(clock.now());
                    }
                    Err(_) => clock.sleep(PAUSE).await,
                }
            }
        });
        Self(watch)
    }

    /// What is added to a server.
    pub fn service(self) -> ReconnectServiceServer<Self> {
        ReconnectServiceServer::new(self)
    }
}

fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a client waits as it should that has waited so long between its tries.
fn keeps_to_the_rules(waits: &[Duration], max_backoff: Duration) -> bool {
    let mut expected = INITIAL_BACKOFF;
    waits.iter().all(|&wait| {
        let shortest = expected.mul_f64(1.0 - JITTER).saturating_sub(TRANSMISSION);
        let longest = expected.mul_f64(1.0 + JITTER) + TRANSMISSION;
        expected = expected.mul_f64(MULTIPLIER).min(max_backoff);
        (shortest..=longest).contains(&wait)
    })
}

impl ReconnectService for Reconnect {
    async fn start(&self, request: Request<ReconnectParams>) -> Result<Response<Empty>, Status> {
        let max_backoff = match u64::try_from(request.get_ref().max_reconnect_backoff_ms) {
            Ok(millis @ 1..) => Duration::from_millis(millis),
            Ok(0) => MAX_BACKOFF,
            Err(_) => return Err(Status::invalid_argument("max_reconnect_backoff_ms cannot be negative")),
        };
        *lock(&self.0) = Watch { max_backoff, tries: Vec::new() };
        Ok(Response::new(Empty {}))
    }

    async fn stop(&self, _: Request<Empty>) -> Result<Response<ReconnectInfo>, Status> {
        let Watch { max_backoff, tries } = core::mem::take(&mut *lock(&self.0));
        let waits: Vec<Duration> =
            tries.iter().zip(tries.iter().skip(1)).map(|(&one, &next)| next - one).collect();
        Ok(Response::new(ReconnectInfo {
            // A client that has not tried twice has shown nothing.
            passed: !waits.is_empty() && keeps_to_the_rules(&waits, max_backoff),
            backoff_ms: waits
                .iter()
                .map(|wait| i32::try_from(wait.as_millis()).unwrap_or(i32::MAX))
                .collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(waits: &[f64]) -> Vec<Duration> {
        waits.iter().copied().map(Duration::from_secs_f64).collect()
    }

    #[test]
    fn waits_grow_by_the_rules_up_to_the_longest() {
        let keep = |waits: &[f64]| keeps_to_the_rules(&seconds(waits), Duration::from_secs(4));
        assert!(keep(&[1.0, 1.6, 2.56, 4.0, 4.0]));
        assert!(keep(&[0.8, 1.92, 2.1, 4.8]));
        assert!(!keep(&[0.6]), "too soon");
        assert!(!keep(&[1.0, 1.0]), "does not grow");
        assert!(!keep(&[1.0, 1.6, 2.56, 6.5]), "grows for ever");
    }
}
