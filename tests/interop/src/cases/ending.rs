use core::time::Duration;

use unwired::{Code, Request, Status};
use unwired_proto::grpc::testing::StreamingOutputCallRequest;

use super::checks::fails_with;
use super::messages::{output, payload};
use super::streaming::{REQUESTS, RESPONSES, next_of_size};
use super::{Caller, Outcome};

fn given_up() -> Status {
    Status::cancelled("the client gives the call up")
}

/// A call that is given up before a message is sent.
pub(super) async fn cancel_after_begin(caller: &Caller) -> Outcome {
    let (requests, answer) = caller.client().streaming_input_call_halves(Request::new(())).await?;
    requests.fail(given_up());
    fails_with("the call", answer.response().await, Code::Cancelled).map(drop)
}

/// A call that is given up once a response has come.
pub(super) async fn cancel_after_first_response(caller: &Caller) -> Outcome {
    let (mut requests, mut responses) = caller.client().full_duplex_call_halves(Request::new(())).await?;
    let asking = StreamingOutputCallRequest { payload: payload(REQUESTS[0]), ..output(&RESPONSES[..1]) };
    requests.send(asking).await?;
    next_of_size(&mut responses, RESPONSES[0]).await?;
    requests.fail(given_up());
    fails_with("the call", responses.message().await, Code::Cancelled).map(drop)
}

/// A deadline that passes while the server waits for more.
pub(super) async fn timeout_on_sleeping_server(caller: &Caller) -> Outcome {
    let mut request = Request::new(());
    request.set_timeout(Duration::from_millis(1));
    let asking =
        StreamingOutputCallRequest { payload: payload(REQUESTS[0]), ..StreamingOutputCallRequest::default() };
    let ended = async {
        let (mut requests, mut responses) = caller.client().full_duplex_call_halves(request).await?;
        requests.send(asking).await?;
        responses.message().await
    };
    fails_with("the call", ended.await, Code::DeadlineExceeded).map(drop)
}
