//! Our client calls a server of tonic.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use unwired::{Code, Encoding, Request};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::unimplemented_service_client::UnimplementedServiceClient;
use unwired_proto::grpc::testing::{
    EchoStatus, Empty, Payload, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest,
};
use unwired_tests::pump::soon;

use crate::tonic_server as server;
use crate::{ECHO_INITIAL, ECHO_TRAILING, LENGTHS, MESSAGE_LIMIT, noise};

#[path = "either_client.rs"]
#[allow(clippy::duplicate_mod, reason = "the same with either client")]
mod either;
use either::{echo, ending, input, outputs};

async fn rig() -> (TestServiceClient, server::Running) {
    let server = server::start();
    let client = TestServiceClient::new(unwired_tokio::connect(&server.url).await.unwrap());
    (client.max_decoding_message_size(MESSAGE_LIMIT), server)
}

fn payload(length: usize) -> Option<Payload> {
    Some(Payload { body: noise(length).into(), ..Payload::default() })
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    let (client, _server) = rig().await;
    let binary = [0xab, 0x00, 0xff, b','];
    let mut request = Request::new(outputs(&[1], 0));
    request.get_mut().response_status = ending(10, "aborted on request");
    request.metadata_mut().append(ECHO_INITIAL, "one").unwrap();
    request.metadata_mut().append(ECHO_INITIAL, "two, three").unwrap();
    request.metadata_mut().append_bin(ECHO_TRAILING, binary).unwrap();
    request.metadata_mut().append_bin(ECHO_TRAILING, b"").unwrap();

    let mut stream = soon(client.streaming_output_call(request)).await.unwrap().into_inner();
    let initial = soon(stream.metadata()).await;
    assert_eq!(initial.get_all(ECHO_INITIAL).collect::<Vec<_>>(), ["one", "two, three"]);
    assert!(soon(stream.message()).await.unwrap().is_some());
    let status = soon(stream.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    let trailing = status.metadata().get_all_bin(ECHO_TRAILING).map(Option::unwrap);
    assert_eq!(trailing.collect::<Vec<_>>(), [&binary[..], b""]);
}

#[tokio::test]
async fn a_unary_answer_has_metadata_before_it() {
    let (client, _server) = rig().await;
    let mut request = Request::new(echo(1));
    request.metadata_mut().append(ECHO_INITIAL, "before").unwrap();
    let response = soon(client.unary_call(request)).await.unwrap();
    assert_eq!(response.metadata().get(ECHO_INITIAL), Some("before"));
}

#[tokio::test]
async fn unknown_methods_and_services_are_unimplemented() {
    let (client, server) = rig().await;
    let status = soon(client.unimplemented_call(Empty {})).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    let stranger = UnimplementedServiceClient::new(unwired_tokio::connect(&server.url).await.unwrap());
    let status = soon(stranger.unimplemented_call(Empty {})).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_deadline_ends_the_call_on_both_sides() {
    let (client, mut server) = rig().await;
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::from_millis(50));
    let status = soon(client.empty_call(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(soon(server.over.recv()).await, Some("empty_call"));
    soon(client.unary_call(echo(1))).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_call_ends_its_handler() {
    let (client, mut server) = rig().await;

    let other = client.clone();
    let call = tokio::spawn(async move { other.empty_call(Empty {}).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    call.abort();
    assert_eq!(soon(server.over.recv()).await, Some("empty_call"));

    let mut stream =
        soon(client.streaming_output_call(outputs(&[1, 1, 1], 100_000))).await.unwrap().into_inner();
    assert!(soon(stream.message()).await.unwrap().is_some());
    drop(stream);
    assert_eq!(soon(server.over.recv()).await, Some("streaming_output_call"));

    let (send, requests) = mpsc::channel(1);
    let stream = soon(client.full_duplex_call(ReceiverStream::new(requests))).await.unwrap().into_inner();
    // Before that the server may not know of the call, and never would.
    soon(stream.metadata()).await;
    drop((stream, send));
    assert_eq!(soon(server.over.recv()).await, Some("full_duplex_call"));

    soon(client.unary_call(echo(1))).await.unwrap();
}

#[tokio::test]
async fn gzip_goes_both_ways() {
    let (client, _server) = rig().await;
    let client = client.send_compressed(Encoding::Gzip);
    for length in LENGTHS {
        let response = soon(client.unary_call(echo(length))).await.unwrap();
        assert!(response.into_inner().payload.unwrap().body == noise(length));
    }
    let inputs = tokio_stream::iter([100_000, 1, 0].map(input));
    let response = soon(client.streaming_input_call(inputs)).await.unwrap().into_inner();
    assert_eq!(response.aggregated_payload_size, 100_001);
    let mut stream =
        soon(client.streaming_output_call(outputs(&[1 << 20, 0], 0))).await.unwrap().into_inner();
    assert_eq!(soon(stream.message()).await.unwrap().unwrap().payload.unwrap().body.len(), 1 << 20);
    assert!(soon(stream.message()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_message_beyond_the_servers_limit_is_refused_alone() {
    let (client, _server) = rig().await;
    let status = soon(client.unary_call(echo(MESSAGE_LIMIT + 1))).await.unwrap_err();
    // gRPC says RESOURCE_EXHAUSTED; tonic's server has another word for it.
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    soon(client.unary_call(echo(1))).await.unwrap();
}
