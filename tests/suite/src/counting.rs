//! What a server counts, while its connections are open and when they are over.

use std::time::Duration;

use unwired::channel::ChannelStats;
use unwired::server::ServerStats;
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Code, Server};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::messages::asking;
use crate::serving::{Transport, serve};
use crate::tasks::poll_once;

/// Waits until `server` counts what it has to, which may take the time that a peer's act takes to arrive.
pub(crate) async fn counts(
    rt: &RuntimeHandle,
    server: &Server,
    what: impl Fn(&ServerStats) -> bool,
) -> ServerStats {
    for _ in 0..3_000 {
        let stats = server.stats();
        if what(&stats) {
            return stats;
        }
        rt.sleep(Duration::from_millis(10)).await;
    }
    panic!("it is not counted: {:?}", server.stats())
}

pub async fn a_server_counts_what_its_connections_do(rt: &RuntimeHandle, transport: Transport) {
    let running = serve(rt, transport).await;
    let server = running.server.clone();
    let client = running.client();
    for _ in 0..3 {
        client.empty_call(Empty {}).await.unwrap();
    }
    let status = client.empty_call(asking(Empty {}, "panic")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unknown);
    let mut hanging = Box::pin(client.empty_call(asking(Empty {}, "hang")));
    assert!(poll_once(&mut hanging).await.is_none());
    let stats = counts(rt, &server, |stats| stats.calls.http2.streams_opened == 5).await;
    assert_eq!((stats.connections_open, stats.connections), (1, 1));
    assert_eq!((stats.handlers_panicked, stats.calls.active_calls), (1, 1));
    assert_eq!((stats.handshakes_failed, stats.calls.calls_rejected), (0, 0));
    assert_eq!(stats.calls.http2.kills.total(), 0);
    counts(rt, &server, |stats| stats.handlers_running == 1).await;
    let [connection] = &server.connections()[..] else { panic!("{:?}", server.connections()) };
    assert_eq!(connection.calls.http2.streams_opened, 5);
    assert_eq!((connection.handlers_panicked, connection.handlers_running), (1, 1));
    drop(hanging);
    counts(rt, &server, |stats| stats.handlers_running == 0 && stats.calls.active_calls == 0).await;
    let second = running.client();
    second.empty_call(Empty {}).await.unwrap();
    let stats = server.stats();
    assert_eq!((stats.connections_open, stats.connections), (2, 2));
    drop((client, second));
    running.stop().await;
    let stats = counts(rt, &server, |stats| stats.connections_open == 0).await;
    // Nothing that was counted is lost.
    assert_eq!((stats.connections, stats.handlers_panicked, stats.calls.http2.streams_opened), (2, 1, 6));
    assert_eq!((stats.calls.active_calls, stats.calls.partial_bytes, stats.handlers_running), (0, 0, 0));
    assert!(server.connections().is_empty());
}

/// Waits until `channel` counts what it has to.
async fn channel_counts(
    rt: &RuntimeHandle,
    channel: &Channel,
    what: impl Fn(&ChannelStats) -> bool,
) -> ChannelStats {
    for _ in 0..3_000 {
        let stats = channel.stats();
        if what(&stats) {
            return stats;
        }
        rt.sleep(Duration::from_millis(10)).await;
    }
    panic!("it is not counted: {:?}", channel.stats())
}

pub async fn a_channel_counts_what_its_connections_do(rt: &RuntimeHandle, transport: Transport) {
    let running = serve(rt, transport).await;
    let channel = running.channel().connect_lazy();
    let client = TestServiceClient::new(channel.clone());
    assert_eq!((channel.stats().connects, channel.connections().len()), (0, 0));
    for _ in 0..3 {
        client.empty_call(Empty {}).await.unwrap();
    }
    client.empty_call(asking(Empty {}, "fail")).await.unwrap_err();
    let mut hanging = Box::pin(client.empty_call(asking(Empty {}, "hang")));
    assert!(poll_once(&mut hanging).await.is_none());
    let stats = channel_counts(rt, &channel, |stats| stats.calls.calls_started == 5).await;
    assert_eq!((stats.connects, stats.connects_failed), (1, 0));
    assert_eq!((stats.connections, stats.connections_open), (1, 1));
    assert_eq!((stats.calls.calls_succeeded, stats.calls.calls_failed, stats.calls_unsent), (3, 1, 0));
    assert_eq!((stats.calls.active_calls, stats.calls.http2.streams_opened), (1, 5));
    let [connection] = &channel.connections()[..] else { panic!("{:?}", channel.connections()) };
    assert_eq!(connection.calls.calls_started, 5);
    drop(hanging);
    let stats = channel_counts(rt, &channel, |stats| stats.calls.active_calls == 0).await;
    assert_eq!(stats.calls.calls_failed, 2, "given up");
    running.stop().await;
    // Nothing that was counted is lost.
    let stats = channel_counts(rt, &channel, |stats| stats.connections_open == 0).await;
    assert_eq!((stats.connections, stats.calls.calls_started, stats.calls.calls_succeeded), (1, 5, 3));
    assert!(channel.connections().is_empty());
    client.empty_call(Empty {}).await.unwrap_err();
    let stats = channel_counts(rt, &channel, |stats| stats.connects_failed > 0).await;
    assert_eq!(stats.calls_unsent, 1);
    assert_eq!(stats.calls.calls_started, 5);
}
