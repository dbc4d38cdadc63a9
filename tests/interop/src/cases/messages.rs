use unwired_proto::grpc::testing::{
    BoolValue, EchoStatus, Payload, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest,
};

/// The size of the payload that a large unary call sends.
pub(super) const LARGE_REQUEST: usize = 271_828;
/// The size of the payload that a large unary call asks for.
pub(super) const LARGE_RESPONSE: usize = 314_159;

/// So many zeros.
pub(super) fn payload(size: usize) -> Option<Payload> {
    Some(Payload { body: vec![0; size], ..Payload::default() })
}

/// How large what has come is.
pub(super) fn size_of(payload: Option<&Payload>) -> usize {
    payload.map_or(0, |payload| payload.body.len())
}

/// A size as the messages have it.
pub(super) fn wanted(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

/// Sends so many bytes, and asks for as many.
pub(super) fn simple(request: usize, response: usize) -> SimpleRequest {
    SimpleRequest { response_size: wanted(response), payload: payload(request), ..SimpleRequest::default() }
}

/// The large request.
pub(super) fn large() -> SimpleRequest {
    simple(LARGE_REQUEST, LARGE_RESPONSE)
}

/// One of the requests that a client streams.
pub(super) fn input(size: usize) -> StreamingInputCallRequest {
    StreamingInputCallRequest { payload: payload(size), expect_compressed: None }
}

/// Asks for a response of each of these sizes.
pub(super) fn output(sizes: &[usize]) -> StreamingOutputCallRequest {
    let parameters = |&size| ResponseParameters { size: wanted(size), ..ResponseParameters::default() };
    StreamingOutputCallRequest {
        response_parameters: sizes.iter().map(parameters).collect(),
        ..StreamingOutputCallRequest::default()
    }
}

/// The status that the server shall end the call with.
pub(super) fn ending(code: i32, message: &str) -> Option<EchoStatus> {
    Some(EchoStatus { code, message: message.to_owned() })
}

/// That of this which can be absent.
pub(super) fn truth(value: bool) -> Option<BoolValue> {
    Some(BoolValue { value })
}
