//! The connection without gRPC, of either role.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use unwired_core::http2::{
    self, Config, Event, Fields, OpenError, Reason, SendError, SharedConfig, StreamKey, UseError,
};
use unwired_core::{Instant, Outbox};

use crate::digest::Digest;
use crate::driving::{code, recorded};
use crate::octets::{Malformed, Writer};
use crate::play::Player;
use crate::recorder::{Kind, Recorder};
use crate::script::Script;
use crate::values::Value;

recorded!(http2::Connection, StreamKey, Event, |event| match event {
    Event::Headers { stream, .. } => Some(*stream),
    _ => None,
});

impl Connection {
    /// As the core's; it is recorded where [`record`](crate::record) or [`keep`](crate::keep()) is about it.
    pub fn client(config: impl Into<SharedConfig>, now: Instant) -> Self {
        let config = config.into();
        Self::wrap(http2::Connection::client(config.clone(), now), Kind::Http2Client, &config, now)
    }

    /// As the core's; it is recorded where [`record`](crate::record) or [`keep`](crate::keep()) is about it.
    pub fn server(config: impl Into<SharedConfig>, now: Instant) -> Self {
        let config = config.into();
        Self::wrap(http2::Connection::server(config.clone(), now), Kind::Http2Server, &config, now)
    }

    /// As the core's.
    ///
    /// # Errors
    ///
    /// As the core's.
    pub fn open(&mut self, fields: Fields, end_stream: bool) -> Result<StreamKey, OpenError> {
        self.note(code::OPEN, |_, writer| {
            fields.put(writer);
            end_stream.put(writer);
        });
        let opened = self.inner.open(fields, end_stream);
        self.outcome(|digest| digest.debug(&opened));
        if let Some(recorder) = &mut self.recorder {
            recorder.name(opened.as_ref().ok().copied());
        }
        opened
    }

    /// As the core's.
    ///
    /// # Errors
    ///
    /// As the core's.
    pub fn send_headers(
        &mut self,
        stream: StreamKey,
        fields: Fields,
        end_stream: bool,
    ) -> Result<(), UseError> {
        self.note(code::SEND_HEADERS, |recorder, writer| {
            writer.number(recorder.number(stream));
            fields.put(writer);
            end_stream.put(writer);
        });
        let sent = self.inner.send_headers(stream, fields, end_stream);
        self.outcome(|digest| digest.debug(&sent));
        sent
    }

    /// As the core's.
    ///
    /// # Errors
    ///
    /// As the core's.
    pub fn send_data(
        &mut self,
        stream: StreamKey,
        head: &[u8],
        body: Bytes,
        end_stream: bool,
    ) -> Result<(), SendError> {
        self.note(code::SEND_DATA, |recorder, writer| {
            writer.number(recorder.number(stream));
            writer.octets(head);
            body.put(writer);
            end_stream.put(writer);
        });
        let sent = self.inner.send_data(stream, head, body, end_stream);
        self.outcome(|digest| match &sent {
            Err(SendError::Full(_)) => digest.debug(&"full"),
            other => digest.debug(other),
        });
        sent
    }

    /// As the core's.
    ///
    /// # Errors
    ///
    /// As the core's.
    pub fn send_trailers(&mut self, stream: StreamKey, fields: Fields) -> Result<(), UseError> {
        self.note(code::SEND_TRAILERS, |recorder, writer| {
            writer.number(recorder.number(stream));
            fields.put(writer);
        });
        let sent = self.inner.send_trailers(stream, fields);
        self.outcome(|digest| digest.debug(&sent));
        sent
    }

    /// As the core's.
    pub fn grant(&mut self, stream: StreamKey, bytes: usize) {
        self.note(code::GRANT, |recorder, writer| {
            writer.number(recorder.number(stream));
            bytes.put(writer);
        });
        self.inner.grant(stream, bytes);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn reset(&mut self, stream: StreamKey, reason: Reason) {
        self.note(code::RESET, |recorder, writer| {
            writer.number(recorder.number(stream));
            reason.put(writer);
        });
        self.inner.reset(stream, reason);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn abandon_data(&mut self, stream: StreamKey) -> bool {
        self.note(code::ABANDON_DATA, |recorder, writer| writer.number(recorder.number(stream)));
        let cut = self.inner.abandon_data(stream);
        self.outcome(|digest| digest.flag(cut));
        cut
    }

    /// As the core's.
    pub fn hold(&mut self, stream: StreamKey) {
        self.note(code::HOLD, |recorder, writer| writer.number(recorder.number(stream)));
        self.inner.hold(stream);
        self.outcome(|_| {});
    }

    /// As the core's.
    pub fn take_fields(&mut self, stream: StreamKey) -> Option<Fields> {
        self.note(code::TAKE_FIELDS, |recorder, writer| writer.number(recorder.number(stream)));
        let fields = self.inner.take_fields(stream);
        self.outcome(|digest| digest.debug(&fields));
        fields
    }

    /// All that the core's `recv_data` lends.
    pub fn take_data(&mut self, stream: StreamKey) -> Option<BytesMut> {
        self.note(code::TAKE_DATA, |recorder, writer| writer.number(recorder.number(stream)));
        let data = self.inner.recv_data(stream).map(BytesMut::split);
        self.outcome(|digest| {
            digest.flag(data.is_some());
            digest.octets(data.as_deref().unwrap_or_default());
        });
        data
    }

    /// How many octets wait to be taken. Looking changes nothing, and is not recorded.
    pub fn data_len(&mut self, stream: StreamKey) -> Option<usize> {
        self.inner.recv_data(stream).map(|data| data.len())
    }

    /// As the core's. It is about memory alone: it is not recorded.
    pub fn recycle(&mut self, fields: Fields) {
        self.inner.recycle(fields);
    }

    /// As the core's.
    #[doc(hidden)]
    pub fn check_invariants(&mut self) {
        self.inner.check_invariants();
    }
}

impl Player for Connection {
    type Key = StreamKey;

    fn begin(kind: Kind, script: &mut Script<'_, StreamKey>) -> Result<Self, Malformed> {
        let config = script.value::<Config>()?;
        let now = script.time()?;
        Ok(if kind == Kind::Http2Client { Self::client(config, now) } else { Self::server(config, now) })
    }

    fn act(&mut self, code: u8, script: &mut Script<'_, StreamKey>) -> Result<bool, Malformed> {
        if code == code::OPEN {
            let fields = script.value()?;
            let opened = self.open(fields, script.value()?);
            script.name(opened.ok());
            return Ok(true);
        }
        if code < code::OPEN {
            return self.drive(code, script);
        }
        let stream = script.key()?;
        match code {
            code::SEND_HEADERS => {
                let (fields, end_stream) = (script.value()?, script.value()?);
                if let Some(stream) = stream {
                    let _ = self.send_headers(stream, fields, end_stream);
                }
            }
            code::SEND_DATA => {
                let head = script.reader.octets()?;
                let (body, end_stream) = (script.value()?, script.value()?);
                if let Some(stream) = stream {
                    let _ = self.send_data(stream, &head, body, end_stream);
                }
            }
            code::SEND_TRAILERS => {
                let fields = script.value()?;
                if let Some(stream) = stream {
                    let _ = self.send_trailers(stream, fields);
                }
            }
            code::GRANT => {
                let bytes = script.value()?;
                if let Some(stream) = stream {
                    self.grant(stream, bytes);
                }
            }
            code::RESET => {
                let reason = script.value()?;
                if let Some(stream) = stream {
                    self.reset(stream, reason);
                }
            }
            code::ABANDON_DATA => drop(stream.map(|stream| self.abandon_data(stream))),
            code::HOLD => stream.into_iter().for_each(|stream| self.hold(stream)),
            code::TAKE_FIELDS => drop(stream.map(|stream| self.take_fields(stream))),
            code::TAKE_DATA => drop(stream.map(|stream| self.take_data(stream))),
            _ => return Ok(false),
        }
        Ok(true)
    }
}
