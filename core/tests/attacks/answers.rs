//! What a hostile server answers, and what the application of a client hears.

use unwired_core::Instant;
use unwired_core::grpc::{Code, Message, Metadata, Received, Status};
use unwired_core::http2::{Event, Fields};
use unwired_replay::grpc::client::{Connection, NewCall};

use crate::bare::{Bare, RESPONSE, client, fields};
use crate::siege::beside_a_neighbour;

const MESSAGE: &[u8] = &[0, 0, 0, 0, 1, b'x'];

/// A call that is answered with a head, `data` and `trailers`: its status, and what was found wrong with its messages.
fn answer(bare: &mut Bare<Connection>, data: &'static [u8], trailers: Fields) -> (Status, Option<Status>) {
    let metadata = Metadata::new();
    let new = NewCall::new("localhost", "/test.Service/Method", &metadata);
    let call = bare.grpc.start(Instant::ZERO, &new).expect("a call");
    bare.grpc.send_message(call, Message::default()).expect("room");
    bare.grpc.half_close(call).expect("it is open");
    bare.settle();
    let request = bare.seen.drain(..).find_map(|event| match event {
        Event::Headers { stream, .. } => Some(stream),
        _ => None,
    });
    let stream = request.expect("a request");
    bare.peer.send_headers(stream, fields(RESPONSE), false).expect("a head");
    if !data.is_empty() {
        bare.send(stream, data, false);
    }
    bare.peer.send_trailers(stream, trailers).expect("trailers");
    bare.settle();
    while bare.grpc.poll_event().is_some() {}
    let wrong = loop {
        match bare.grpc.recv_message(call) {
            Received::Message(_) => {}
            Received::Failed(status) => break Some(status),
            Received::End => break None,
            Received::Pending => panic!("the response has ended"),
        }
    };
    let status = bare.grpc.status(call).expect("it is over").clone();
    bare.grpc.release(call);
    bare.peer.release(stream);
    bare.settle();
    (status, wrong)
}

/// Calls that are all answered in the same way, and what comes of each.
#[track_caller]
fn answered(data: &'static [u8], trailers: &[(&str, &str)], code: Code, wrong: Option<Code>) {
    beside_a_neighbour(0, || {
        let mut bare = client();
        for _ in 0..300 {
            let (status, found) = answer(&mut bare, data, fields(trailers));
            assert_eq!((status.code(), found.map(|found| found.code())), (code, wrong), "{status}");
            bare.seen.clear();
        }
        assert_eq!((bare.grpc.active_calls(), bare.grpc.partial_bytes()), (0, 0));
        assert_eq!(bare.grpc.http2().stats().kills.total(), 0);
    });
}

/// Threats: G7.
#[test]
fn statuses_that_are_none() {
    for none in ["", "NaN", "17", "-1", "+5", "5.0", "99999999999999999999", "0x5"] {
        answered(MESSAGE, &[("grpc-status", none)], Code::Unknown, None);
    }
    // Of two the first counts.
    answered(MESSAGE, &[("grpc-status", "5"), ("grpc-status", "0")], Code::NotFound, None);
}

/// Threats: G7.
#[test]
fn messages_and_details_that_are_none() {
    for message in ["%", "%zz", "100%25%", "%ff%fe", "%e2%82"] {
        answered(MESSAGE, &[("grpc-status", "5"), ("grpc-message", message)], Code::NotFound, None);
    }
    for details in ["!", "====", "AAA", "AAAAA"] {
        let trailers = [("grpc-status", "5"), ("grpc-status-details-bin", details)];
        answered(MESSAGE, &trailers, Code::NotFound, None);
    }
}

/// Threats: G1, G5, S9.
#[test]
fn messages_that_are_none_are_no_success() {
    let ok = [("grpc-status", "0")];
    answered(&[], &ok, Code::Ok, Some(Code::Unimplemented));
    answered(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &ok, Code::Ok, Some(Code::Unimplemented));
    answered(&MESSAGE[..3], &ok, Code::Ok, Some(Code::Internal));
    answered(&[0, 0, 0, 0, 9, b'x'], &ok, Code::Ok, Some(Code::Internal));
    answered(&[1, 0, 0, 0, 1, b'x'], &ok, Code::Ok, Some(Code::Internal));
    answered(&[7, 0, 0, 0, 1, b'x'], &ok, Code::Ok, Some(Code::Internal));
    answered(&[0, 0xff, 0xff, 0xff, 0xff], &ok, Code::Ok, Some(Code::ResourceExhausted));
}
