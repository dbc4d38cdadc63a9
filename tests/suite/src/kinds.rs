//! The four kinds of call.

use futures_util::stream;
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Code, Request};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::unimplemented_service_client::UnimplementedServiceClient;
use unwired_proto::grpc::testing::{
    EchoStatus, Empty, StreamingInputCallRequest, StreamingOutputCallRequest,
};

use crate::messages::{asking, input, output, simple, sizes};
use crate::serving::{Transport, serve};

/// Calls of each kind, to a [`Tester`](crate::service::Tester), with what each is for.
pub async fn every_kind(channel: Channel) {
    let client = TestServiceClient::new(channel);
    let answer = client.unary_call(simple(*b"hello")).await.unwrap().into_inner();
    assert_eq!(answer.payload.unwrap().body, b"hello");

    let expected = [31_415, 0, 2_653, 258_979];
    let mut answers = client.streaming_output_call(sizes(expected)).await.unwrap().into_inner();
    for size in expected {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.payload.unwrap().body.len(), size as usize);
    }
    assert!(answers.message().await.unwrap().is_none());
    assert!(answers.message().await.unwrap().is_none(), "and nothing more");

    let requests = stream::iter([27_182, 8, 1_828, 45_904].map(|size| input(vec![0; size])));
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

    let requests = stream::iter((0..10).map(|n| output(vec![n])));
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

pub async fn every_kind_of_call(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    every_kind(server.channel().connect_lazy()).await;
    server.stop().await;
}

pub async fn a_status_comes_with_its_message_and_metadata_in_every_kind(
    rt: &RuntimeHandle,
    transport: Transport,
) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let mut failures = Vec::new();
    failures.push(client.empty_call(asking(Empty {}, "fail")).await.unwrap_err());
    let mut answers = client.streaming_output_call(asking(sizes([1]), "fail")).await.unwrap().into_inner();
    failures.push(answers.message().await.unwrap_err());
    assert!(answers.message().await.unwrap().is_none(), "nothing after an error");
    let requests = stream::iter([input(vec![1])]);
    failures.push(client.streaming_input_call(asking(requests, "fail")).await.unwrap_err());
    let requests = stream::iter([output(vec![1])]);
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
    server.stop().await;
}

pub async fn what_is_not_there_is_unimplemented(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let channel = server.channel().connect_lazy();
    let status =
        UnimplementedServiceClient::new(channel.clone()).unimplemented_call(Empty {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("grpc.testing.UnimplementedService"), "{status}");
    let status = TestServiceClient::new(channel).unimplemented_call(Empty {}).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "on purpose"));
    server.stop().await;
}

pub async fn an_empty_stream_is_answered_by_an_empty_stream(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let nothing = stream::empty::<StreamingOutputCallRequest>();
    let mut answers = client.half_duplex_call(nothing).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_none());
    let nothing = stream::empty::<StreamingInputCallRequest>();
    let answer = client.streaming_input_call(nothing).await.unwrap().into_inner();
    assert_eq!(answer.aggregated_payload_size, 0);
    server.stop().await;
}
