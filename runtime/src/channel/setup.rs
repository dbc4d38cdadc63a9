use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::Arc;

use unwired_core::Instant;
use unwired_core::grpc::client::NewCall;
use unwired_core::grpc::{CallId, CallLimits, Cardinality, Encoding, Message, SendMessageError};

use super::client_channel::ClientChannel;
use super::hedged::Hedged;
use super::hedging::{attempt, hedge};
use super::policy::Throttle;
use super::resending::Resending;
use super::service_config::{Attempts, HedgingPolicy, MethodConfig};
use super::starting::start;
use crate::call::{CallHandle, Calls, Cancellation};
use crate::{Metadata, Status};

/// What a call is made with.
#[derive(Clone)]
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
    /// What holds for its method.
    pub(super) method: Option<Arc<MethodConfig>>,
    /// Suspends retries.
    pub(super) throttle: Option<Arc<Throttle>>,
}

/// A [`Setup`] without a parent, for a call that is sent when its request is gone.
pub(super) struct KeptSetup {
    channel: Arc<ClientChannel>,
    path: &'static str,
    metadata: Metadata,
    deadline: Option<Instant>,
    response: Cardinality,
    encoding: Encoding,
    limits: CallLimits,
    waits_for_ready: bool,
    method: Option<Arc<MethodConfig>>,
    throttle: Option<Arc<Throttle>>,
}

impl KeptSetup {
    pub(super) fn get(&self) -> Setup<'_> {
        Setup {
            channel: &self.channel,
            path: self.path,
            metadata: &self.metadata,
            deadline: self.deadline,
            response: self.response,
            encoding: self.encoding,
            limits: self.limits,
            waits_for_ready: self.waits_for_ready,
            parent: None,
            method: self.method.clone(),
            throttle: self.throttle.clone(),
        }
    }

    pub(super) fn channel(&self) -> &ClientChannel {
        &self.channel
    }

    /// How often the call is sent.
    pub(super) fn attempts(&self) -> Option<&Attempts> {
        self.method.as_ref().map(|method| &method.attempts)
    }

    /// Suspends retries.
    pub(super) fn throttle(&self) -> Option<&Throttle> {
        self.throttle.as_deref()
    }

    /// The longest message that is sent, bytes.
    pub(super) fn max_send_message(&self) -> usize {
        self.limits.max_send_message.unwrap_or(self.channel.config.max_send_message)
    }
}

impl Setup<'_> {
    pub(super) fn keep(&self) -> KeptSetup {
        KeptSetup {
            channel: Arc::clone(self.channel),
            path: self.path,
            metadata: self.metadata.clone(),
            deadline: self.deadline,
            response: self.response,
            encoding: self.encoding,
            limits: self.limits,
            waits_for_ready: self.waits_for_ready,
            method: self.method.clone(),
            throttle: self.throttle.clone(),
        }
    }

    /// How often the call is sent.
    pub(super) fn attempts(&self) -> Option<&Attempts> {
        self.method.as_ref().map(|method| &method.attempts)
    }

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
        let alone = Setup { parent: None, ..self.clone() };
        let first = unless_cancelled(self.parent.cloned(), alone.start(0, message.clone())).await?;
        let id = first.id;
        let handle = Arc::new(CallHandle { calls: Resending::new(self, first, message), id });
        self.cancel_with_parent(&handle);
        Ok(handle)
    }

    /// Starts a call of one message as a hedging policy says, and gives the attempt that is answered first.
    ///
    /// # Errors
    ///
    /// The status of the attempt that ended the call, or of the last one.
    pub(super) async fn start_hedged(
        &self,
        policy: &HedgingPolicy,
        message: Message,
    ) -> Result<Arc<CallHandle>, Status> {
        let alone = Setup { parent: None, ..self.clone() };
        let hedged = hedge(&alone, policy, |previous| attempt(&alone, previous, message.clone()));
        let call = unless_cancelled(self.parent.cloned(), hedged).await?;
        self.cancel_with_parent(&call);
        Ok(call)
    }

    /// Starts a call with a stream of messages, as its method says.
    pub(super) async fn start_stream(&self) -> Result<Arc<CallHandle>, Status> {
        let Some(Attempts::Hedge(policy)) = self.attempts() else {
            return self.start_resendable(None).await;
        };
        let handle = Arc::new(CallHandle { calls: Hedged::start(self.keep(), policy), id: CallId::ALONE });
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
            return Err(too_late(status));
        };
        slept
    }

    fn cancel_with_parent(&self, call: &CallHandle) {
        if let Some(parent) = self.parent {
            self.channel.runtime.spawn(cancel_with(parent.clone(), Arc::clone(&call.calls), call.id));
        }
    }
}

/// There is no time for another attempt after one that ended with `last`.
pub(super) fn too_late(last: Status) -> Status {
    let why = format!("the deadline passed before another attempt; the last one: {last}");
    Status::deadline_exceeded(why).caused_by(last)
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
