//! Calls that wait because the server takes no more of them at once on a connection.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Code, Request};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::messages::asking;
use crate::serving::{Transport, serve_with};
use crate::tasks::{poll_once, spawn};

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
    server.seen.all_begun(22).await;
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

pub async fn a_call_is_dropped_while_it_waits_for_its_turn(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.max_concurrent_streams(1)).await;
    let channel: Channel = server.channel().connect().await.unwrap();
    let client = TestServiceClient::new(channel);
    // The limit is known once the first answer has come.
    client.empty_call(Empty {}).await.unwrap();
    let (requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    let mut waiting: Vec<_> = (0..10).map(|_| Box::pin(client.empty_call(Empty {}))).collect();
    for call in &mut waiting {
        assert!(poll_once(call).await.is_none());
    }
    // The first of them, the last, and some between: the others move up.
    for index in [9, 5, 4, 0, 0] {
        drop(waiting.remove(index));
    }
    requests.close();
    assert!(answers.message().await.unwrap().is_none());
    // Whoever is first has its turn when it is told so, and not before; dropped then, it passes the turn on.
    for mut call in waiting.drain(..3) {
        let _ = poll_once(&mut call).await;
    }
    // The server may take a call that was given up for one that still runs, and refuse the next one: that one waits again,
    // behind the other.
    for answer in join_all(waiting).await {
        answer.unwrap();
    }
    server.stop().await;
}
