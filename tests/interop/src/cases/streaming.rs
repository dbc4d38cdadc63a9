use futures_util::stream;
use unwired::{Request, Streaming};
use unwired_proto::grpc::testing::{StreamingOutputCallRequest, StreamingOutputCallResponse};

use super::checks::{equal, present};
use super::messages::{input, output, payload, size_of};
use super::{Caller, Failure, Outcome};

/// The sizes of what clients stream, in bytes.
pub(super) const REQUESTS: [usize; 4] = [27_182, 8, 1_828, 45_904];
/// The sizes of what servers stream, in bytes.
pub(super) const RESPONSES: [usize; 4] = [31_415, 9, 2_653, 58_979];

/// Requests that a client streams are added up.
pub(super) async fn client_streaming(caller: &Caller) -> Outcome {
    let requests = stream::iter(REQUESTS.map(input));
    let response = caller.client().streaming_input_call(requests).await?.into_inner();
    equal("the sum of the payloads", response.aggregated_payload_size, 74_922)
}

/// Responses that a server streams come in their order, and no more.
pub(super) async fn server_streaming(caller: &Caller) -> Outcome {
    let mut responses = caller.client().streaming_output_call(output(&RESPONSES)).await?.into_inner();
    for size in RESPONSES {
        next_of_size(&mut responses, size).await?;
    }
    nothing_more(&mut responses).await
}

/// Each request is sent once the response to the one before it has come.
pub(super) async fn ping_pong(caller: &Caller) -> Outcome {
    let (mut requests, mut responses) = caller.client().full_duplex_call_halves(Request::new(())).await?;
    for (request, response) in REQUESTS.into_iter().zip(RESPONSES) {
        let asking = StreamingOutputCallRequest { payload: payload(request), ..output(&[response]) };
        requests.send(asking).await?;
        next_of_size(&mut responses, response).await?;
    }
    requests.close();
    nothing_more(&mut responses).await
}

/// No message either way.
pub(super) async fn empty_stream(caller: &Caller) -> Outcome {
    let (requests, mut responses) = caller.client().full_duplex_call_halves(Request::new(())).await?;
    requests.close();
    nothing_more(&mut responses).await
}

/// The next response has to be there, and its payload of `size`.
pub(super) async fn next_of_size(
    responses: &mut Streaming<StreamingOutputCallResponse>,
    size: usize,
) -> Result<(), Failure> {
    let response = present("a response", responses.message().await?)?;
    equal("the payload of a response", size_of(response.payload.as_ref()), size)
}

/// The stream has to end with OK.
pub(super) async fn nothing_more(responses: &mut Streaming<StreamingOutputCallResponse>) -> Outcome {
    match responses.message().await? {
        None => Ok(()),
        Some(_) => Err(Failure("there are more responses than were asked for".to_owned())),
    }
}
