//! What servers answer, and which status a client's application sees.

use unwired_core::Instant;
use unwired_core::grpc::{CallId, Cardinality, Code, Metadata, Received, Status};
use unwired_core::http2::{self, Reason, StreamKey};
use unwired_replay::grpc::client::{Connection, Event, NewCall};

use crate::bare::{Bare, RESPONSE, client, fields};
use crate::pair::{message, new_call};

const HI: &[u8] = &[0, 0, 0, 0, 2, b'h', b'i'];

struct Answered {
    bare: Bare<Connection>,
    call: CallId,
    stream: StreamKey,
}

/// A call whose request has arrived whole.
fn called(response: Cardinality) -> Answered {
    let mut bare = client();
    let metadata = Metadata::new();
    let call = bare.grpc.start(Instant::ZERO, &NewCall { response, ..new_call(&metadata) }).unwrap();
    bare.grpc.send_message(call, message("ask")).unwrap();
    bare.grpc.half_close(call).unwrap();
    bare.settle();
    let stream = bare
        .seen
        .iter()
        .find_map(|event| match event {
            http2::Event::Headers { stream, .. } => Some(*stream),
            _ => None,
        })
        .expect("a request");
    Answered { bare, call, stream }
}

impl Answered {
    fn head(mut self, lines: &[(&str, &str)], end: bool) -> Self {
        self.bare.peer.send_headers(self.stream, fields(lines), end).unwrap();
        self.bare.settle();
        self
    }

    fn data(mut self, data: &'static [u8], end: bool) -> Self {
        self.bare.send(self.stream, data, end);
        self
    }

    fn trailers(mut self, lines: &[(&str, &str)]) -> Self {
        self.bare.peer.send_trailers(self.stream, fields(lines)).unwrap();
        self.bare.settle();
        self
    }

    /// The status; nothing of the call is left, and the connection goes on.
    fn status(mut self) -> Status {
        let done = std::iter::from_fn(|| self.bare.grpc.poll_event())
            .filter(|event| matches!(event, Event::Done { .. }))
            .count();
        assert_eq!(done, 1, "one last event");
        let status = self.bare.grpc.status(self.call).unwrap().clone();
        self.bare.grpc.release(self.call);
        self.bare.settle();
        assert_eq!(self.bare.grpc.active_calls(), 0);
        assert!(self.bare.grpc.start(Instant::ZERO, &new_call(&Metadata::new())).is_ok());
        status
    }

    fn code(self) -> Code {
        self.status().code()
    }
}

/// Obligations: 51.
#[test]
fn a_response_of_trailers_only_is_a_status_with_its_metadata() {
    let lines =
        [RESPONSE, &[("grpc-status", "5"), ("grpc-message", "no %C3%A9"), ("x-why", "gone")]].concat();
    let status = called(Cardinality::One).head(&lines, true).status();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no é"));
    assert_eq!(status.metadata().get("x-why"), Some("gone"));
}

/// Obligations: 51.
#[test]
fn a_grpc_status_holds_whatever_http_says_and_without_one_http_does() {
    let with = |http: &'static str, grpc: &'static str| {
        called(Cardinality::One).head(&[(":status", http), ("grpc-status", grpc)], true).code()
    };
    assert_eq!(with("503", "7"), Code::PermissionDenied);
    for (http, code) in [
        ("400", Code::Internal),
        ("401", Code::Unauthenticated),
        ("403", Code::PermissionDenied),
        ("404", Code::Unimplemented),
        ("429", Code::Unavailable),
        ("502", Code::Unavailable),
        ("503", Code::Unavailable),
        ("504", Code::Unavailable),
        ("500", Code::Unknown),
        ("302", Code::Unknown),
    ] {
        let head = [(":status", http), ("content-type", "text/html")];
        let status = called(Cardinality::One).head(&head, false).status();
        assert_eq!(status.code(), code, "{http}");
        assert!(status.message().contains(http) && status.message().contains("text/html"), "{status}");
        assert_eq!(called(Cardinality::One).head(&head, true).code(), code, "{http}");
    }
}

#[test]
fn an_answer_that_is_not_grpc_says_so() {
    let status =
        called(Cardinality::One).head(&[(":status", "200"), ("content-type", "text/plain")], false).status();
    assert_eq!(status.code(), Code::Unknown);
    assert!(status.message().contains("text/plain"), "{status}");
}

#[test]
fn an_end_without_a_status_is_unknown_and_a_status_that_is_no_code_too() {
    assert_eq!(called(Cardinality::Many).head(RESPONSE, false).data(HI, true).code(), Code::Unknown);
    assert_eq!(
        called(Cardinality::Many).head(RESPONSE, false).trailers(&[("x-a", "1")]).code(),
        Code::Unknown
    );
    assert_eq!(
        called(Cardinality::Many).head(RESPONSE, false).trailers(&[("grpc-status", "17")]).code(),
        Code::Unknown
    );
}

#[test]
fn interim_responses_change_nothing() {
    let answered = called(Cardinality::One).head(&[(":status", "103"), ("link", "x")], false);
    let mut answered = answered.head(RESPONSE, false).data(HI, false).trailers(&[("grpc-status", "0")]);
    let Received::Message(message) = answered.bare.grpc.recv_message(answered.call) else {
        panic!("no message")
    };
    assert_eq!(message.payload, "hi");
    assert!(answered.status().is_ok());
}

/// What the application finds behind a status of OK.
fn found(data: &'static [u8], response: Cardinality) -> Code {
    let mut answered =
        called(response).head(RESPONSE, false).data(data, false).trailers(&[("grpc-status", "0")]);
    loop {
        match answered.bare.grpc.recv_message(answered.call) {
            Received::Message(_) => {}
            Received::Failed(status) => return status.code(),
            Received::End => return Code::Ok,
            Received::Pending => panic!("the response has ended"),
        }
    }
}

/// Obligations: 52.
#[test]
fn one_message_where_one_belongs_and_no_more() {
    assert_eq!(found(b"", Cardinality::One), Code::Unimplemented);
    assert_eq!(found(HI, Cardinality::One), Code::Ok);
    assert_eq!(found(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Cardinality::One), Code::Unimplemented);
    assert_eq!(found(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Cardinality::Many), Code::Ok);
    assert_eq!(found(b"", Cardinality::Many), Code::Ok);
}

/// Obligations: 52.
#[test]
fn a_message_that_is_cut_off_compressed_without_encoding_or_too_long_fails() {
    assert_eq!(found(&[0, 0, 0, 0, 3, b'h', b'i'], Cardinality::Many), Code::Internal);
    assert_eq!(found(&[0, 0, 0], Cardinality::Many), Code::Internal);
    assert_eq!(found(&[1, 0, 0, 0, 0], Cardinality::Many), Code::Internal);
    assert_eq!(found(&[2, 0, 0, 0, 0], Cardinality::Many), Code::Internal);
    assert_eq!(found(&[0, 0, 0x40, 0, 1], Cardinality::Many), Code::ResourceExhausted);
}

#[test]
fn an_encoding_that_was_not_offered_is_internal_and_named() {
    let lines = [RESPONSE, &[("grpc-encoding", "snappy")]].concat();
    let status = called(Cardinality::Many).head(&lines, false).status();
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().contains("snappy"), "{status}");
}

/// Obligations: 51.
#[test]
fn resets_are_codes() {
    for (reason, code) in [
        (Reason::REFUSED_STREAM, Code::Unavailable),
        (Reason::CANCEL, Code::Cancelled),
        (Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
        (Reason::INADEQUATE_SECURITY, Code::PermissionDenied),
        (Reason::PROTOCOL_ERROR, Code::Internal),
        (Reason::NO_ERROR, Code::Internal),
        (Reason(0x7fff_ffff), Code::Internal),
    ] {
        let mut answered = called(Cardinality::One);
        answered.bare.peer.reset(answered.stream, reason);
        answered.bare.settle();
        let unprocessed = answered.bare.grpc.is_unprocessed(answered.call);
        assert_eq!(unprocessed, reason == Reason::REFUSED_STREAM);
        assert_eq!(answered.code(), code, "{reason:?}");
    }
}

/// Obligations: 54.
#[test]
fn a_status_before_the_request_has_ended_ends_it() {
    let mut bare = client();
    let call = bare.grpc.start(Instant::ZERO, &new_call(&Metadata::new())).unwrap();
    bare.settle();
    let Some(&http2::Event::Headers { stream, .. }) = bare.seen.last() else { panic!("{:?}", bare.seen) };
    let lines = [RESPONSE, &[("grpc-status", "8")]].concat();
    let answered = Answered { bare, call, stream }.head(&lines, true);
    assert_eq!(answered.bare.peer.active_streams(), 0);
    assert_eq!(answered.code(), Code::ResourceExhausted);
}
