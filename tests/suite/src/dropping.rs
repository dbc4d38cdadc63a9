//! Calls that are given up, at whatever await they have come to.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_util::stream;
use unwired::Status;
use unwired::transport::RuntimeHandle;
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::messages::{asking, input, output, simple, sizes};
use crate::serving::{Transport, serve, serve_with};

/// Each slot that a call leaves taken is one of so few that they are soon gone.
const SLOTS: u32 = 4;

/// Polls `future`, whenever it is woken, for the given number of times at most; then drops it.
async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|cx| {
        if left > 0 {
            left -= 1;
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
        }
        if left == 0 { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

/// Drops what `call` makes at its start, then after one poll, after two, until it comes to its end; calls once more each
/// time.
async fn drop_at_every_await<F>(client: &TestServiceClient, call: impl Fn(TestServiceClient) -> F)
where
    F: Future<Output = Result<(), Status>>,
{
    for times in 0.. {
        let ended = polled(times, call(client.clone())).await;
        client.empty_call(Empty {}).await.unwrap();
        if let Some(result) = ended {
            return result.unwrap();
        }
    }
}

async fn unary(client: TestServiceClient) -> Result<(), Status> {
    client.unary_call(asking(simple([1; 1000]), "wait")).await.map(drop)
}

async fn download(client: TestServiceClient) -> Result<(), Status> {
    let mut answers = client.streaming_output_call(asking(sizes([30_000; 5]), "wait")).await?.into_inner();
    while answers.message().await?.is_some() {}
    answers.trailers().await.map(drop)
}

async fn upload(client: TestServiceClient) -> Result<(), Status> {
    let requests = stream::iter((0..5).map(|_| input([1; 30_000])));
    client.streaming_input_call(asking(requests, "wait")).await.map(drop)
}

async fn upload_by_halves(client: TestServiceClient) -> Result<(), Status> {
    let (mut requests, answer) = client.streaming_input_call_halves(asking((), "wait")).await?;
    for _ in 0..5 {
        requests.send(input([1; 30_000])).await?;
    }
    requests.close();
    answer.response().await.map(drop)
}

async fn conversation(client: TestServiceClient) -> Result<(), Status> {
    let (mut requests, mut answers) = client.full_duplex_call_halves(asking((), "wait")).await?;
    for _ in 0..3 {
        requests.send(output([1; 1000])).await?;
        answers.message().await?;
    }
    requests.close();
    answers.trailers().await.map(drop)
}

async fn conversation_of_a_stream(client: TestServiceClient) -> Result<(), Status> {
    let requests = stream::iter((0..3).map(|_| output([1; 1000])));
    let mut answers = client.full_duplex_call(requests).await?.into_inner();
    while answers.message().await?.is_some() {}
    Ok(())
}

pub async fn a_call_of_each_kind_is_dropped_at_every_await(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.max_concurrent_streams(SLOTS)).await;
    let client = server.client();
    drop_at_every_await(&client, unary).await;
    drop_at_every_await(&client, download).await;
    drop_at_every_await(&client, upload).await;
    drop_at_every_await(&client, upload_by_halves).await;
    drop_at_every_await(&client, conversation).await;
    drop_at_every_await(&client, conversation_of_a_stream).await;
    server.seen.all_gone(1).await;
    server.stop().await;
}

pub async fn a_channel_is_dropped_at_every_await_of_its_first_call(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    for times in 0.. {
        let call = async {
            let channel = server.channel().connect().await?;
            TestServiceClient::new(channel).empty_call(asking(Empty {}, "wait")).await
        };
        if polled(times, call).await.is_some() {
            break;
        }
    }
    server.seen.all_gone(1).await;
    server.stop().await;
}
