//! Connections of gRPC.

pub mod client;
pub mod server;

use unwired_core::grpc::{Batch, Received};

use crate::digest::Digest;

/// What [`Received`] holds, message and all.
fn digest_received(digest: &mut Digest, received: &Received) {
    match received {
        Received::Message(message) => {
            digest.flag(message.compressed);
            digest.number(message.payload.len() as u64);
            digest.octets(&message.payload);
        }
        other => digest.debug(other),
    }
}

/// As [`digest_received`], of several messages.
fn digest_batch(digest: &mut Digest, received: &Received<Batch>) {
    match received {
        Received::Message(batch) => {
            digest.number(batch.len() as u64);
            for message in batch.clone() {
                digest.flag(message.compressed);
                digest.octets(&message.payload);
            }
        }
        other => digest.debug(&other.clone().map(drop)),
    }
}

/// What connections of both sides have beyond what every connection has; `$core` is the connection of the core.
macro_rules! calls {
    ($core:ty, $kind:expr) => {
        impl Connection {
            /// As the core's; it is recorded where [`record`](crate::record) or [`keep`](crate::keep()) is about it.
            pub fn new(config: Config, now: Instant) -> Self {
                Self::wrap(<$core>::new(config.clone(), now), $kind, &config, now)
            }

            /// As the core's.
            pub fn recv_message(&mut self, call: CallId) -> Received {
                self.note(code::RECV_MESSAGE, |recorder, writer| writer.number(recorder.number(call)));
                let received = self.inner.recv_message(call);
                self.outcome(|digest| super::digest_received(digest, &received));
                received
            }

            /// As the core's.
            ///
            /// # Errors
            ///
            /// As the core's.
            pub fn send_message(&mut self, call: CallId, message: Message) -> Result<(), SendMessageError> {
                self.note(code::SEND_MESSAGE, |recorder, writer| {
                    writer.number(recorder.number(call));
                    message.put(writer);
                });
                let sent = self.inner.send_message(call, message);
                self.outcome(|digest| match &sent {
                    Err(SendMessageError::Full(_)) => digest.debug(&"full"),
                    other => digest.debug(other),
                });
                sent
            }

            /// As the core's.
            pub fn recv_messages(&mut self, call: CallId) -> Received<Batch> {
                self.note(code::RECV_MESSAGES, |recorder, writer| writer.number(recorder.number(call)));
                let received = self.inner.recv_messages(call);
                self.outcome(|digest| super::digest_batch(digest, &received));
                received
            }

            /// As the core's.
            ///
            /// # Errors
            ///
            /// As the core's.
            pub fn send_messages(
                &mut self,
                call: CallId,
                batch: Batch,
            ) -> Result<(), SendMessageError<Batch>> {
                self.note(code::SEND_MESSAGES, |recorder, writer| {
                    writer.number(recorder.number(call));
                    batch.put(writer);
                });
                let sent = self.inner.send_messages(call, batch);
                self.outcome(|digest| match &sent {
                    Err(SendMessageError::Full(_)) => digest.debug(&"full"),
                    other => digest.debug(other),
                });
                sent
            }

            /// As the core's.
            pub fn set_budget(&mut self, bytes: usize) {
                self.note(code::SET_BUDGET, |_, writer| bytes.put(writer));
                self.inner.set_budget(bytes);
                self.outcome(|_| {});
            }
        }

        impl Player for Connection {
            type Key = CallId;

            fn begin(_kind: Kind, script: &mut Script<'_, CallId>) -> Result<Self, Malformed> {
                let config = script.value()?;
                Ok(Self::new(config, script.time()?))
            }

            fn act(&mut self, code: u8, script: &mut Script<'_, CallId>) -> Result<bool, Malformed> {
                match code {
                    code::RECV_MESSAGE => {
                        if let Some(call) = script.key()? {
                            drop(self.recv_message(call));
                        }
                    }
                    code::SEND_MESSAGE => {
                        let call = script.key()?;
                        let message = script.value()?;
                        if let Some(call) = call {
                            let _ = self.send_message(call, message);
                        }
                    }
                    code::RECV_MESSAGES => {
                        if let Some(call) = script.key()? {
                            drop(self.recv_messages(call));
                        }
                    }
                    code::SEND_MESSAGES => {
                        let call = script.key()?;
                        let batch = script.value()?;
                        if let Some(call) = call {
                            let _ = self.send_messages(call, batch);
                        }
                    }
                    code::SET_BUDGET => self.set_budget(script.value()?),
                    _ => return Ok(self.drive(code, script)? || self.act_alone(code, script)?),
                }
                Ok(true)
            }
        }
    };
}

use calls;
