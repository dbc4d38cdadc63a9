//! tonic calls our server.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request};
use unwired_tests::pump::soon;

use crate::our_server as server;
use crate::stubs::test_service_client::TestServiceClient;
use crate::stubs::*;
use crate::{ECHO_INITIAL, ECHO_TRAILING, LENGTHS, MESSAGE_LIMIT, noise};

#[path = "either_client.rs"]
#[allow(clippy::duplicate_mod, reason = "the same with either client")]
mod either;
use either::{echo, ending, input, outputs};

async fn rig() -> (TestServiceClient<Channel>, server::Running) {
    let server = server::start().await;
    let client = TestServiceClient::connect(server.url.clone()).await.unwrap();
    (client.max_decoding_message_size(MESSAGE_LIMIT), server)
}

fn payload(length: usize) -> Option<Payload> {
    Some(Payload { body: noise(length), ..Payload::default() })
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    let (mut client, _server) = rig().await;
    let binary = [0xab, 0x00, 0xff, b','];
    let mut request = Request::new(outputs(&[1], 0));
    request.get_mut().response_status = ending(10, "aborted on request");
    request.metadata_mut().append(ECHO_INITIAL, "one".parse().unwrap());
    request.metadata_mut().append(ECHO_INITIAL, "two, three".parse().unwrap());
    request.metadata_mut().append_bin(ECHO_TRAILING, MetadataValue::from_bytes(&binary));
    request.metadata_mut().append_bin(ECHO_TRAILING, MetadataValue::from_bytes(b""));

    let response = soon(client.streaming_output_call(request)).await.unwrap();
    let initial: Vec<_> = response.metadata().get_all(ECHO_INITIAL).iter().collect();
    assert_eq!(initial, ["one", "two, three"]);
    let mut stream = response.into_inner();
    assert!(soon(stream.message()).await.unwrap().is_some());
    let status = soon(stream.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    let trailing = status.metadata().get_all_bin(ECHO_TRAILING).iter().map(|value| value.to_bytes().unwrap());
    assert_eq!(trailing.collect::<Vec<_>>(), [&binary[..], b""]);
}

#[tokio::test]
async fn a_unary_answer_has_metadata_before_and_behind_it() {
    let (mut client, _server) = rig().await;
    let mut request = Request::new(echo(1));
    request.metadata_mut().append(ECHO_INITIAL, "before".parse().unwrap());
    request.metadata_mut().append_bin(ECHO_TRAILING, MetadataValue::from_bytes(b"behind"));
    let response = soon(client.unary_call(request)).await.unwrap();
    assert_eq!(response.metadata().get(ECHO_INITIAL).unwrap(), "before");
    // tonic puts both into one map.
    assert_eq!(response.metadata().get_bin(ECHO_TRAILING).unwrap().to_bytes().unwrap(), "behind");
}

#[tokio::test]
async fn unknown_methods_and_services_are_unimplemented() {
    let (mut client, server) = rig().await;
    let status = soon(client.unimplemented_call(Empty {})).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    let mut stranger =
        unimplemented_service_client::UnimplementedServiceClient::connect(server.url.clone()).await.unwrap();
    let status = soon(stranger.unimplemented_call(Empty {})).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_deadline_ends_the_call_on_both_sides() {
    let (mut client, mut server) = rig().await;
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::from_millis(50));
    let status = soon(client.empty_call(request)).await.unwrap_err();
    // tonic's client calls its own deadline Cancelled; the server's word is DeadlineExceeded.
    assert!(matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded), "{status:?}");
    assert_eq!(soon(server.over.recv()).await, Some("empty_call"));
    soon(client.unary_call(echo(1))).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_call_ends_its_handler() {
    let (mut client, mut server) = rig().await;

    let mut other = client.clone();
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
    let stream = soon(client.full_duplex_call(ReceiverStream::new(requests))).await.unwrap();
    // tonic cancels when neither half is held any more.
    drop((stream, send));
    assert_eq!(soon(server.over.recv()).await, Some("full_duplex_call"));

    soon(client.unary_call(echo(1))).await.unwrap();
}

#[tokio::test]
async fn gzip_goes_both_ways() {
    let (client, _server) = rig().await;
    let mut client =
        client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    for length in LENGTHS {
        let response = soon(client.unary_call(echo(length))).await.unwrap();
        assert_eq!(response.metadata().get("grpc-encoding").unwrap(), "gzip");
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
    let (mut client, _server) = rig().await;
    let status = soon(client.unary_call(echo(MESSAGE_LIMIT + 1))).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    soon(client.unary_call(echo(1))).await.unwrap();
}
