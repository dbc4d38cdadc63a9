use core::future::poll_fn;
use core::pin::Pin;
use core::task::Poll;
use std::sync::Arc;

use unwired_core::grpc::Message;

use super::policy::{Pushback, Throttle};
use super::service_config::HedgingPolicy;
use super::setup::Setup;
use crate::Status;
use crate::call::CallHandle;
use crate::transport::BoxFuture;

/// Sends a call several times, each after a while without an answer, and gives the one that is answered first (gRFC A6). The
/// others are given up.
///
/// # Errors
///
/// The status of the attempt that ended the call, or of the last one.
pub(super) async fn hedge(
    setup: &Setup<'_>,
    policy: &HedgingPolicy,
    message: &Message,
) -> Result<Arc<CallHandle>, Status> {
    let runtime = &setup.channel.runtime;
    let throttle = setup.channel.throttle.as_ref();
    let mut running: Vec<BoxFuture<'_, Result<Arc<CallHandle>, Status>>> = Vec::new();
    let mut made = 0;
    // When the next attempt is due; `None` when there is none to come.
    let mut next = Some(runtime.now());
    let mut sleep = None;
    poll_fn(|cx| {
        loop {
            let now = runtime.now();
            if next.is_some_and(|at| at <= now) {
                sleep = None;
                let is_open = made == 0 || throttle.is_none_or(Throttle::is_open);
                if is_open && made < policy.max_attempts {
                    running.push(Box::pin(attempt(*setup, made, message.clone())));
                    made += 1;
                }
                next = (is_open && made < policy.max_attempts).then(|| now + policy.delay);
            }
            let mut ended = None;
            for (index, future) in running.iter_mut().enumerate() {
                if let Poll::Ready(outcome) = future.as_mut().poll(cx) {
                    ended = Some((index, outcome));
                    break;
                }
            }
            match ended {
                None => {}
                Some((_, Ok(call))) => {
                    if let Some(throttle) = throttle {
                        throttle.on_success();
                    }
                    return Poll::Ready(Ok(call));
                }
                Some((index, Err(status))) => {
                    drop(running.remove(index));
                    if !policy.non_fatal.contains(status.code()) {
                        return Poll::Ready(Err(status));
                    }
                    let is_open = throttle.is_none_or(Throttle::on_failure);
                    let has_more = is_open && made < policy.max_attempts;
                    next = match Pushback::of(status.metadata()) {
                        Pushback::None if has_more => Some(now),
                        Pushback::After(pause) if has_more => Some(now + pause),
                        _ => None,
                    };
                    sleep = None;
                    if running.is_empty() && next.is_none() {
                        return Poll::Ready(Err(status));
                    }
                    continue;
                }
            }
            let Some(at) = next else { return Poll::Pending };
            let sleep = sleep.get_or_insert_with(|| runtime.sleep_until(at));
            if Pin::new(sleep).poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// One attempt: the call once the server has begun to answer it, or why it did not.
async fn attempt(setup: Setup<'_>, previous: u32, message: Message) -> Result<Arc<CallHandle>, Status> {
    let mut was_refused = false;
    loop {
        let call = setup.start(previous, Some(message.clone())).await?;
        poll_fn(|cx| call.calls.poll_metadata(call.id, cx.waker())).await;
        if call.calls.has_answered(call.id) {
            return Ok(call);
        }
        let status = poll_fn(|cx| call.calls.poll_status(call.id, cx.waker())).await;
        if status.is_ok() {
            return Ok(call);
        }
        // What no server has acted on does not count.
        if was_refused || !call.calls.is_unprocessed(call.id) {
            return Err(status);
        }
        was_refused = true;
    }
}
