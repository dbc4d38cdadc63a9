//! Compression of messages: both ways, by call and by message, only where the other side takes it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use unwired::{Encoding, EncodingSet, Request};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::{
    BoolValue, ResponseParameters, SimpleRequest, StreamingOutputCallRequest,
};

use crate::kinds::input;
use crate::service::{Running, payload, serve, within};

const SIZE: usize = 20_000;

/// Bytes that went through a relay.
#[derive(Default)]
struct Counted {
    there: AtomicUsize,
    back: AtomicUsize,
}

impl Counted {
    /// Whether so much has gone each way since the last question that a message was in it as it is.
    fn took_whole_messages(&self) -> (bool, bool) {
        let took = |counter: &AtomicUsize| counter.swap(0, Ordering::SeqCst) >= SIZE;
        (took(&self.there), took(&self.back))
    }
}

async fn copy(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    counter: &AtomicUsize,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        counter.fetch_add(read, Ordering::SeqCst);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Passes connections on to `server`, and counts.
async fn relay(server: &Running) -> (SocketAddr, Arc<Counted>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, target) = (listener.local_addr().unwrap(), server.address.unwrap());
    let counted = Arc::new(Counted::default());
    let counting = Arc::clone(&counted);
    tokio::spawn(async move {
        while let Ok((inbound, _)) = listener.accept().await {
            let (read_in, write_in) = inbound.into_split();
            let (read_out, write_out) = TcpStream::connect(target).await.unwrap().into_split();
            let counting = Arc::clone(&counting);
            tokio::spawn(async move {
                tokio::join!(
                    copy(read_in, write_out, &counting.there),
                    copy(read_out, write_in, &counting.back)
                );
            });
        }
    });
    (address, counted)
}

fn echo() -> SimpleRequest {
    SimpleRequest { payload: payload(vec![0; SIZE]), ..Default::default() }
}

#[tokio::test]
async fn messages_are_compressed_where_both_sides_want_it() {
    let server = serve().await;
    let (address, counted) = relay(&server).await;
    let target = format!("http://{address}");
    within(async {
        let client = TestServiceClient::new(unwired_tokio::connect(&target).await.unwrap());
        counted.took_whole_messages();
        assert_eq!(client.unary_call(echo()).await.unwrap().into_inner().payload.unwrap().body.len(), SIZE);
        assert_eq!(counted.took_whole_messages(), (true, false), "the server compresses");

        let compressing = client.clone().send_compressed(Encoding::Gzip);
        let answer = compressing.unary_call(echo()).await.unwrap().into_inner();
        assert_eq!(answer.payload.unwrap().body.len(), SIZE);
        assert_eq!(counted.took_whole_messages(), (false, false), "both do");

        let requests = tokio_stream::iter((0..3).map(|_| input(vec![0; SIZE])));
        let answer = compressing.streaming_input_call(requests).await.unwrap().into_inner();
        assert_eq!(answer.aggregated_payload_size as usize, 3 * SIZE);
        assert_eq!(counted.took_whole_messages(), (false, false), "of a stream too");

        let mut request = Request::new(echo());
        request.disable_compression();
        compressing.unary_call(request).await.unwrap();
        assert_eq!(counted.took_whole_messages(), (true, false), "not this one");

        let channel = unwired_tokio::channel(&target).unwrap();
        let channel = channel.accept_compressed(EncodingSet::default()).connect().await.unwrap();
        counted.took_whole_messages();
        TestServiceClient::new(channel).unary_call(echo()).await.unwrap();
        assert_eq!(counted.took_whole_messages(), (true, true), "the client takes none");
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_stream_is_compressed_message_by_message() {
    let server = serve().await;
    let (address, counted) = relay(&server).await;
    within(async {
        let client =
            TestServiceClient::new(unwired_tokio::connect(format!("http://{address}")).await.unwrap());
        for (pattern, whole) in [([true, true], 0), ([true, false], 1), ([false, false], 2)] {
            counted.took_whole_messages();
            let response_parameters = pattern
                .map(|value| ResponseParameters {
                    size: SIZE as i32,
                    compressed: Some(BoolValue { value }),
                    ..Default::default()
                })
                .to_vec();
            let request = StreamingOutputCallRequest { response_parameters, ..Default::default() };
            let mut answers = client.streaming_output_call(request).await.unwrap().into_inner();
            while let Some(answer) = answers.message().await.unwrap() {
                assert_eq!(answer.payload.unwrap().body.len(), SIZE);
            }
            assert_eq!(counted.back.load(Ordering::SeqCst) / SIZE, whole);
        }
    })
    .await;
    server.stop().await;
}
