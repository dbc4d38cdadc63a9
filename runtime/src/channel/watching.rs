use core::pin::pin;
use core::task::Poll;
use std::sync::{Arc, Weak};

use bytes::{Buf, BufMut, BytesMut};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, int32, skip_field, string};
use unwired_core::grpc::client::NewCall;
use unwired_core::grpc::{CallLimits, Cardinality, Encoding, Message};

use super::client_channel::ClientChannel;
use super::connected::Connected;
use super::policy::{Health, HealthCheck};
use crate::call::CallHandle;
use crate::codec::Prost;
use crate::transport::RuntimeHandle;
use crate::{Metadata, Status, Streaming};

const PATH: &str = "/grpc.health.v1.Health/Watch";

/// The number of the one field that a request has, and a response.
const FIELD: u32 = 1;

/// Watches what the server of one connection says of its health, for as long as calls may go there.
pub(super) struct Watching {
    pub(super) channel: Weak<ClientChannel>,
    pub(super) connected: Arc<Connected>,
    /// The service that is asked for; empty for the server as a whole.
    pub(super) service: Arc<str>,
}

impl Watching {
    pub(super) async fn run(self, runtime: RuntimeHandle) {
        let mut watching = pin!(self.watch(&runtime));
        core::future::poll_fn(|cx| match self.connected.retired.poll(cx.waker()) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => watching.as_mut().poll(cx),
        })
        .await;
    }

    async fn watch(&self, runtime: &RuntimeHandle) {
        let mut check = HealthCheck::new(runtime.seed());
        loop {
            check.begin(runtime.now());
            let status = self.watch_once(&mut check).await;
            let (health, again) = check.ended(&status);
            self.tell(health);
            match again {
                Some(at) => runtime.sleep_until(at).await,
                None => return,
            }
        }
    }

    /// One watch, to its end.
    async fn watch_once(&self, check: &mut HealthCheck) -> Status {
        let mut answers = match self.begin() {
            Ok(answers) => answers,
            Err(status) => return status,
        };
        loop {
            match answers.message().await {
                Ok(Some(Answer(status))) => {
                    let health = check.answered(&self.service, status);
                    self.tell(health);
                }
                Ok(None) => return Status::unavailable("the watch has ended"),
                Err(status) => return status,
            }
        }
    }

    fn begin(&self) -> Result<Streaming<Answer>, Status> {
        let gone = || Status::unavailable("the connection is going away");
        let channel = self.channel.upgrade().ok_or_else(gone)?;
        let mut message = BytesMut::new();
        string::encode(FIELD, &self.service.as_ref().to_owned(), &mut message);
        let message = Message::plain(message.freeze());
        let link = &self.connected.link;
        let metadata = Metadata::new();
        let call = NewCall {
            scheme: channel.options.scheme,
            authority: &channel.options.authority,
            path: PATH,
            user_agent: &channel.options.user_agent,
            metadata: &metadata,
            deadline: None,
            response: Cardinality::Many,
            encoding: Encoding::Identity,
            limits: CallLimits::default(),
            previous_attempts: 0,
        };
        let started = link.with(|shared| {
            let call = shared.conn.start(link.runtime.now(), &call).ok()?;
            // One that has just begun has room for one message.
            let _ = shared.conn.send_message(call, message).and_then(|()| shared.conn.half_close(call));
            Some(call)
        });
        let id = started.ok_or_else(gone)?;
        let calls = Arc::clone(link);
        let handle = Arc::new(CallHandle { calls, id });
        Ok(Streaming::new::<Prost>(handle, channel.config.max_recv_message, true))
    }

    fn tell(&self, health: Health) {
        if let Some(channel) = self.channel.upgrade() {
            channel.health(&self.connected, health);
        }
    }
}

/// `grpc.health.v1.HealthCheckResponse`: the number of a status.
#[derive(Debug, Default)]
struct Answer(i32);

impl prost::Message for Answer {
    fn encode_raw(&self, out: &mut impl BufMut) {
        int32::encode(FIELD, &self.0, out);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        from: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            FIELD => int32::merge(wire_type, &mut self.0, from, context),
            _ => skip_field(wire_type, tag, from, context),
        }
    }

    fn encoded_len(&self) -> usize {
        int32::encoded_len(FIELD, &self.0)
    }

    fn clear(&mut self) {
        self.0 = 0;
    }
}
