use core::task::{Poll, ready};
use std::sync::Arc;

use unwired_core::grpc::CallId;
use unwired_core::grpc::client::{Connection, NewCall, StartError};

use super::connecting::Subchannel;
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
    subchannel: &Arc<Subchannel>,
    call: &NewCall<'_>,
    mut then: impl FnMut(&mut Connection, CallId) -> R,
) -> Result<(Arc<Link<Connection>>, CallId, R), Status> {
    let mut ticket: Option<Ticket> = None;
    core::future::poll_fn(|cx| {
        loop {
            let connected = match subchannel.poll_link(cx.waker()) {
                Poll::Ready(Ok(connected)) => connected,
                Poll::Ready(Err(status)) => return Poll::Ready(Err(status)),
                Poll::Pending => {
                    ticket = None;
                    return Poll::Pending;
                }
            };
            let link = &connected.link;
            let start = || {
                let started = link.with(|shared| {
                    let call = shared.conn.start(subchannel.runtime.now(), call)?;
                    Ok((call, then(&mut shared.conn, call)))
                });
                if matches!(started, Err(StartError::Busy)) { None } else { Some(started) }
            };
            match ready!(connected.turns.poll(&mut ticket, cx.waker(), start)) {
                Ok((call, result)) => return Poll::Ready(Ok((Arc::clone(link), call, result))),
                Err(StartError::GoingAway) => subchannel.retire(link),
                Err(StartError::Failed(status)) => return Poll::Ready(Err(status)),
                Err(StartError::Busy) => {}
            }
        }
    })
    .await
}
