//! Many calls, and large ones.

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, stream};
use unwired::transport::RuntimeHandle;
use unwired::{Code, Request};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::messages::{asking, input, output, simple, sizes};
use crate::serving::{Transport, serve, serve_with};
use crate::tasks::spawn;

const TEN_MIB: usize = 10 << 20;

pub async fn a_thousand_calls_at_once(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    // The server allows 128 of them at a time: the others wait for their turn.
    let calls: Vec<_> = (0..1000_u32)
        .map(|n| {
            let client = client.clone();
            spawn(rt, async move {
                let body = n.to_be_bytes();
                let request = simple(body);
                let request = if n % 3 == 0 { asking(request, "wait") } else { Request::new(request) };
                let answer = client.unary_call(request).await.unwrap().into_inner();
                assert_eq!(answer.payload.unwrap().body, body);
            })
        })
        .collect();
    for call in calls {
        call.await;
    }
    server.stop().await;
}

pub async fn calls_over_the_limit_of_streams_have_their_turn_in_order(
    rt: &RuntimeHandle,
    transport: Transport,
) {
    let server = serve_with(rt, transport, |server| server.max_concurrent_streams(1)).await;
    let client = server.client();
    client.empty_call(Empty {}).await.unwrap();
    // In one task: which of several tasks begins is for their runtime to say.
    let calls: FuturesUnordered<_> = (0..20)
        .map(|n| {
            let client = &client;
            async move {
                let request = if n == 0 { asking(Empty {}, "wait") } else { Request::new(Empty {}) };
                client.empty_call(request).await.unwrap();
                n
            }
        })
        .collect();
    assert_eq!(calls.collect::<Vec<_>>().await, (0..20).collect::<Vec<_>>());
    // A call whose turn does not come in time says so, and lets the others pass.
    let hanging = spawn(rt, {
        let client = client.clone();
        async move { client.empty_call(asking(Empty {}, "hang")).await }
    });
    rt.sleep(Duration::from_millis(20)).await;
    let mut late = Request::new(Empty {});
    late.set_timeout(Duration::from_millis(20));
    let status = client.empty_call(late).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    drop(hanging);
    // Its place is another's when its handler is gone, not before.
    server.seen.all_gone(22).await;
    client.empty_call(Empty {}).await.unwrap();
    server.stop().await;
}

async fn large(client: TestServiceClient) {
    let client = client.max_decoding_message_size(usize::MAX);
    let body: Vec<u8> = (0..TEN_MIB).map(|n| (n % 251) as u8).collect();
    let request = simple(body.clone());
    let answer = client.unary_call(request).await.unwrap().into_inner();
    assert_eq!(answer.payload.unwrap().body, body);

    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    for _ in 0..3 {
        requests.send(output(body.clone())).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, body);
    }
}

pub async fn messages_of_ten_mebibytes(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.max_decoding_message_size(TEN_MIB + 100)).await;
    large(server.client()).await;
    server.stop().await;
}

pub async fn many_small_messages_and_a_slow_reader(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let mut slow = client.streaming_output_call(sizes(vec![1000; 2000])).await.unwrap().into_inner();
    let requests = stream::iter((0..20_000).map(|_| input(vec![1; 10])));
    let answer = client.streaming_input_call(requests).await.unwrap().into_inner();
    assert_eq!(answer.aggregated_payload_size, 200_000);
    let mut count = 0;
    while slow.message().await.unwrap().is_some() {
        count += 1;
        if count % 500 == 0 {
            rt.sleep(Duration::from_millis(5)).await;
        }
    }
    assert_eq!(count, 2000);
    server.stop().await;
}
