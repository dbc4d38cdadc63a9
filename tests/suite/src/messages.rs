//! Messages of the test service.

use unwired::Request;
use unwired_proto::grpc::testing::{
    Payload, ResponseParameters, SimpleRequest, StreamingInputCallRequest, StreamingOutputCallRequest,
};

/// A payload of these octets.
pub fn payload(octets: impl Into<Vec<u8>>) -> Option<Payload> {
    Some(Payload { body: octets.into(), ..Payload::default() })
}

/// A request of a unary call.
pub fn simple(octets: impl Into<Vec<u8>>) -> SimpleRequest {
    SimpleRequest { payload: payload(octets), ..Default::default() }
}

/// A message of a client's stream.
pub fn input(octets: impl Into<Vec<u8>>) -> StreamingInputCallRequest {
    StreamingInputCallRequest { payload: payload(octets), ..Default::default() }
}

/// A message that a conversation sends back.
pub fn output(octets: impl Into<Vec<u8>>) -> StreamingOutputCallRequest {
    StreamingOutputCallRequest { payload: payload(octets), ..Default::default() }
}

/// A request for a stream of messages with payloads of these sizes, bytes.
pub fn sizes(sizes: impl IntoIterator<Item = i32>) -> StreamingOutputCallRequest {
    let response_parameters =
        sizes.into_iter().map(|size| ResponseParameters { size, ..Default::default() }).collect();
    StreamingOutputCallRequest { response_parameters, ..Default::default() }
}

/// A request whose handler does what `what` says; see [`Tester`](crate::service::Tester).
pub fn asking<T>(message: T, what: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-do", what).unwrap();
    request
}
