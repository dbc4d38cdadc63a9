use core::future::poll_fn;
use core::pin::Pin;
use core::task::Poll;
use std::sync::Arc;

use unwired_core::grpc::Message;

use super::policy::{Pushback, Throttle};
use super::service_config::HedgingPolicy;
use super::setup::{Setup, too_late};
use crate::Status;
use crate::call::CallHandle;
use crate::transport::BoxFuture;

/// Makes attempts of a call, each after a while without an answer, and gives what comes of the first that is answered
/// (gRFC A6). The others are given up. Each is told how many there were before it.
///
/// # Errors
///
/// The status of the attempt that ended the call, or of the last one; DEADLINE_EXCEEDED where there is no time for the next.
pub(super) async fn hedge<'a, T, F>(
    setup: &Setup<'_>,
    policy: &HedgingPolicy,
    attempt: impl Fn(u32) -> F,
) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>> + Send + 'a,
{
    let runtime = &setup.channel.runtime;
    let throttle = setup.throttle.as_deref();
    let mut running: Vec<BoxFuture<'a, Result<T, Status>>> = Vec::new();
    let mut made = 0;
    // When the next attempt is due; `None` when there is none to come.
    let mut next = Some(runtime.now());
    // Of the last attempt, where the deadline comes before the next.
    let mut last: Option<Status> = None;
    let mut sleep = None;
    poll_fn(|cx| {
        loop {
            let now = runtime.now();
            if next.is_some_and(|at| at <= now) {
                if let Some(last) = last.take() {
                    return Poll::Ready(Err(too_late(last)));
                }
                sleep = None;
                let is_open = made == 0 || throttle.is_none_or(Throttle::is_open);
                if is_open && made < policy.max_attempts {
                    running.push(Box::pin(attempt(made)));
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
                Some((_, Ok(answered))) => return Poll::Ready(Ok(answered)),
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
                    if running.is_empty() {
                        let Some(at) = next else { return Poll::Ready(Err(status)) };
                        // Attempts keep the deadline themselves; here there is none that would.
                        if let Some(deadline) = setup.deadline.filter(|deadline| *deadline < at) {
                            next = Some(deadline);
                            last = Some(status);
                        }
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
pub(super) async fn attempt(
    setup: &Setup<'_>,
    previous: u32,
    message: Message,
) -> Result<Arc<CallHandle>, Status> {
    let mut was_refused = false;
    loop {
        let call = setup.start(previous, Some(message.clone())).await?;
        poll_fn(|cx| call.calls.poll_metadata(call.id, cx.waker())).await;
        if is_answered(setup, &call, &mut was_refused).await? {
            return Ok(call);
        }
    }
}

/// Whether a server has answered `call`, which has metadata or has come to its end; `false` where it is to be made again,
/// since no server has acted on it: once, and that does not count.
///
/// # Errors
///
/// The status that it ended with.
pub(super) async fn is_answered(
    setup: &Setup<'_>,
    call: &CallHandle,
    was_refused: &mut bool,
) -> Result<bool, Status> {
    if !call.calls.has_answered(call.id) {
        let status = poll_fn(|cx| call.calls.poll_status(call.id, cx.waker())).await;
        if !status.is_ok() {
            if core::mem::replace(was_refused, true) || !call.calls.is_unprocessed(call.id) {
                return Err(status);
            }
            return Ok(false);
        }
    }
    if let Some(throttle) = &setup.throttle {
        throttle.on_success();
    }
    Ok(true)
}
