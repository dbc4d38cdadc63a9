//! Compression of messages: both ways, by call and by message, only where the other side takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;
use unwired::transport::{Address, RuntimeHandle};
use unwired::{Encoding, EncodingSet, Request, Target};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::{
    BoolValue, ResponseParameters, SimpleRequest, StreamingOutputCallRequest,
};

use crate::messages::{input, simple};
use crate::serving::{Running, Transport, serve, tcp};
use crate::streams::{Relayed, accept, listen, relay};

const SIZE: usize = 20_000;

/// Whether so much has gone each way since the last question that a message was in it as it is.
fn took_whole_messages(relayed: &Relayed) -> (bool, bool) {
    let took = |counter: &AtomicUsize| counter.swap(0, Ordering::SeqCst) >= SIZE;
    (took(&relayed.there), took(&relayed.back))
}

/// Passes connections on to `server`, and counts their bytes.
async fn counting(rt: &RuntimeHandle, server: &Running) -> (Target, Arc<Relayed>) {
    let (mut listener, address) = listen(rt).await;
    let relayed = Arc::new(Relayed::default());
    let (rt, target, counted) = (rt.clone(), Address::Tcp(server.address()), Arc::clone(&relayed));
    rt.clone().spawn(async move {
        while let Ok(inbound) = accept(&mut listener).await {
            let outbound = rt.connect(target.clone()).await.unwrap();
            let counted = Arc::clone(&counted);
            rt.spawn(async move { relay(inbound, outbound, &counted).await });
        }
    });
    (tcp(address), relayed)
}

fn echo() -> SimpleRequest {
    simple(vec![0; SIZE])
}

pub async fn messages_are_compressed_where_both_sides_want_it(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let (target, counted) = counting(rt, &server).await;
    let client = TestServiceClient::new(server.channel_to(target.clone()).connect_lazy());
    took_whole_messages(&counted);
    assert_eq!(client.unary_call(echo()).await.unwrap().into_inner().payload.unwrap().body.len(), SIZE);
    assert_eq!(took_whole_messages(&counted), (true, false), "the server compresses");

    let compressing = client.clone().send_compressed(Encoding::Gzip);
    let answer = compressing.unary_call(echo()).await.unwrap();
    assert!(answer.was_compressed());
    assert_eq!(answer.into_inner().payload.unwrap().body.len(), SIZE);
    assert_eq!(took_whole_messages(&counted), (false, false), "both do");

    let requests = stream::iter((0..3).map(|_| input(vec![0; SIZE])));
    let answer = compressing.streaming_input_call(requests).await.unwrap().into_inner();
    assert_eq!(answer.aggregated_payload_size as usize, 3 * SIZE);
    assert_eq!(took_whole_messages(&counted), (false, false), "of a stream too");

    let mut request = Request::new(echo());
    request.disable_compression();
    compressing.unary_call(request).await.unwrap();
    assert_eq!(took_whole_messages(&counted), (true, false), "not this one");

    let channel = server.channel_to(target).accept_compressed(EncodingSet::default()).connect_lazy();
    took_whole_messages(&counted);
    TestServiceClient::new(channel).unary_call(echo()).await.unwrap();
    assert_eq!(took_whole_messages(&counted), (true, true), "the client takes none");
    server.stop().await;
}

pub async fn a_stream_is_compressed_message_by_message(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let (target, counted) = counting(rt, &server).await;
    let client = TestServiceClient::new(server.channel_to(target).connect_lazy());
    for (pattern, whole) in [([true, true], 0), ([true, false], 1), ([false, false], 2)] {
        took_whole_messages(&counted);
        let response_parameters = pattern
            .map(|value| ResponseParameters {
                size: SIZE as i32,
                compressed: Some(BoolValue { value }),
                ..Default::default()
            })
            .to_vec();
        let request = StreamingOutputCallRequest { response_parameters, ..Default::default() };
        let mut answers = client.streaming_output_call(request).await.unwrap().into_inner();
        for compressed in pattern {
            let answer = answers.message().await.unwrap().unwrap();
            assert_eq!((answer.payload.unwrap().body.len(), answers.was_compressed()), (SIZE, compressed));
        }
        assert_eq!(answers.message().await.unwrap(), None);
        assert_eq!(counted.back.load(Ordering::SeqCst) / SIZE, whole);
    }
    server.stop().await;
}
