use crate::Instant;
use crate::grpc::message::Rules;
use crate::grpc::receiving::Receiving;
use crate::grpc::shown::Shown;
use crate::grpc::{
    Batch, CallEncodings, CallLimits, Cardinality, Carrier, Code, Config, Encoding, EncodingSet, Message,
    Metadata, Received, SendMessageError, Status, code_of_http_status, code_of_reset, content_type, meaning,
    sending, timeout,
};
use crate::http2::{Class, Field, Fields, Known, Reach, Reason, StreamError, classify, parse_u64};

/// What a client wants to call.
#[derive(Clone, Copy, Debug)]
pub struct NewCall<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and port, as the user named them.
    pub authority: &'a str,
    /// `/service/method`.
    pub path: &'a str,
    /// Who we are; empty for nobody.
    pub user_agent: &'a str,
    /// The caller's metadata.
    pub metadata: &'a Metadata,
    /// When the call must have ended.
    pub deadline: Option<Instant>,
    /// How many messages the response has.
    pub response: Cardinality,
    /// In which encoding messages of the request may be compressed.
    pub encoding: Encoding,
    /// Limits instead of the connection's.
    pub limits: CallLimits,
    /// Attempts of the same call that were made before this one (gRFC A6); 0 is not sent.
    pub previous_attempts: u32,
}

impl<'a> NewCall<'a> {
    /// A call of the plainest kind, which whatever is to be different is put in place of: over `http`, with one message in
    /// the response, without compression and without a deadline, its limits the connection's.
    pub fn new(authority: &'a str, path: &'a str, metadata: &'a Metadata) -> Self {
        Self {
            scheme: "http",
            authority,
            path,
            user_agent: "",
            metadata,
            deadline: None,
            response: Cardinality::One,
            encoding: Encoding::Identity,
            limits: CallLimits::default(),
            previous_attempts: 0,
        }
    }

    /// Whether there is time left for the call.
    ///
    /// # Errors
    ///
    /// DEADLINE_EXCEEDED.
    pub fn check_deadline(&self, now: Instant) -> Result<(), Status> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Status::deadline_exceeded("the deadline passed before the call could be sent"));
        }
        Ok(())
    }

    /// Writes the head of the request (gRPC, `PROTOCOL-HTTP2.md`). The time left counts from `now`.
    pub fn put(&self, now: Instant, accept: EncodingSet, fields: &mut Fields) {
        self.define(accept, fields);
        self.put_own(now, fields);
    }

    /// In which lines of the definition scheme, path and authority are.
    pub(super) const TEXTS: [usize; 3] = [1, 2, 3];

    /// What calls of the same method have in common.
    pub(super) fn define(&self, accept: EncodingSet, fields: &mut Fields) {
        // What is known to be valid is not looked at again.
        let mut put = |name: &'static [u8], value: &[u8], class| {
            fields.push_classified(Field { name, value, sensitive: false }, class);
        };
        put(b":method", b"POST", Class::Method);
        let scheme = self.scheme.as_bytes();
        put(
            b":scheme",
            scheme,
            if self.scheme == "http" { Class::Scheme } else { classify(b":scheme", scheme) },
        );
        put(b":path", self.path.as_bytes(), classify(b":path", self.path.as_bytes()));
        put(b":authority", self.authority.as_bytes(), classify(b":authority", self.authority.as_bytes()));
        put(b"te", b"trailers", Class::Te);
        put(b"content-type", content_type::GRPC, Class::Regular);
        if !self.user_agent.is_empty() {
            put(
                b"user-agent",
                self.user_agent.as_bytes(),
                classify(b"user-agent", self.user_agent.as_bytes()),
            );
        }
        if self.encoding != Encoding::Identity {
            put(b"grpc-encoding", self.encoding.name().as_bytes(), Class::Regular);
        }
        if !accept.is_identity() {
            put(b"grpc-accept-encoding", accept.as_str().as_bytes(), Class::Regular);
        }
    }

    /// What is the call's own: behind the rest, so that what comes again comes as one piece.
    pub(super) fn put_own(&self, now: Instant, fields: &mut Fields) {
        let mut put = |name: &'static [u8], value: &[u8]| {
            fields.push_classified(Field { name, value, sensitive: false }, Class::Regular);
        };
        if let Some(deadline) = self.deadline {
            put(b"grpc-timeout", timeout::format(deadline - now).as_bytes());
        }
        if self.previous_attempts > 0 {
            put(b"grpc-previous-rpc-attempts", self.previous_attempts.to_string().as_bytes());
        }
        self.metadata.put(fields);
    }
}

/// One call at a client: what its stream brought, and how it ended. It knows no connection: whoever owns the stream
/// feeds it and lends it the [`Carrier`].
#[derive(Debug)]
pub struct Call {
    receiving: Receiving,
    accept: EncodingSet,
    max_send_message: usize,
    /// Encodings that the server uses and takes, once its head has come.
    pub encodings: CallEncodings,
    /// Initial metadata, once it has come.
    metadata: Option<Metadata>,
    /// How the call ended.
    status: Option<Status>,
    /// The server never acted on the call: it can be made again.
    pub unprocessed: bool,
    /// When the call must have ended.
    pub deadline: Option<Instant>,
}

impl Call {
    /// A call whose request head is about to leave.
    pub fn new(call: &NewCall<'_>, config: &Config) -> Self {
        let max_length = call.limits.max_recv_message.unwrap_or(config.max_recv_message);
        Self {
            receiving: Receiving::new(
                call.response,
                Rules { max_length, compressible: false, window: config.http2.initial_window as usize },
            ),
            accept: config.accept,
            max_send_message: call.limits.max_send_message.unwrap_or(config.max_send_message),
            encodings: CallEncodings::default(),
            metadata: None,
            status: None,
            unprocessed: false,
            deadline: call.deadline,
        }
    }

    pub(crate) const fn receiving(&mut self) -> &mut Receiving {
        &mut self.receiving
    }

    /// Initial metadata, once it has come; each time the same.
    pub const fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// How the call ended, once it has; each time the same.
    pub const fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// Whether the call has ended.
    pub const fn is_over(&self) -> bool {
        self.status.is_some()
    }

    /// The head of the response has come; with `end_stream` it is all there is. Answers whether it has brought initial
    /// metadata.
    pub fn on_head(&mut self, carrier: &mut impl Carrier, fields: Fields, end_stream: bool) -> bool {
        if self.is_over() {
            return false;
        }
        let (mut http_status, mut is_grpc, mut has_status) = (0, false, false);
        let (mut encoding, mut accepts) = (None, EncodingSet::IDENTITY);
        for (at, Known { class, meaning }) in fields.known().enumerate() {
            let value = fields.value(at);
            let meaning = match class {
                Class::Status => {
                    http_status = parse_u64(value).and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
                    continue;
                }
                // A section that came off no connection of ours: nobody has asked yet.
                Class::Regular if meaning == 0 => meaning::of(class, fields.name(at), value),
                Class::Regular => meaning,
                _ => continue,
            };
            match meaning {
                meaning::CONTENT_TYPE => is_grpc = true,
                meaning::STATUS => has_status = true,
                meaning::ENCODING => encoding = encoding.or(Some(at)),
                meaning::ACCEPT_ENCODING..=meaning::ACCEPT_ALL_ENCODINGS => {
                    accepts = EncodingSet::from_bits(meaning);
                }
                _ => {}
            }
        }
        // gRPC, `http-grpc-status-mapping.md`: where there is a gRPC status, it holds.
        if end_stream && has_status {
            self.on_trailers(carrier, fields);
            return false;
        }
        if http_status != 200 || !is_grpc {
            let status = not_grpc(http_status, fields.get(b"content-type"));
            self.end(carrier, Reason::CANCEL, status);
            return false;
        }
        if end_stream {
            self.on_end(carrier);
            return false;
        }
        match encoding.map(|at| (Encoding::from_name(fields.value(at)), at)) {
            None => {}
            Some((Some(encoding), _)) if self.accept.contains(encoding) => {
                self.encodings.recv = encoding;
                self.receiving.set_compressible(encoding != Encoding::Identity);
            }
            Some((_, at)) => {
                let status = Status::internal(format!(
                    "the server compresses messages as {}, which it was not offered: this client takes {} (the others are features of unwired)",
                    Shown(fields.value(at)),
                    self.accept.as_str()
                ));
                self.end(carrier, Reason::CANCEL, status);
                return false;
            }
        }
        self.encodings.peer_accepts = accepts;
        let (metadata, left) = Metadata::from_received(fields);
        self.metadata = Some(metadata);
        if let Some(left) = left {
            carrier.recycle(left);
        }
        true
    }

    /// DATA has come. Answers whether somebody waits for a message and need not any longer.
    pub fn on_data(&mut self, carrier: &mut impl Carrier) -> bool {
        carrier.recv_data().is_some_and(|data| self.receiving.satisfies_wish(data))
    }

    /// Whether somebody waits for a message that has not come as a whole.
    pub const fn is_awaited(&self) -> bool {
        self.receiving.is_wished()
    }

    /// Trailers have come, or a response that is nothing else.
    pub fn on_trailers(&mut self, carrier: &mut impl Carrier, fields: Fields) {
        let (status, left) = Status::from_trailers(fields);
        if let Some(left) = left {
            carrier.recycle(left);
        }
        match status {
            Some(status) => self.end(carrier, Reason::NO_ERROR, status),
            None => self.on_end(carrier),
        }
    }

    /// The response has ended without trailers.
    pub fn on_end(&mut self, carrier: &mut impl Carrier) {
        let status = Status::unknown(
            "the server ended the response without a grpc-status: does a proxy on the way drop trailers?",
        );
        self.end(carrier, Reason::NO_ERROR, status);
    }

    /// The stream was cut off.
    pub fn on_reset(&mut self, now: Instant, error: StreamError) {
        if self.is_over() {
            return;
        }
        self.unprocessed = error.unprocessed;
        let code = match (error.reach, error.unprocessed) {
            (Reach::Connection, _) | (_, true) => Code::Unavailable,
            (Reach::Stream, false) => code_of_reset(error.reason),
        };
        // gRPC, `PROTOCOL-HTTP2.md`: the server may have cancelled the call for the very deadline that we have.
        let late = code == Code::Cancelled && self.deadline.is_some_and(|deadline| deadline <= now);
        self.on_broken(if late { deadline_exceeded() } else { Status::new(code, error.to_string()) });
    }

    /// The carrier has failed, in a way that `status` tells. Messages that came before can still be had.
    pub fn on_broken(&mut self, status: Status) {
        if !self.is_over() {
            self.status = Some(status);
            self.receiving.end(false);
        }
    }

    /// The deadline has passed: whatever still comes is dropped.
    pub fn on_deadline(&mut self, carrier: &mut impl Carrier) {
        self.receiving.give_up();
        self.end(carrier, Reason::CANCEL, deadline_exceeded());
    }

    /// The caller gives the call up.
    pub fn cancel(&mut self, carrier: &mut impl Carrier) {
        self.fail(carrier, Status::cancelled("the call was cancelled by its caller"));
    }

    /// The caller cannot go on: the call ends with `status`.
    pub fn fail(&mut self, carrier: &mut impl Carrier, status: Status) {
        self.receiving.give_up();
        self.end(carrier, Reason::CANCEL, status);
    }

    /// The next message of the response.
    pub fn recv_message(&mut self, carrier: &mut impl Carrier) -> Received {
        match carrier.recv_data() {
            Some(data) => self.receiving.receive(data),
            None => Received::End,
        }
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
        if self.is_over() {
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
        if self.is_over() {
            return Err(SendMessageError::Ended);
        }
        sending::put_batch(carrier, batch, self.max_send_message)
    }

    /// The longest message that may be sent, bytes.
    pub const fn max_send_message(&self) -> usize {
        self.max_send_message
    }

    /// Says that no message follows.
    ///
    /// # Errors
    ///
    /// [`SendMessageError::Ended`].
    pub fn half_close(&mut self, carrier: &mut impl Carrier) -> Result<(), SendMessageError> {
        if self.is_over() {
            return Err(SendMessageError::Ended);
        }
        sending::put_end(carrier)
    }

    /// The call is over: whatever still was to go either way is not wanted.
    fn end(&mut self, carrier: &mut impl Carrier, reason: Reason, status: Status) {
        if !self.is_over() {
            self.receiving.end(status.is_ok());
            self.status = Some(status);
            carrier.reset(reason);
        }
    }
}

fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed before the call was answered")
}

/// The status of a response that is not gRPC.
fn not_grpc(http_status: u16, content_type: Option<&[u8]>) -> Status {
    let what = match content_type {
        Some(content_type) => format!("content-type {}", Shown(content_type)),
        None => "no content-type".to_owned(),
    };
    Status::new(
        code_of_http_status(http_status),
        format!(
            "the answer is not gRPC: HTTP status {http_status}, {what}; is this the port of a gRPC server, or has a proxy answered?"
        ),
    )
}
