use super::{Rejection, RequestHead};
use crate::Instant;
use crate::grpc::message::Rules;
use crate::grpc::receiving::Receiving;
use crate::grpc::{
    Batch, CallEncodings, CallLimits, Cardinality, Carrier, Config, Encoding, Message, Metadata, Received,
    SendMessageError, Status, content_type, sending,
};
use crate::http2::{Answer, Class, Fields, Line, Reason, Standing, UseError};

/// One call at a server: what its stream brought, and what may go out next. It knows no connection: whoever owns the
/// stream feeds it and lends it the [`Carrier`].
#[derive(Debug)]
pub struct Call {
    /// Until its metadata was taken: of the rest nobody asks for long.
    head: Option<Box<RequestHead>>,
    receiving: Receiving,
    sending: Sending,
    encoding: Encoding,
    encodings: CallEncodings,
    max_send_message: usize,
    /// When the call must have ended.
    pub deadline: Option<Instant>,
}

/// The head of a response without metadata.
static RESPONSE: Standing = Standing {
    place: 0,
    lines: &[
        Line { text: b":status200", name_len: 7, tag: Class::Status },
        Line { text: b"content-typeapplication/grpc", name_len: 12, tag: Class::Regular },
    ],
};

/// The trailers of a call that ended well.
static OK: Standing =
    Standing { place: 1, lines: &[Line { text: b"grpc-status0", name_len: 11, tag: Class::Regular }] };

/// What may go out next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sending {
    /// Initial metadata, or everything at once.
    Head,
    /// Messages, or the status.
    Messages,
    /// Nothing.
    Done,
}

impl Call {
    /// A call from the head of its request. Its deadline counts from `now`; `max_timeout` is the server's own.
    pub fn new(
        now: Instant,
        head: impl Into<Box<RequestHead>>,
        config: &Config,
        max_timeout: Option<core::time::Duration>,
    ) -> Self {
        let head = head.into();
        let timeout = [head.timeout, max_timeout].into_iter().flatten().min();
        Self {
            deadline: timeout.and_then(|timeout| now.checked_add(timeout)),
            receiving: Receiving::new(
                Cardinality::Many,
                Rules {
                    max_length: config.max_recv_message,
                    compressible: head.encodings.recv != Encoding::Identity,
                    window: config.http2.initial_window as usize,
                },
            ),
            sending: Sending::Head,
            encoding: Encoding::Identity,
            encodings: head.encodings,
            max_send_message: config.max_send_message,
            head: Some(head),
        }
    }

    /// The head of the request, until it was [taken](Self::take_head).
    pub fn head(&self) -> Option<&RequestHead> {
        self.head.as_deref()
    }

    pub(crate) fn head_mut(&mut self) -> Option<&mut RequestHead> {
        self.head.as_deref_mut()
    }

    /// Takes the head of the request, for its metadata: the call goes on without.
    pub fn take_head(&mut self) -> Option<Box<RequestHead>> {
        self.head.take()
    }

    /// Encodings that the client uses and takes.
    pub const fn encodings(&self) -> CallEncodings {
        self.encodings
    }

    /// Says what the method is: how many messages the request has, and which limits hold.
    pub fn accept(&mut self, cardinality: Cardinality, limits: CallLimits) {
        self.receiving.set_cardinality(cardinality);
        if let Some(max) = limits.max_recv_message {
            self.receiving.set_max_length(max);
        }
        if let Some(max) = limits.max_send_message {
            self.max_send_message = max;
        }
    }

    /// Compresses what is sent from now on, if the client takes `encoding` and the head has not left. Answers the
    /// encoding that holds.
    pub const fn set_encoding(&mut self, encoding: Encoding) -> Encoding {
        if matches!(self.sending, Sending::Head) && self.encodings.peer_accepts.contains(encoding) {
            self.encoding = encoding;
        }
        self.encoding
    }

    /// The encoding of what is sent.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(crate) const fn receiving(&mut self) -> &mut Receiving {
        &mut self.receiving
    }

    /// The request is whole.
    pub fn on_end(&mut self) {
        self.receiving.end(true);
    }

    /// The client has given the call up: what has come is of no use any more, and nothing can be sent.
    pub const fn on_reset(&mut self) {
        self.receiving.give_up();
        self.sending = Sending::Done;
    }

    /// Whether the status was given to the carrier, or cannot be any more.
    pub const fn is_finished(&self) -> bool {
        matches!(self.sending, Sending::Done)
    }

    /// The next message of the request.
    pub fn recv_message(&mut self, carrier: &mut impl Carrier) -> Received {
        match carrier.recv_data() {
            Some(data) => self.receiving.receive(data),
            None => Received::End,
        }
    }

    /// Sends initial metadata. The first message does so by itself.
    ///
    /// # Errors
    ///
    /// The head has left already, or the call is over; and what [`Carrier::send_headers`] says.
    pub fn send_metadata(&mut self, carrier: &mut impl Carrier, metadata: &Metadata) -> Result<(), UseError> {
        match self.sending {
            Sending::Head => {}
            Sending::Messages => return Err(UseError::OutOfOrder),
            Sending::Done => return Err(UseError::StreamClosed),
        }
        let mut fields = self.response_head(carrier);
        metadata.put(&mut fields);
        carrier.send_headers(fields, false)?;
        self.sending = Sending::Messages;
        Ok(())
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// [`SendMessageError`]; the call goes on, unless it says that it has ended.
    pub fn send_message(
        &mut self,
        carrier: &mut impl Carrier,
        message: Message,
    ) -> Result<(), SendMessageError> {
        if !self.sends_messages(carrier) {
            return Err(SendMessageError::Ended);
        }
        sending::put_message(carrier, message, self.max_send_message)
    }

    /// Sends messages, all of them or none.
    ///
    /// # Errors
    ///
    /// [`SendMessageError`]; the call goes on, unless it says that it has ended.
    pub fn send_messages(
        &mut self,
        carrier: &mut impl Carrier,
        batch: Batch,
    ) -> Result<(), SendMessageError<Batch>> {
        if !self.sends_messages(carrier) {
            return Err(SendMessageError::Ended);
        }
        sending::put_batch(carrier, batch, self.max_send_message)
    }

    /// The longest message that may be sent, bytes.
    pub const fn max_send_message(&self) -> usize {
        self.max_send_message
    }

    /// Whether a message may go out next; the head goes before the first.
    fn sends_messages(&mut self, carrier: &mut impl Carrier) -> bool {
        if self.sending == Sending::Head && self.send_metadata(carrier, &Metadata::new()).is_err() {
            return false;
        }
        self.sending == Sending::Messages
    }

    /// Ends the call with `status` and its trailing metadata; where nothing has been sent, in one frame. Does nothing
    /// when it has ended. Answers whether the stream was reset instead, since the client takes no status at all: nothing more
    /// is to be heard of it then.
    pub fn finish(&mut self, carrier: &mut impl Carrier, status: &Status) -> bool {
        let sent_head = match self.sending {
            Sending::Head => false,
            Sending::Messages => true,
            Sending::Done => return false,
        };
        self.sending = Sending::Done;
        // RFC 9113 §10.5.1: the client would throw away what it does not accept, and never learn how the call ended. So
        // the code goes in any case, and the message if it can.
        let mut sent = self.put_status(carrier, status, sent_head);
        for message in [status.message(), "the server's status is more than the client accepts"] {
            if sent == Err(UseError::FieldsTooLarge) {
                sent = self.put_status(carrier, &Status::new(status.code(), message.to_owned()), sent_head);
            }
        }
        let nothing_fits = sent == Err(UseError::FieldsTooLarge);
        if nothing_fits {
            carrier.reset(Reason::INTERNAL_ERROR);
        }
        nothing_fits
    }

    /// Answers a unary call with one command: metadata, message, status. As [`finish`](Self::finish) where the message
    /// is over the limit or the metadata cannot be sent; and it answers the same.
    pub fn respond(
        &mut self,
        carrier: &mut impl Carrier,
        metadata: &Metadata,
        message: Message,
        status: &Status,
    ) -> bool {
        if self.sending == Sending::Head
            && let Err(error) = self.send_metadata(carrier, metadata)
        {
            return self.finish(
                carrier,
                &Status::internal(format!("the response metadata cannot be sent: {error}")),
            );
        }
        match self.send_message(carrier, message) {
            Err(SendMessageError::TooLong(status)) => self.finish(carrier, &status),
            // A stream that has sent nothing always has room for one message.
            Ok(()) | Err(SendMessageError::Full(_) | SendMessageError::Ended) => self.finish(carrier, status),
        }
    }

    /// The whole response as one, where it is nothing but a message; else the message is given back.
    pub(crate) fn answer(
        &self,
        metadata: &Metadata,
        message: Message,
        status: &Status,
    ) -> Result<Answer, Message> {
        let plain = self.sending == Sending::Head
            && self.encoding == Encoding::Identity
            && metadata.is_empty()
            && status.is_plainly_ok()
            && message.payload.len() <= self.max_send_message;
        if !plain {
            return Err(message);
        }
        message.into_piece().map(|piece| Answer { head: &RESPONSE, piece, trailers: &OK })
    }

    /// What [`answer`](Self::answer) gave is on its way.
    pub(crate) const fn on_answered(&mut self) {
        self.sending = Sending::Done;
    }

    /// The deadline has passed: messages that wait are dropped, and the status leaves; a message that was cut midway
    /// leaves nothing but a reset (RFC 9113 §8.1 knows no other way to say that DATA is not whole).
    pub fn on_deadline(&mut self, carrier: &mut impl Carrier) {
        self.receiving.give_up();
        if carrier.abandon_data() {
            self.sending = Sending::Done;
            carrier.reset(Reason::CANCEL);
            return;
        }
        if self.sending == Sending::Done {
            // The status that waited behind the messages was dropped with them.
            self.sending = Sending::Messages;
        }
        self.finish(carrier, &Status::deadline_exceeded("the deadline passed before the call was answered"));
    }

    /// Answers a request that is no call.
    #[expect(clippy::arithmetic_side_effects, reason = "a digit")]
    pub fn reject(carrier: &mut impl Carrier, rejection: &Rejection) {
        let mut fields = carrier.spare_fields();
        let mut digits = [0; 3];
        for (place, divisor) in digits.iter_mut().zip([100, 10, 1]) {
            *place = b'0' + (rejection.http_status / divisor % 10) as u8;
        }
        fields.push(b":status", &digits);
        fields.push(b"content-type", content_type::GRPC);
        if let Some(accept) = rejection.accept {
            fields.push(b"grpc-accept-encoding", accept.as_str().as_bytes());
        }
        rejection.status.to_trailers(&mut fields);
        if carrier.send_headers(fields, true).is_err() {
            carrier.reset(Reason::INTERNAL_ERROR);
        }
    }

    fn response_head(&self, carrier: &mut impl Carrier) -> Fields {
        let mut fields = carrier.spare_fields();
        fields.push(b":status", b"200");
        fields.push(b"content-type", content_type::GRPC);
        if self.encoding != Encoding::Identity {
            fields.push(b"grpc-encoding", self.encoding.name().as_bytes());
        }
        fields
    }

    fn put_status(
        &self,
        carrier: &mut impl Carrier,
        status: &Status,
        sent_head: bool,
    ) -> Result<(), UseError> {
        if sent_head {
            let mut fields = carrier.spare_fields();
            status.to_trailers(&mut fields);
            carrier.send_trailers(fields)
        } else {
            let mut fields = carrier.spare_fields();
            fields.push(b":status", b"200");
            fields.push(b"content-type", content_type::GRPC);
            status.to_trailers(&mut fields);
            carrier.send_headers(fields, true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_sections_are_what_would_be_written_otherwise() {
        let response =
            Fields::from_iter([(&b":status"[..], &b"200"[..]), (b"content-type", content_type::GRPC)]);
        let mut ok = Fields::new();
        Status::OK.to_trailers(&mut ok);
        for (standing, fields) in [(&RESPONSE, response), (&OK, ok)] {
            assert_eq!(standing.fields(), fields);
            assert!(
                standing
                    .fields()
                    .classified()
                    .map(|(class, _)| class)
                    .eq(fields.classified().map(|(class, _)| class))
            );
            assert!(fields.list_size() <= Standing::MAX_SIZE as usize);
            assert!(standing.place < Standing::COUNT);
        }
        assert_ne!(RESPONSE.place, OK.place);
    }
}
