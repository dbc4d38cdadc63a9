//! The client's connection.

use std::time::Duration;

pub use unwired_core::grpc::client::{Event, NewCall, StartError};
use unwired_core::grpc::{
    Batch, CallId, CallLimits, Cardinality, Config, Encoding, Message, Metadata, Received, SendMessageError,
    Status, client,
};
use unwired_core::http2::Reason;
use unwired_core::{Instant, Outbox};

use crate::digest::Digest;
use crate::driving::{code, recorded};
use crate::octets::{Malformed, Writer};
use crate::play::Player;
use crate::recorder::{Kind, Recorder};
use crate::script::Script;
use crate::values::Value;

recorded!(client::Connection, CallId, Event, |_| None);
super::calls!(client::Connection, Kind::Client);

impl Connection {
    /// As the core's.
    ///
    /// # Errors
    ///
    /// As the core's.
    pub fn start(&mut self, now: Instant, call: &NewCall<'_>) -> Result<CallId, StartError> {
        let code = if call.previous_attempts > 0 { code::START_AGAIN } else { code::START };
        self.note(code, |recorder, writer| {
            recorder.time(writer, now);
            for text in [call.scheme, call.authority, call.path, call.user_agent] {
                writer.octets(text.as_bytes());
            }
            call.metadata.put(writer);
            call.deadline.put(writer);
            call.response.put(writer);
            call.encoding.put(writer);
            call.limits.put(writer);
            if call.previous_attempts > 0 {
                call.previous_attempts.put(writer);
            }
        });
        let started = self.inner.start(now, call);
        self.outcome(|digest| digest.debug(&started));
        if let Some(recorder) = &mut self.recorder {
            recorder.name(started.as_ref().ok().copied());
        }
        started
    }

    /// As the core's.
    ///
    /// # Errors
    ///
    /// As the core's.
    pub fn half_close(&mut self, call: CallId) -> Result<(), SendMessageError> {
        self.note(code::HALF_CLOSE, |recorder, writer| writer.number(recorder.number(call)));
        let closed = self.inner.half_close(call);
        self.outcome(|digest| digest.debug(&closed));
        closed
    }

    /// As the core's.
    pub fn cancel(&mut self, call: CallId) {
        self.note(code::CANCEL, |recorder, writer| writer.number(recorder.number(call)));
        self.inner.cancel(call);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn fail(&mut self, call: CallId, status: Status) {
        self.note(code::FAIL, |recorder, writer| {
            writer.number(recorder.number(call));
            status.put(writer);
        });
        self.inner.fail(call, status);
        self.outcome(|_| {});
    }

    /// Does what stands next in a recording, if clients alone do it.
    fn act_alone(&mut self, code: u8, script: &mut Script<'_, CallId>) -> Result<bool, Malformed> {
        match code {
            code::START | code::START_AGAIN => {
                let now = script.time()?;
                let [scheme, authority, path, user_agent] = [
                    script.reader.text()?,
                    script.reader.text()?,
                    script.reader.text()?,
                    script.reader.text()?,
                ];
                let metadata: Metadata = script.value()?;
                let call = NewCall {
                    scheme: &scheme,
                    authority: &authority,
                    path: &path,
                    user_agent: &user_agent,
                    metadata: &metadata,
                    deadline: script.value()?,
                    response: script.value::<Cardinality>()?,
                    encoding: script.value::<Encoding>()?,
                    limits: script.value::<CallLimits>()?,
                    previous_attempts: if code == code::START_AGAIN { script.value()? } else { 0 },
                };
                let started = self.start(now, &call);
                script.name(started.ok());
            }
            code::HALF_CLOSE => {
                if let Some(call) = script.key()? {
                    let _ = self.half_close(call);
                }
            }
            code::CANCEL => {
                if let Some(call) = script.key()? {
                    self.cancel(call);
                }
            }
            code::FAIL => {
                let call = script.key()?;
                let status = script.value()?;
                if let Some(call) = call {
                    self.fail(call, status);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
