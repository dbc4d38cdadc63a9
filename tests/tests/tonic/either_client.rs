//! What a client of ours and one of tonic's do alike, and find the same.

#![allow(unused_mut, reason = "what calls with tonic's client has it for itself")]

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use unwired_tests::pump::soon;

use super::{
    Code, EchoStatus, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest, payload, rig,
};
use crate::{LENGTHS, noise};

pub(super) fn echo(length: usize) -> SimpleRequest {
    SimpleRequest { payload: payload(length), ..SimpleRequest::default() }
}

pub(super) fn ending(code: i32, message: &str) -> Option<EchoStatus> {
    Some(EchoStatus { code, message: message.into() })
}

pub(super) fn outputs(sizes: &[i32], interval_us: i32) -> StreamingOutputCallRequest {
    let response_parameters =
        sizes.iter().map(|&size| ResponseParameters { size, interval_us, compressed: None }).collect();
    StreamingOutputCallRequest { response_parameters, ..StreamingOutputCallRequest::default() }
}

pub(super) fn input(length: usize) -> StreamingInputCallRequest {
    StreamingInputCallRequest { payload: payload(length), expect_compressed: None }
}

#[tokio::test]
async fn unary_messages_of_any_length_come_back_whole() {
    let (mut client, _server) = rig().await;
    for length in LENGTHS {
        let response = soon(client.unary_call(echo(length))).await.unwrap().into_inner();
        assert!(response.payload.unwrap().body == noise(length), "{length} bytes came back changed");
    }
}

#[tokio::test]
async fn server_streaming_keeps_order_and_sizes() {
    let (mut client, _server) = rig().await;
    let sizes = [31_415, 0, 9, 2_653, 1 << 20, 58_979];
    let mut stream = soon(client.streaming_output_call(outputs(&sizes, 0))).await.unwrap().into_inner();
    for size in sizes {
        let message = soon(stream.message()).await.unwrap().unwrap();
        assert_eq!(message.payload.unwrap().body.len(), size as usize);
    }
    assert_eq!(soon(stream.message()).await.unwrap(), None);
}

#[tokio::test]
async fn client_streaming_adds_up() {
    let (mut client, _server) = rig().await;
    let inputs = tokio_stream::iter([27_182, 8, 1_828, 45_904, 0, 1 << 20].map(input));
    let response = soon(client.streaming_input_call(inputs)).await.unwrap().into_inner();
    assert_eq!(response.aggregated_payload_size, 27_182 + 8 + 1_828 + 45_904 + (1 << 20));
    let none = soon(client.streaming_input_call(tokio_stream::iter([]))).await.unwrap().into_inner();
    assert_eq!(none.aggregated_payload_size, 0);
}

#[tokio::test]
async fn bidirectional_streaming_takes_turns() {
    let (mut client, _server) = rig().await;
    let (send, requests) = mpsc::channel(1);
    let mut stream = soon(client.full_duplex_call(ReceiverStream::new(requests))).await.unwrap().into_inner();
    for size in [31_415, 9, 2_653, 58_979] {
        send.send(outputs(&[size], 0)).await.unwrap();
        let message = soon(stream.message()).await.unwrap().unwrap();
        assert_eq!(message.payload.unwrap().body.len(), size as usize);
    }
    drop(send);
    assert_eq!(soon(stream.message()).await.unwrap(), None);
}

#[tokio::test]
async fn many_small_messages_stream_both_ways() {
    let (mut client, _server) = rig().await;
    let requests = tokio_stream::iter((0..10_000).map(|i| outputs(&[i % 100], 0)));
    let mut stream = soon(client.full_duplex_call(requests)).await.unwrap().into_inner();
    for i in 0..10_000 {
        let message = soon(stream.message()).await.unwrap().unwrap();
        assert_eq!(message.payload.unwrap().body.len(), i % 100);
    }
    assert_eq!(soon(stream.message()).await.unwrap(), None);
}

#[tokio::test]
async fn each_status_arrives_with_its_message_and_details() {
    let (mut client, _server) = rig().await;
    let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈, 100%\t\n";
    for code in 1..=16 {
        let request = SimpleRequest { response_status: ending(code, message), ..echo(1) };
        let status = soon(client.unary_call(request)).await.unwrap_err();
        assert_eq!(status.code() as i32, code);
        assert_eq!(status.message(), message);
        assert_eq!(status.details(), message.as_bytes());
    }
}

#[tokio::test]
async fn a_status_behind_messages_arrives_behind_them() {
    let (mut client, _server) = rig().await;
    let requests = tokio_stream::iter([
        outputs(&[5, 6], 0),
        StreamingOutputCallRequest { response_status: ending(9, "enough"), ..outputs(&[7], 0) },
    ]);
    let mut stream = soon(client.full_duplex_call(requests)).await.unwrap().into_inner();
    for size in [5, 6, 7] {
        assert_eq!(soon(stream.message()).await.unwrap().unwrap().payload.unwrap().body.len(), size);
    }
    let status = soon(stream.message()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "enough"));
}

#[tokio::test]
async fn a_thousand_calls_at_once_are_all_answered() {
    let (client, _server) = rig().await;
    let mut calls = JoinSet::new();
    for i in 0..1_000 {
        let mut client = client.clone();
        calls.spawn(async move {
            let response = client.unary_call(echo(i * 7)).await.unwrap().into_inner();
            assert!(response.payload.unwrap().body == noise(i * 7));
        });
    }
    soon(calls.join_all()).await;
}

#[tokio::test]
async fn a_draining_server_finishes_what_is_under_way() {
    let (mut client, server) = rig().await;
    let (send, requests) = mpsc::channel(1);
    let mut stream = soon(client.full_duplex_call(ReceiverStream::new(requests))).await.unwrap().into_inner();
    send.send(outputs(&[1], 0)).await.unwrap();
    soon(stream.message()).await.unwrap();
    drop(server);
    for _ in 0..10 {
        send.send(outputs(&[100_000], 1_000)).await.unwrap();
        assert!(soon(stream.message()).await.unwrap().is_some());
    }
    drop(send);
    assert_eq!(soon(stream.message()).await.unwrap(), None);
}
