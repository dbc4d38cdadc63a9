//! Connections of gRPC.

pub mod client;
pub mod server;

use unwired_core::grpc::Received;

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

/// The methods that connections of both sides have beyond those of every connection.
macro_rules! calls {
    () => {
        impl Connection {
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
            pub fn set_budget(&mut self, bytes: usize) {
                self.note(code::SET_BUDGET, |_, writer| bytes.put(writer));
                self.inner.set_budget(bytes);
                self.outcome(|_| {});
            }

            /// Does what stands next in a recording, if both sides do it.
            fn drive_call(&mut self, code: u8, script: &mut Script<'_, CallId>) -> Result<bool, Malformed> {
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
                    code::SET_BUDGET => self.set_budget(script.value()?),
                    _ => return self.drive(code, script),
                }
                Ok(true)
            }
        }
    };
}

use calls;
