use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use super::checks::{equal, that};
use super::messages::{simple, size_of};
use super::{Caller, Failure, Outcome};

/// Large calls, one after the other, on one channel.
pub(super) async fn rpc_soak(caller: &Caller) -> Outcome {
    let client = caller.client();
    soak(caller, || client.clone()).await
}

/// The same, with a channel for each.
pub(super) async fn channel_soak(caller: &Caller) -> Outcome {
    soak(caller, || caller.client()).await
}

/// The same as [`rpc_soak`]: who runs it sets the interval between calls.
pub(super) async fn long_lived_channel(caller: &Caller) -> Outcome {
    rpc_soak(caller).await
}

/// Calls on what `client` gives, as many as the flags say; each that failed says why.
async fn soak(caller: &Caller, client: impl Fn() -> TestServiceClient) -> Outcome {
    let soak = caller.soak;
    let (begun, over) = (AtomicU32::new(0), AtomicU32::new(0));
    let failures = Mutex::new(Vec::new());
    let thread = async || {
        while begun.fetch_add(1, Ordering::Relaxed) < soak.iterations {
            let next = caller.runtime.now() + soak.min_interval;
            if let Err(failure) = one(caller, &client()).await {
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure.to_string());
            }
            over.fetch_add(1, Ordering::Relaxed);
            if over.load(Ordering::Relaxed) < soak.iterations {
                caller.runtime.sleep_until(next).await;
            }
        }
    };
    let threads = join_all((0..soak.threads).map(|_| thread()));
    // What was not done in time is seen by the count.
    let _ = caller.runtime.timeout(soak.overall_timeout, threads).await;
    equal("the calls that were made in time", over.into_inner(), soak.iterations)?;
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    that(failures.len() <= soak.max_failures as usize, || {
        format!("{} of {} calls failed: {}", failures.len(), soak.iterations, failures.join("; "))
    })
}

async fn one(caller: &Caller, client: &TestServiceClient) -> Result<(), Failure> {
    let soak = caller.soak;
    let begun = caller.runtime.now();
    let response = client.unary_call(simple(soak.request_size, soak.response_size)).await?.into_inner();
    equal("the response's payload", size_of(response.payload.as_ref()), soak.response_size)?;
    let took = caller.runtime.now() - begun;
    that(took <= soak.max_latency, || {
        format!("a call took {took:?}, and {:?} at most are allowed", soak.max_latency)
    })
}
