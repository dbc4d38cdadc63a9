//! The server's connection.

use std::time::Duration;

pub use unwired_core::grpc::server::{Ended, Event, RequestHead};
use unwired_core::grpc::{
    Batch, CallId, CallLimits, Cardinality, Config, Encoding, Message, Metadata, Received, SendMessageError,
    Status, server,
};
use unwired_core::http2::{Reason, UseError};
use unwired_core::{Instant, Outbox};

use crate::digest::Digest;
use crate::driving::{code, recorded};
use crate::octets::{Malformed, Writer};
use crate::play::Player;
use crate::recorder::{Kind, Recorder};
use crate::script::Script;
use crate::values::Value;

recorded!(server::Connection, CallId, Event, |event| match event {
    Event::Call { call } => Some(*call),
    _ => None,
});
super::calls!(server::Connection, Kind::Server);

impl Connection {
    /// As the core's. It is the application's, and what is done to it changes nothing that a connection answers: it is
    /// not recorded.
    pub fn request(&mut self, call: CallId) -> Option<&mut RequestHead> {
        self.inner.request(call)
    }

    /// As the core's. A head that was taken is no longer among those that wait.
    pub fn take_metadata(&mut self, call: CallId) -> Metadata {
        self.note(code::TAKE_METADATA, |recorder, writer| writer.number(recorder.number(call)));
        let metadata = self.inner.take_metadata(call);
        self.outcome(|digest| digest.debug(&metadata));
        metadata
    }

    /// As the core's.
    pub fn accept(&mut self, call: CallId, request: Cardinality, limits: CallLimits) {
        self.note(code::ACCEPT, |recorder, writer| {
            writer.number(recorder.number(call));
            request.put(writer);
            limits.put(writer);
        });
        self.inner.accept(call, request, limits);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn set_encoding(&mut self, call: CallId, encoding: Encoding) -> Encoding {
        self.note(code::SET_ENCODING, |recorder, writer| {
            writer.number(recorder.number(call));
            encoding.put(writer);
        });
        let holds = self.inner.set_encoding(call, encoding);
        self.outcome(|digest| digest.debug(&holds));
        holds
    }

    /// As the core's.
    ///
    /// # Errors
    ///
    /// As the core's.
    pub fn send_metadata(&mut self, call: CallId, metadata: &Metadata) -> Result<(), UseError> {
        self.note(code::SEND_METADATA, |recorder, writer| {
            writer.number(recorder.number(call));
            metadata.put(writer);
        });
        let sent = self.inner.send_metadata(call, metadata);
        self.outcome(|digest| digest.debug(&sent));
        sent
    }

    /// As the core's.
    pub fn respond(&mut self, call: CallId, metadata: &Metadata, message: Message, status: &Status) {
        self.note(code::RESPOND, |recorder, writer| {
            writer.number(recorder.number(call));
            metadata.put(writer);
            message.put(writer);
            status.put(writer);
        });
        self.inner.respond(call, metadata, message, status);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn finish(&mut self, call: CallId, status: &Status) {
        self.note(code::FINISH, |recorder, writer| {
            writer.number(recorder.number(call));
            status.put(writer);
        });
        self.inner.finish(call, status);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn set_max_timeout(&mut self, timeout: Option<Duration>) {
        self.note(code::SET_MAX_TIMEOUT, |_, writer| timeout.put(writer));
        self.inner.set_max_timeout(timeout);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn shorten_deadline(&mut self, call: CallId, at: Instant) {
        self.note(code::SHORTEN_DEADLINE, |recorder, writer| {
            writer.number(recorder.number(call));
            recorder.time(writer, at);
        });
        self.inner.shorten_deadline(call, at);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn refuse_new(&mut self, refuses: bool) {
        self.note(code::REFUSE_NEW, |_, writer| refuses.put(writer));
        self.inner.refuse_new(refuses);
        self.outcome(|_| {});
    }

    /// Does what stands next in a recording, if servers alone do it.
    fn act_alone(&mut self, code: u8, script: &mut Script<'_, CallId>) -> Result<bool, Malformed> {
        match code {
            code::ACCEPT => {
                let call = script.key()?;
                let (request, limits) = (script.value()?, script.value()?);
                if let Some(call) = call {
                    self.accept(call, request, limits);
                }
            }
            code::SET_ENCODING => {
                let call = script.key()?;
                let encoding = script.value()?;
                if let Some(call) = call {
                    self.set_encoding(call, encoding);
                }
            }
            code::SEND_METADATA => {
                let call = script.key()?;
                let metadata = script.value()?;
                if let Some(call) = call {
                    let _ = self.send_metadata(call, &metadata);
                }
            }
            code::RESPOND => {
                let call = script.key()?;
                let (metadata, message, status) = (script.value()?, script.value()?, script.value()?);
                if let Some(call) = call {
                    self.respond(call, &metadata, message, &status);
                }
            }
            code::FINISH => {
                let call = script.key()?;
                let status = script.value()?;
                if let Some(call) = call {
                    self.finish(call, &status);
                }
            }
            code::TAKE_METADATA => {
                if let Some(call) = script.key()? {
                    self.take_metadata(call);
                }
            }
            code::SHORTEN_DEADLINE => {
                let call = script.key()?;
                let at = script.time()?;
                if let Some(call) = call {
                    self.shorten_deadline(call, at);
                }
            }
            code::SET_MAX_TIMEOUT => self.set_max_timeout(script.value()?),
            code::REFUSE_NEW => self.refuse_new(script.value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}
