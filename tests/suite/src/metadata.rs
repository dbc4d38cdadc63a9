//! Metadata, both ways, before the answer and behind it.

use unwired::Request;
use unwired::transport::RuntimeHandle;
use unwired_proto::grpc::testing::Empty;

use crate::messages::output;
use crate::serving::{Transport, serve};

pub async fn metadata_goes_both_ways_before_during_and_after(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
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
    server.stop().await;
}
