//! The end of a tokio runtime.

use std::time::Duration;

use unwired::Code;
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_suite::Transport;
use unwired_suite::messages::asking;
use unwired_suite::serving::serve;
use unwired_tokio::Tokio;

#[tokio::test]
async fn a_runtime_that_ends_leaves_no_call_hanging() {
    let other = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(async { serve(&Tokio::handle(), Transport::Tcp).await });
        let channel = runtime.block_on(async { server.channel().connect().await.unwrap() });
        (runtime, server, channel)
    });
    let (runtime, server, channel) = other.join().unwrap();
    let client = TestServiceClient::new(channel);
    let call = tokio::spawn(async move { client.empty_call(asking(Empty {}, "hang")).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(server);
    runtime.shutdown_background();
    let status = tokio::time::timeout(Duration::from_secs(30), call).await.unwrap().unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}
