use core::sync::atomic::Ordering;
use core::task::Poll;
use std::sync::Arc;

use unwired_core::grpc::CallId;
use unwired_core::grpc::client::{Connection, NewCall, StartError};

use super::client_channel::ClientChannel;
use super::connected::Connected;
use super::turns::Ticket;
use crate::Status;
use crate::driver::Link;

/// Starts a call: waits for a connection, and for its turn on it; then runs `then` under the connection's lock, so that
/// what it sends leaves together with the head.
///
/// # Errors
///
/// The status of a call that cannot be started.
pub(crate) async fn start<R>(
    channel: &Arc<ClientChannel>,
    call: &NewCall<'_>,
    waits_for_ready: bool,
    mut then: impl FnMut(&mut Connection, CallId) -> R,
) -> Result<(Arc<Link<Connection>>, CallId, R), Status> {
    let mut ticket: Option<Ticket> = None;
    // The connection that the ticket is for.
    let mut queued: Option<Arc<Connected>> = None;
    core::future::poll_fn(|cx| {
        loop {
            let now = channel.runtime.now();
            let connected = match queued.take() {
                Some(connected) => connected,
                None => match channel.poll_pick(now, waits_for_ready, cx.waker()) {
                    Poll::Ready(Ok(connected)) => connected,
                    Poll::Ready(Err(status)) => return Poll::Ready(Err(status)),
                    Poll::Pending => {
                        ticket = None;
                        return Poll::Pending;
                    }
                },
            };
            let mut start_on = |connected: &Connected| {
                let started = connected.link.with(|shared| {
                    let call = shared.conn.start(now, call)?;
                    Ok((call, then(&mut shared.conn, call)))
                });
                if matches!(started, Err(StartError::Busy)) {
                    connected.is_full.store(true, Ordering::Relaxed);
                    return None;
                }
                Some(started)
            };
            let is_alone = channel.options.max_connections <= 1;
            // Where it started, if that is not where it was to.
            let mut elsewhere = None;
            let start = || {
                start_on(&connected).or_else(|| {
                    let siblings = if is_alone { Vec::new() } else { channel.siblings(&connected) };
                    siblings.into_iter().find_map(|sibling| {
                        let started = start_on(&sibling)?;
                        elsewhere = Some(sibling);
                        Some(started)
                    })
                })
            };
            let started = connected.turns.poll(&mut ticket, cx.waker(), start);
            match started {
                Poll::Ready(Ok((call, result))) => {
                    let link = Arc::clone(&elsewhere.as_ref().unwrap_or(&connected).link);
                    return Poll::Ready(Ok((link, call, result)));
                }
                Poll::Ready(Err(StartError::GoingAway)) => {
                    channel.lost(elsewhere.as_ref().unwrap_or(&connected));
                }
                Poll::Ready(Err(StartError::Failed(status))) => return Poll::Ready(Err(status)),
                Poll::Ready(Err(StartError::Busy)) => {}
                Poll::Pending => {
                    if !is_alone {
                        channel.grow(&connected);
                    }
                    queued = Some(connected);
                    return Poll::Pending;
                }
            }
        }
    })
    .await
}
