use futures_util::stream;
use unwired::{Code, Encoding, Request};
use unwired_proto::grpc::testing::{
    ResponseParameters, SimpleRequest, StreamingInputCallRequest, StreamingOutputCallRequest,
};

use super::checks::{equal, fails_with, present};
use super::messages::{LARGE_RESPONSE, input, large, size_of, truth, wanted};
use super::streaming::nothing_more;
use super::{Caller, Outcome};

/// What a client streams compressed, and what it does not, in bytes.
const REQUESTS: [usize; 2] = [27_182, 45_904];
/// What a server streams compressed, and what it does not, in bytes.
const RESPONSES: [usize; 2] = [31_415, 92_653];
/// Asks a server that cannot tell compressed requests from others to show it.
const PROBE: &str = "an uncompressed request that says it is compressed";

/// A server knows whether a request was compressed.
pub(super) async fn client_compressed_unary(caller: &Caller) -> Outcome {
    let client = caller.client().send_compressed(Encoding::Gzip);
    let expecting = |compressed| SimpleRequest { expect_compressed: truth(compressed), ..large() };

    let mut probe = Request::new(expecting(true));
    probe.disable_compression();
    fails_with(PROBE, client.unary_call(probe).await, Code::InvalidArgument)?;

    for compressed in [true, false] {
        let mut request = Request::new(expecting(compressed));
        if !compressed {
            request.disable_compression();
        }
        let response = client.unary_call(request).await?.into_inner();
        equal("the response's payload", size_of(response.payload.as_ref()), LARGE_RESPONSE)?;
    }
    Ok(())
}

/// A server compresses a response where it is asked to, and nowhere else.
pub(super) async fn server_compressed_unary(caller: &Caller) -> Outcome {
    let client = caller.client();
    for compressed in [true, false] {
        let request = SimpleRequest { response_compressed: truth(compressed), ..large() };
        let response = client.unary_call(request).await?;
        equal("whether the response was compressed", response.was_compressed(), compressed)?;
        equal("the response's payload", size_of(response.get_ref().payload.as_ref()), LARGE_RESPONSE)?;
    }
    Ok(())
}

/// A server knows of each request in a stream whether it was compressed.
pub(super) async fn client_compressed_streaming(caller: &Caller) -> Outcome {
    let client = caller.client().send_compressed(Encoding::Gzip);
    let [first, second] = REQUESTS;
    let expecting =
        |size, compressed| StreamingInputCallRequest { expect_compressed: truth(compressed), ..input(size) };

    let mut probe = Request::new(stream::iter([expecting(first, true)]));
    probe.disable_compression();
    fails_with(PROBE, client.streaming_input_call(probe).await, Code::InvalidArgument)?;

    let (mut requests, answer) = client.streaming_input_call_halves(Request::new(())).await?;
    requests.send(expecting(first, true)).await?;
    requests.send_uncompressed(expecting(second, false)).await?;
    requests.close();
    let response = answer.response().await?.into_inner();
    equal("the sum of the payloads", response.aggregated_payload_size, 73_086)
}

/// A server compresses those responses of a stream that it is asked to.
pub(super) async fn server_compressed_streaming(caller: &Caller) -> Outcome {
    let parts = RESPONSES.into_iter().zip([true, false]);
    let response_parameters = parts
        .clone()
        .map(|(size, compressed)| ResponseParameters {
            size: wanted(size),
            interval_us: 0,
            compressed: truth(compressed),
        })
        .collect();
    let request = StreamingOutputCallRequest { response_parameters, ..StreamingOutputCallRequest::default() };
    let mut responses = caller.client().streaming_output_call(request).await?.into_inner();
    for (size, compressed) in parts {
        let response = present("a response", responses.message().await?)?;
        equal("the payload of a response", size_of(response.payload.as_ref()), size)?;
        equal("whether the response was compressed", responses.was_compressed(), compressed)?;
    }
    nothing_more(&mut responses).await
}
