//! Metadata, both ways, before the answer and behind it.

use futures_util::stream;
use unwired::transport::RuntimeHandle;
use unwired::{Metadata, Request, Status};
use unwired_proto::grpc::testing::Empty;

use crate::messages::{asking, input, output, sizes};
use crate::serving::{Transport, serve};

/// Text and octets, more than one of each, under these names.
fn set(metadata: &mut Metadata, text: &str, binary: &str) {
    for value in ["a value", "", "another, with a comma"] {
        metadata.append(text, value).unwrap();
    }
    for octets in [&[][..], &[0], &[0xff; 2], &[7; 3]] {
        metadata.append_bin(binary, octets).unwrap();
    }
}

fn is_set(metadata: &Metadata, text: &str, binary: &str) -> bool {
    let mut expected = Metadata::new();
    set(&mut expected, text, binary);
    metadata.get_all(text).eq(expected.get_all(text))
        && metadata.get_all_bin(binary).eq(expected.get_all_bin(binary))
}

/// A request with metadata for both ends of its answer.
fn with_metadata<T>(message: T, what: &str) -> Request<T> {
    let mut request = asking(message, what);
    set(request.metadata_mut(), "x-echo", "x-echo-bin");
    set(request.metadata_mut(), "x-trail", "x-trail-bin");
    request
}

fn has_failed(status: &Status) -> bool {
    status.metadata().get("x-why") == Some("asked") && is_set(status.metadata(), "x-trail", "x-trail-bin")
}

pub async fn metadata_goes_both_ways_before_during_and_after(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let response = client.empty_call(with_metadata(Empty {}, "")).await.unwrap();
    assert!(is_set(response.metadata(), "x-echo", "x-echo-bin"), "{response:?}");
    assert!(is_set(response.trailers(), "x-trail", "x-trail-bin"), "{response:?}");

    // Initial metadata comes before the first message is asked for, or sent.
    let (mut requests, mut answers) = client.full_duplex_call_halves(with_metadata((), "")).await.unwrap();
    assert!(is_set(&answers.metadata().await, "x-echo", "x-echo-bin"));
    requests.send(output([1])).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    drop(requests);
    assert!(answers.trailers().await.unwrap().is_empty());

    // And long before a unary call is answered.
    let (_requests, answer) = client.streaming_input_call_halves(with_metadata((), "hang")).await.unwrap();
    drop(answer);
    server.stop().await;
}

pub async fn metadata_comes_beside_an_error_in_every_kind(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let status = client.empty_call(with_metadata(Empty {}, "fail")).await.unwrap_err();
    assert!(has_failed(&status), "{status:?}");
    let requests = stream::iter([input([1])]);
    let status = client.streaming_input_call(with_metadata(requests, "fail")).await.unwrap_err();
    assert!(has_failed(&status), "{status:?}");

    let request = with_metadata(sizes([1]), "fail");
    let answers = client.streaming_output_call(request).await.unwrap().into_inner();
    let conversation = with_metadata(stream::iter([output([1])]), "fail");
    let echoes = client.full_duplex_call(conversation).await.unwrap().into_inner();
    for mut answers in [answers, echoes] {
        assert!(is_set(&answers.metadata().await, "x-echo", "x-echo-bin"));
        let status = answers.message().await.unwrap_err();
        assert!(has_failed(&status), "{status:?}");
    }
    server.stop().await;
}
