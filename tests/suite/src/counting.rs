//! What a server counts, while its connections are open and when they are over.

use std::time::Duration;

use unwired::server::ServerStats;
use unwired::transport::RuntimeHandle;
use unwired::{Code, Server};
use unwired_proto::grpc::testing::Empty;

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
