use futures_util::stream;
use unwired::{Metadata, Request};
use unwired_proto::grpc::testing::StreamingOutputCallRequest;

use super::checks::{equal, present};
use super::messages::{LARGE_REQUEST, LARGE_RESPONSE, large, output, payload};
use super::streaming::{next_of_size, nothing_more};
use super::{Caller, Failure, Outcome};

/// Comes back as initial metadata.
const INITIAL: (&str, &str) = ("x-grpc-test-echo-initial", "test_initial_metadata_value");
/// Comes back as trailing metadata.
const TRAILING: (&str, &[u8]) = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab");

/// Metadata of text comes back before the response, and that of bytes behind it.
pub(super) async fn custom_metadata(caller: &Caller) -> Outcome {
    let client = caller.client();
    let response = client.unary_call(with_metadata(large())?).await?;
    came_back(response.metadata(), response.trailers())?;

    let asking = StreamingOutputCallRequest { payload: payload(LARGE_REQUEST), ..output(&[LARGE_RESPONSE]) };
    let request = with_metadata(stream::iter([asking]))?;
    let mut responses = client.full_duplex_call(request).await?.into_inner();
    let initial = responses.metadata().await;
    next_of_size(&mut responses, LARGE_RESPONSE).await?;
    nothing_more(&mut responses).await?;
    came_back(&initial, &responses.trailers().await?)
}

fn with_metadata<T>(message: T) -> Result<Request<T>, Failure> {
    let mut request = Request::new(message);
    let cannot_be_sent = |error| Failure(format!("the metadata cannot be sent: {error}"));
    request.metadata_mut().insert(INITIAL.0, INITIAL.1).map_err(cannot_be_sent)?;
    request.metadata_mut().insert_bin(TRAILING.0, TRAILING.1).map_err(cannot_be_sent)?;
    Ok(request)
}

fn came_back(initial: &Metadata, trailing: &Metadata) -> Outcome {
    equal("the initial metadata", initial.get(INITIAL.0), Some(INITIAL.1))?;
    let trailing = present("the trailing metadata", trailing.get_all_bin(TRAILING.0).next().flatten())?;
    equal("the trailing metadata", trailing.as_ref(), TRAILING.1)
}
