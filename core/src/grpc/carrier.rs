use bytes::{Bytes, BytesMut};

use super::message::framed_length;
use crate::http2::{Connection, Fields, Reason, SendError, StreamKey, UseError};

/// What a call does with the stream that carries it. Our own HTTP/2 is one such carrier; the body of an `http` request
/// can be another.
pub trait Carrier {
    /// An empty section, from memory that was used before where there is some.
    fn spare_fields(&mut self) -> Fields {
        Fields::new()
    }

    /// A section that is of no more use: its memory may be used for another.
    fn recycle(&mut self, fields: Fields) {
        drop(fields);
    }

    /// Sends the head of a response; with `end_stream` that is all.
    ///
    /// # Errors
    ///
    /// The stream is over, or the peer would not accept the fields.
    fn send_headers(&mut self, fields: Fields, end_stream: bool) -> Result<(), UseError>;

    /// Sends `head`, at most 8 bytes, directly before `body`; whole or not at all.
    ///
    /// # Errors
    ///
    /// The stream is over, or it has no room now.
    fn send_data(&mut self, head: &[u8], body: Bytes, end_stream: bool) -> Result<(), SendError>;

    /// Sends whole messages behind their prefixes; all of them or none. Where the carrier lets go of some of what it has
    /// not sent, it does so between two of them if it can.
    ///
    /// # Errors
    ///
    /// The stream is over, or it has no room now.
    fn send_messages(&mut self, messages: Bytes) -> Result<(), SendError> {
        self.send_data(&[], messages, false)
    }

    /// Ends our side with trailers.
    ///
    /// # Errors
    ///
    /// The stream is over, or the peer would not accept the fields.
    fn send_trailers(&mut self, fields: Fields) -> Result<(), UseError>;

    /// Forgets what was given to send and has not left, and answers whether that cut a message midway.
    fn abandon_data(&mut self) -> bool;

    /// Ends the stream in both directions.
    fn reset(&mut self, reason: Reason);

    /// What was received and has not been taken; `None` when nothing more is to be had.
    fn recv_data(&mut self) -> Option<&mut BytesMut>;
}

/// A stream of a connection as a carrier.
pub(crate) struct OnStream<'a> {
    pub(crate) http2: &'a mut Connection,
    pub(crate) stream: StreamKey,
}

impl Carrier for OnStream<'_> {
    fn spare_fields(&mut self) -> Fields {
        self.http2.spare_fields()
    }

    fn recycle(&mut self, fields: Fields) {
        self.http2.recycle(fields);
    }

    fn send_headers(&mut self, fields: Fields, end_stream: bool) -> Result<(), UseError> {
        self.http2.send_headers(self.stream, fields, end_stream)
    }

    fn send_data(&mut self, head: &[u8], body: Bytes, end_stream: bool) -> Result<(), SendError> {
        self.http2.send_data(self.stream, head, body, end_stream)
    }

    fn send_messages(&mut self, messages: Bytes) -> Result<(), SendError> {
        self.http2.send_parts(self.stream, messages, framed_length)
    }

    fn send_trailers(&mut self, fields: Fields) -> Result<(), UseError> {
        self.http2.send_trailers(self.stream, fields)
    }

    fn abandon_data(&mut self) -> bool {
        self.http2.abandon_data(self.stream)
    }

    fn reset(&mut self, reason: Reason) {
        self.http2.reset(self.stream, reason);
    }

    fn recv_data(&mut self) -> Option<&mut BytesMut> {
        self.http2.recv_data(self.stream)
    }
}
