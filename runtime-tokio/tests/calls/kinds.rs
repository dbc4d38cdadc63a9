//! The four kinds of call.

use unwired::{Channel, Code, Request};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::unimplemented_service_client::UnimplementedServiceClient;
use unwired_proto::grpc::testing::{
    EchoStatus, Empty, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest,
};

use crate::service::{asking, payload, serve, serve_in_memory, within};

pub(crate) fn input(octets: Vec<u8>) -> StreamingInputCallRequest {
    StreamingInputCallRequest { payload: payload(octets), ..Default::default() }
}

pub(crate) fn output(octets: Vec<u8>) -> StreamingOutputCallRequest {
    StreamingOutputCallRequest { payload: payload(octets), ..Default::default() }
}

pub(crate) fn sizes(sizes: impl IntoIterator<Item = i32>) -> StreamingOutputCallRequest {
    let response_parameters =
        sizes.into_iter().map(|size| ResponseParameters { size, ..Default::default() }).collect();
    StreamingOutputCallRequest { response_parameters, ..Default::default() }
}

async fn every_kind(channel: Channel) {
    let client = TestServiceClient::new(channel);
    let request = SimpleRequest { payload: payload(*b"hello"), ..Default::default() };
    let answer = client.unary_call(request).await.unwrap().into_inner();
    assert_eq!(answer.payload.unwrap().body, b"hello");

    let expected = [31_415, 0, 2_653, 258_979];
    let mut answers = client.streaming_output_call(sizes(expected)).await.unwrap().into_inner();
    for size in expected {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.payload.unwrap().body.len(), size as usize);
    }
    assert!(answers.message().await.unwrap().is_none());
    assert!(answers.message().await.unwrap().is_none(), "and nothing more");

    let requests = tokio_stream::iter([27_182, 8, 1_828, 45_904].map(|size| input(vec![0; size])));
    let answer = client.streaming_input_call(requests).await.unwrap().into_inner();
    assert_eq!(answer.aggregated_payload_size, 74_922);

    // Each message is sent when the answer to the one before it has come.
    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    for n in 0..10_u8 {
        requests.send(output(vec![n; 1000])).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, [n; 1000]);
    }
    requests.close();
    assert!(answers.message().await.unwrap().is_none());

    let requests = tokio_stream::iter((0..10).map(|n| output(vec![n])));
    let mut answers = client.full_duplex_call(requests).await.unwrap().into_inner();
    for n in 0..10 {
        assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, [n]);
    }
    assert!(answers.message().await.unwrap().is_none());

    let (mut requests, answer) = client.streaming_input_call_halves(Request::new(())).await.unwrap();
    requests.send(input(vec![1; 10])).await.unwrap();
    requests.send(input(vec![1; 20])).await.unwrap();
    drop(requests);
    assert_eq!(answer.response().await.unwrap().into_inner().aggregated_payload_size, 30);
}

#[tokio::test]
async fn every_kind_of_call_over_a_socket() {
    let server = serve().await;
    let channel = server.channel().connect_lazy();
    within(every_kind(channel)).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_call_over_a_socket_on_threads() {
    let server = serve().await;
    let channel = server.channel().connect_lazy();
    within(every_kind(channel)).await;
    server.stop().await;
}

#[tokio::test]
async fn every_kind_of_call_in_memory() {
    let (server, channel) = serve_in_memory().await;
    within(every_kind(channel.clone())).await;
    drop(channel);
    server.stop().await;
}

#[tokio::test]
async fn metadata_goes_both_ways_before_during_and_after() {
    let server = serve().await;
    let client = server.client();
    within(async {
        let mut request = Request::new(Empty {});
        request.metadata_mut().insert("x-echo", "a value").unwrap();
        let response = client.empty_call(request).await.unwrap();
        assert_eq!(response.metadata().get("x-echo"), Some("a value"));
        assert_eq!(response.trailers().get("x-trailer"), Some("t"));

        // Initial metadata comes before the first message is asked for, or sent.
        let mut request = Request::new(());
        request.metadata_mut().insert("x-echo", "early").unwrap();
        let (mut requests, mut answers) = client.full_duplex_call_halves(request).await.unwrap();
        assert_eq!(answers.metadata().await.get("x-echo"), Some("early"));
        requests.send(output(vec![1])).await.unwrap();
        assert!(answers.message().await.unwrap().is_some());
        drop(requests);
        assert!(answers.trailers().await.unwrap().is_empty());
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_status_comes_with_its_message_and_metadata_in_every_kind() {
    let server = serve().await;
    let client = server.client();
    within(async {
        let mut failures = Vec::new();
        failures.push(client.empty_call(asking(Empty {}, "fail")).await.unwrap_err());
        let mut answers =
            client.streaming_output_call(asking(sizes([1]), "fail")).await.unwrap().into_inner();
        failures.push(answers.message().await.unwrap_err());
        assert!(answers.message().await.unwrap().is_none(), "nothing after an error");
        let requests = tokio_stream::iter([input(vec![1])]);
        failures.push(client.streaming_input_call(asking(requests, "fail")).await.unwrap_err());
        let requests = tokio_stream::iter([output(vec![1])]);
        let mut answers = client.full_duplex_call(asking(requests, "fail")).await.unwrap().into_inner();
        failures.push(answers.message().await.unwrap_err());
        for status in failures {
            assert_eq!((status.code(), status.message()), (Code::NotFound, "as asked"));
            assert_eq!(status.metadata().get("x-why"), Some("asked"));
        }

        let mut request = sizes([5, 6]);
        request.response_status = Some(EchoStatus { code: 9, message: "after \u{263a}".to_owned() });
        let mut answers = client.streaming_output_call(request).await.unwrap().into_inner();
        assert!(answers.message().await.unwrap().is_some());
        assert!(answers.message().await.unwrap().is_some());
        let status = answers.message().await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "after \u{263a}"));
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_unimplemented() {
    let server = serve().await;
    let channel = server.channel().connect_lazy();
    within(async {
        let status =
            UnimplementedServiceClient::new(channel.clone()).unimplemented_call(Empty {}).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
        assert!(status.message().contains("grpc.testing.UnimplementedService"), "{status}");
        let status = TestServiceClient::new(channel).unimplemented_call(Empty {}).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unimplemented, "on purpose"));
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn an_empty_stream_is_answered_by_an_empty_stream() {
    let server = serve().await;
    let client = server.client();
    within(async {
        let nothing = tokio_stream::empty::<StreamingOutputCallRequest>();
        let mut answers = client.half_duplex_call(nothing).await.unwrap().into_inner();
        assert!(answers.message().await.unwrap().is_none());
        let nothing = tokio_stream::empty::<StreamingInputCallRequest>();
        let answer = client.streaming_input_call(nothing).await.unwrap().into_inner();
        assert_eq!(answer.aggregated_payload_size, 0);
    })
    .await;
    server.stop().await;
}
