//! Many calls, and large ones.

use std::time::Duration;

use futures_util::stream;
use unwired::transport::RuntimeHandle;
use unwired::{EncodingSet, Request};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::messages::{asking, input, output, simple, sizes};
use crate::serving::{Transport, serve, serve_with};
use crate::tasks::{poll_once, spawn};

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

pub async fn a_thousand_conversations_at_once(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.max_concurrent_streams(1000)).await;
    let client = server.client();
    // So that the limit is known.
    client.empty_call(Empty {}).await.unwrap();
    let mut conversations = Vec::new();
    for n in 0..1000_u32 {
        let (mut requests, answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
        requests.send(output(n.to_be_bytes())).await.unwrap();
        conversations.push((n, requests, answers));
    }
    server.seen.all_begun(1001).await;
    let talking: Vec<_> = conversations
        .into_iter()
        .map(|(n, mut requests, mut answers)| {
            spawn(rt, async move {
                for more in 1..=3 {
                    let body = answers.message().await.unwrap().unwrap().payload.unwrap().body;
                    assert_eq!(body, (n * more).to_be_bytes());
                    requests.send(output((n * (more + 1)).to_be_bytes())).await.unwrap();
                }
                requests.close();
                assert!(answers.message().await.unwrap().is_some());
                assert!(answers.message().await.unwrap().is_none());
            })
        })
        .collect();
    for conversation in talking {
        conversation.await;
    }
    server.seen.all_gone(1001).await;
    server.stop().await;
}

pub async fn messages_of_ten_mebibytes(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.max_decoding_message_size(TEN_MIB + 100)).await;
    let client = server.client().max_decoding_message_size(usize::MAX);
    let body: Vec<u8> = (0..TEN_MIB).map(|n| (n % 251) as u8).collect();
    let answer = client.unary_call(simple(body.clone())).await.unwrap().into_inner();
    assert_eq!(answer.payload.unwrap().body, body);

    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    for _ in 0..3 {
        requests.send(output(body.clone())).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, body);
    }
    drop((requests, answers));

    let size = i32::try_from(TEN_MIB).unwrap();
    let uploads = stream::iter([input(body.clone()), input(body)]);
    let answer = client.streaming_input_call(uploads).await.unwrap().into_inner();
    assert_eq!(answer.aggregated_payload_size, 2 * size);
    let mut answers = client.streaming_output_call(sizes([size; 2])).await.unwrap().into_inner();
    for _ in 0..2 {
        assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body.len(), TEN_MIB);
    }
    assert!(answers.message().await.unwrap().is_none());
    server.stop().await;
}

pub async fn who_does_not_read_holds_up_nobody_else(rt: &RuntimeHandle, transport: Transport) {
    const SIZES: [i32; 200] = [50_000; 200];
    let server = serve(rt, transport).await;
    // What comes is 0s, which compressed would fit into any window.
    let client =
        TestServiceClient::new(server.channel().accept_compressed(EncodingSet::default()).connect_lazy());
    let mut slow = client.streaming_output_call(sizes(SIZES)).await.unwrap().into_inner();
    assert!(slow.message().await.unwrap().is_some());
    // A handler that does not read, either.
    let requests = stream::repeat_with(|| input([0; 50_000]));
    let mut unread = Box::pin(client.streaming_input_call(asking(requests, "hang")));
    assert!(poll_once(&mut unread).await.is_none());
    server.seen.all_begun(2).await;

    let mut fast = client.streaming_output_call(sizes(SIZES)).await.unwrap().into_inner();
    for size in SIZES {
        let answer = fast.message().await.unwrap().unwrap();
        assert_eq!(answer.payload.unwrap().body.len(), size as usize);
    }
    assert!(fast.message().await.unwrap().is_none());
    let requests = stream::iter((0..200).map(|_| input([0; 50_000])));
    let answer = client.streaming_input_call(requests).await.unwrap().into_inner();
    assert_eq!(answer.aggregated_payload_size, 10_000_000);

    for _ in 1..SIZES.len() {
        assert!(slow.message().await.unwrap().is_some());
    }
    assert!(slow.message().await.unwrap().is_none());
    drop(unread);
    server.seen.all_gone(4).await;
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
