//! The end of a server, with calls under way.

use std::time::Duration;

use unwired::transport::RuntimeHandle;
use unwired::{Code, Request};
use unwired_proto::grpc::testing::Empty;

use crate::messages::{asking, input, output, sizes};
use crate::serving::{Transport, serve, serve_with};
use crate::tasks::spawn;

pub async fn a_drain_lets_calls_end_and_takes_no_new_ones(rt: &RuntimeHandle, transport: Transport) {
    let mut server = serve(rt, transport).await;
    let client = server.client();
    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    requests.send(output(vec![1])).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    server.tell_to_stop();
    let refused = loop {
        match client.empty_call(Empty {}).await {
            Ok(_) => rt.sleep(Duration::from_millis(1)).await,
            Err(status) => break status,
        }
    };
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    requests.send(output(vec![2])).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, [2]);
    drop(requests);
    assert!(answers.message().await.unwrap().is_none());
    server.stop().await;
}

pub async fn a_drain_lets_every_kind_of_call_end(rt: &RuntimeHandle, transport: Transport) {
    let mut server = serve(rt, transport).await;
    let client = server.client();
    let unary = spawn(rt, {
        let client = client.clone();
        async move { client.empty_call(asking(Empty {}, "wait")).await }
    });
    let mut download = client.streaming_output_call(sizes([50_000; 20])).await.unwrap().into_inner();
    let (mut requests, answer) = client.streaming_input_call_halves(Request::new(())).await.unwrap();
    requests.send(input([0; 10])).await.unwrap();
    server.seen.all_begun(3).await;
    server.tell_to_stop();
    unary.await.unwrap();
    requests.send(input([0; 100])).await.unwrap();
    requests.close();
    assert_eq!(answer.response().await.unwrap().into_inner().aggregated_payload_size, 110);
    for _ in 0..20 {
        assert!(download.message().await.unwrap().is_some());
    }
    assert!(download.message().await.unwrap().is_none());
    server.stop().await;
}

pub async fn a_drain_ends_when_its_time_is_over(rt: &RuntimeHandle, transport: Transport) {
    let mut server =
        serve_with(rt, transport, |server| server.drain_timeout(Duration::from_millis(100))).await;
    let client = server.client();
    let call = spawn(rt, async move { client.empty_call(asking(Empty {}, "hang")).await });
    server.seen.all_begun(1).await;
    server.tell_to_stop();
    let status = call.await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    server.seen.all_gone(1).await;
    server.stop().await;
}
