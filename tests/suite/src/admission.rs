//! How much a server takes on, and for how long.

use std::time::Duration;

use unwired::channel::{MethodConfig, RetryPolicy, ServiceConfig};
use unwired::server::Admission;
use unwired::transport::RuntimeHandle;
use unwired::{Code, Request};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::messages::{asking, simple};
use crate::serving::{Transport, serve_with};
use crate::tasks::spawn;

const PUSHBACK: &str = "grpc-retry-pushback-ms";

pub async fn calls_beyond_what_a_server_takes_wait_or_are_refused(rt: &RuntimeHandle) {
    let admission = Admission::new(1).queue(1).code(Code::Unavailable).pushback(Duration::from_millis(7));
    let server = serve_with(rt, Transport::Tcp, |server| server.admission(admission)).await;
    // Over all connections: each client has its own.
    let (first, second, third) = (server.client(), server.client(), server.client());
    let begun = spawn(rt, async move { first.empty_call(asking(Empty {}, "hang")).await });
    server.seen.all_begun(1).await;
    let waits = spawn(rt, async move { second.empty_call(Empty {}).await });
    while server.server.stats().calls_queued == 0 {
        rt.sleep(Duration::from_millis(1)).await;
    }
    let status = third.empty_call(Empty {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert_eq!(status.metadata().get(PUSHBACK), Some("7"));
    assert_eq!(server.server.stats().calls_refused, 1);
    assert_eq!(server.seen.begun(), 1);

    // One that is refused is sent again when the server wants it.
    let retries = RetryPolicy::new(5, [Code::Unavailable]).backoff(
        Duration::from_secs(3600),
        Duration::from_secs(3600),
        1.0,
    );
    let config = ServiceConfig::new().default_method(MethodConfig::new().retry(retries));
    let patient = TestServiceClient::new(server.channel().service_config(config).connect_lazy());
    let patient = spawn(rt, async move { patient.empty_call(Empty {}).await });
    while server.server.stats().calls_refused == 1 {
        rt.sleep(Duration::from_millis(1)).await;
    }
    // The place of a call that is given up is the next one's.
    drop(begun);
    waits.await.unwrap();
    patient.await.unwrap();
    server.seen.all_gone(3).await;
    assert_eq!(server.server.stats().calls_queued, 0);
    server.stop().await;
}

pub async fn a_call_that_waits_for_its_turn_ends_at_its_deadline(rt: &RuntimeHandle) {
    let server = serve_with(rt, Transport::Tcp, |server| server.admission(Admission::new(1).queue(10))).await;
    let client = server.client();
    let begun = spawn(rt, {
        let client = client.clone();
        async move { client.empty_call(asking(Empty {}, "hang")).await }
    });
    server.seen.all_begun(1).await;
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::from_millis(30));
    assert_eq!(client.empty_call(request).await.unwrap_err().code(), Code::DeadlineExceeded);
    while server.server.stats().calls_queued > 0 {
        rt.sleep(Duration::from_millis(1)).await;
    }
    drop(begun);
    client.empty_call(Empty {}).await.unwrap();
    assert_eq!(server.server.stats().calls_refused, 0);
    server.stop().await;
}

pub async fn a_method_has_a_deadline_of_its_own(rt: &RuntimeHandle) {
    let server = serve_with(rt, Transport::Tcp, |server| {
        server
            .timeout(Duration::from_secs(3600))
            .method_timeout("/grpc.testing.TestService/EmptyCall", Duration::from_millis(10))
    })
    .await;
    let client = server.client();
    // Longer than the method may take, and it is another.
    client.unary_call(asking(simple(*b"here"), "wait")).await.unwrap();
    for (handlers, timeout) in [(2, None), (3, Some(Duration::from_secs(3600)))] {
        // On a busy machine a deadline passes before its handler has begun.
        while server.seen.begun() < handlers {
            let mut request = asking(Empty {}, "hang");
            if let Some(timeout) = timeout {
                request.set_timeout(timeout);
            }
            assert_eq!(client.empty_call(request).await.unwrap_err().code(), Code::DeadlineExceeded);
        }
    }
    server.seen.all_gone(3).await;
    server.stop().await;
}
