use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::Arc;

use unwired_core::Instant;
use unwired_core::grpc::client::NewCall;
use unwired_core::grpc::{CallId, CallLimits, Cardinality, Encoding, Message, SendMessageError};

use super::client_channel::ClientChannel;
use super::resending::Resending;
use super::service_config::Attempts;
use super::starting::start;
use crate::call::{CallHandle, Calls, Cancellation};
use crate::{Metadata, Status};

/// What a call is made with.
#[derive(Clone, Copy)]
pub(super) struct Setup<'a> {
    pub(super) channel: &'a Arc<ClientChannel>,
    pub(super) path: &'static str,
    pub(super) metadata: &'a Metadata,
    pub(super) deadline: Option<Instant>,
    pub(super) response: Cardinality,
    pub(super) encoding: Encoding,
    pub(super) limits: CallLimits,
    pub(super) waits_for_ready: bool,
    pub(super) parent: Option<&'a Cancellation>,
    pub(super) attempts: Option<&'a Attempts>,
}

impl Setup<'_> {
    /// Starts a call, with its one message if it has one, after so many attempts that count.
    pub(super) async fn start(
        &self,
        previous_attempts: u32,
        message: Option<Message>,
    ) -> Result<Arc<CallHandle>, Status> {
        let channel = self.channel;
        let call = NewCall {
            scheme: channel.options.scheme,
            authority: &channel.options.authority,
            path: self.path,
            user_agent: &channel.options.user_agent,
            metadata: self.metadata,
            deadline: self.deadline,
            response: self.response,
            encoding: self.encoding,
            limits: self.limits,
            previous_attempts,
        };
        #[cfg(feature = "mount")]
        if let Some(http) = channel.http()? {
            let handle = http.start(&channel.runtime, &channel.config, &call, message)?;
            self.cancel_with_parent(&handle);
            return Ok(handle);
        }
        let mut message = message;
        let started = start(channel, &call, self.waits_for_ready, |conn, call| match message.take() {
            // A call that has just begun has room for one message.
            Some(message) => conn.send_message(call, message).and_then(|()| conn.half_close(call)),
            None => Ok(()),
        });
        let started = unless_cancelled(self.parent.cloned(), started);
        let Ok(started) = channel.runtime.timeout_at(self.deadline, started).await else {
            let target = &channel.target;
            channel.tally.on_unsent();
            return Err(Status::deadline_exceeded(format!(
                "the deadline passed while the call waited for a connection to {target}"
            )));
        };
        let (link, call, sent) = started.inspect_err(|_| channel.tally.on_unsent())?;
        let handle = Arc::new(CallHandle { calls: link, id: call });
        if let Err(SendMessageError::TooLong(status)) = sent {
            return Err(status);
        }
        self.cancel_with_parent(&handle);
        Ok(handle)
    }

    /// Starts a call with a stream of messages, or with its one message; what it sends is kept until the server answers, in
    /// case it has to be sent again.
    pub(super) async fn start_resendable(&self, message: Option<Message>) -> Result<Arc<CallHandle>, Status> {
        // The parent is watched once, for all attempts.
        let alone = Setup { parent: None, ..*self };
        let first = unless_cancelled(self.parent.cloned(), alone.start(0, message.clone())).await?;
        let id = first.id;
        let handle = Arc::new(CallHandle { calls: Resending::new(self, first, message), id });
        self.cancel_with_parent(&handle);
        Ok(handle)
    }

    /// Lets `pause` pass before the next attempt; `status` is that of the last.
    ///
    /// # Errors
    ///
    /// DEADLINE_EXCEEDED when there is no time for it, and CANCELLED when nobody waits for it.
    pub(super) async fn pause(&self, pause: Duration, status: Status) -> Result<(), Status> {
        if pause.is_zero() {
            return Ok(());
        }
        let runtime = &self.channel.runtime;
        let slept = unless_cancelled(self.parent.cloned(), async {
            runtime.sleep(pause).await;
            Ok(())
        });
        let Ok(slept) = runtime.timeout_at(self.deadline, slept).await else {
            let why = format!("the deadline passed before another attempt; the last one: {status}");
            return Err(Status::deadline_exceeded(why).caused_by(status));
        };
        slept
    }

    fn cancel_with_parent(&self, call: &CallHandle) {
        if let Some(parent) = self.parent {
            self.channel.runtime.spawn(cancel_with(parent.clone(), Arc::clone(&call.calls), call.id));
        }
    }
}

/// Waits for `future`, unless the call that it is done for ends first.
pub(super) async fn unless_cancelled<R>(
    parent: Option<Cancellation>,
    future: impl Future<Output = Result<R, Status>>,
) -> Result<R, Status> {
    let (mut parent, mut future) = (pin!(parent), pin!(future));
    poll_fn(|cx| {
        if let Poll::Ready(result) = future.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        match parent.as_mut().as_pin_mut().map(|parent| parent.poll(cx)) {
            Some(Poll::Ready(())) => {
                Poll::Ready(Err(Status::cancelled("the call that this one was made for has ended")))
            }
            Some(Poll::Pending) | None => Poll::Pending,
        }
    })
    .await
}

/// Cancels `call` when `parent` has ended, if it goes on so long.
async fn cancel_with(parent: Cancellation, calls: Arc<dyn Calls>, call: CallId) {
    let mut parent = pin!(parent);
    poll_fn(|cx| match (calls.poll_ended(call, cx.waker()), parent.as_mut().poll(cx)) {
        (Poll::Pending, Poll::Pending) => Poll::Pending,
        (Poll::Pending, Poll::Ready(())) => {
            calls.cancel(call);
            Poll::Ready(())
        }
        (Poll::Ready(()), _) => Poll::Ready(()),
    })
    .await;
}
