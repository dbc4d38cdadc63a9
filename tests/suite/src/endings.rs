//! How calls end that do not end well: deadlines, cancellation, panics.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use unwired::transport::RuntimeHandle;
use unwired::{Code, Request, Status};
use unwired_proto::grpc::testing::{Empty, SimpleRequest};

use crate::messages::{asking, input, output, simple, sizes};
use crate::serving::{Transport, serve, serve_with};
use crate::tasks::{poll_once, spawn};

pub async fn a_deadline_holds_in_every_kind_and_drops_the_handler(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    client.empty_call(Empty {}).await.unwrap();
    let timeout = Duration::from_millis(50);
    let mut request = asking(Empty {}, "hang");
    request.set_timeout(timeout);
    assert_eq!(client.empty_call(request).await.unwrap_err().code(), Code::DeadlineExceeded);
    let mut request = asking(sizes([1]), "hang");
    request.set_timeout(timeout);
    let mut answers = client.streaming_output_call(request).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    let mut request = asking((), "hang");
    request.set_timeout(timeout);
    let (mut requests, answer) = client.streaming_input_call_halves(request).await.unwrap();
    requests.send(input(vec![1])).await.unwrap();
    assert_eq!(answer.response().await.unwrap_err().code(), Code::DeadlineExceeded);
    let status = requests.send(input(vec![1])).await.unwrap_err();
    assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status}");
    // A stream that goes on is ended too.
    let mut request = Request::new(());
    request.set_timeout(timeout);
    let (mut requests, mut answers) = client.full_duplex_call_halves(request).await.unwrap();
    let status = loop {
        let sent = requests.send(output(vec![1])).await;
        match sent.and(answers.message().await) {
            Ok(message) => assert!(message.is_some()),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::DeadlineExceeded);
    // On a busy machine a deadline passes before its handler has begun.
    server.seen.all_gone(1).await;
    server.stop().await;
}

pub async fn a_deadline_may_pass_at_any_moment(rt: &RuntimeHandle, transport: Transport) {
    fn kept<T>(result: Result<T, Status>) {
        if let Err(status) = result {
            assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status}");
        }
    }
    let server = serve(rt, transport).await;
    let client = server.client();
    client.empty_call(Empty {}).await.unwrap();
    for moment in 0..150 {
        let timeout = Duration::from_micros(20 * moment);
        let mut request = asking(Empty {}, "wait");
        request.set_timeout(timeout);
        kept(client.empty_call(request).await);
        let mut request = Request::new(());
        request.set_timeout(timeout);
        let conversation = client.full_duplex_call_halves(request).await;
        if let Ok((mut requests, mut answers)) = conversation {
            kept(requests.send(output([1; 1000])).await);
            kept(answers.message().await);
            kept(requests.send(output([1; 1000])).await);
            requests.close();
            while let Ok(Some(_)) = answers.message().await {}
        }
    }
    client.empty_call(Empty {}).await.unwrap();
    server.seen.all_gone(2).await;
    server.stop().await;
}

pub async fn a_handler_knows_the_time_that_is_left(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.timeout(Duration::from_secs(2000))).await;
    let client = server.client();
    // The shorter of the two deadlines holds.
    for (timeout, expected) in [(1000, 1..=1_000_000), (3000, 1_000_001..=2_000_000_u64)] {
        let mut request = asking(Empty {}, "tell");
        request.set_timeout(Duration::from_secs(timeout));
        let response = client.empty_call(request).await.unwrap();
        let left: u64 = response.trailers().get("x-left").unwrap().parse().unwrap();
        assert!(expected.contains(&left), "{left} ms of {timeout} s");
    }
    server.stop().await;
}

pub async fn a_refusal_stops_an_upload_without_end(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let requests = stream::repeat_with(|| input(vec![0; 10_000]));
    let status = client.streaming_input_call(asking(requests, "fail")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "as asked"));
    client.empty_call(Empty {}).await.unwrap();
    server.stop().await;
}

pub async fn the_server_has_a_deadline_of_its_own(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.timeout(Duration::from_millis(30))).await;
    let client = server.client();
    // On a busy machine a deadline passes before its handler has begun.
    while server.seen.begun() == 0 {
        let status = client.empty_call(asking(Empty {}, "hang")).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
    }
    server.seen.all_gone(1).await;
    server.stop().await;
}

pub async fn a_call_whose_time_is_up_before_it_begins_is_not_made(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::ZERO);
    let status = client.empty_call(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(server.seen.begun(), 0);
    server.stop().await;
}

pub async fn a_dropped_call_cancels_its_handler_in_every_kind(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    client.empty_call(Empty {}).await.unwrap();
    let call = spawn(rt, {
        let client = client.clone();
        async move { client.empty_call(asking(Empty {}, "hang")).await }
    });
    server.seen.all_begun(2).await;
    drop(call);
    server.seen.all_gone(2).await;

    let mut answers = client.streaming_output_call(sizes(vec![1 << 16; 1000])).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
    drop(answers);
    server.seen.all_gone(3).await;

    // The reader goes, the writer goes on: without a reader there is no call.
    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    requests.send(output(vec![1])).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    drop(answers);
    server.seen.all_gone(4).await;
    assert!(requests.send(output(vec![1])).await.is_err());

    // A stream of requests without end.
    let endless = stream::pending();
    let mut answers = client.full_duplex_call(asking(endless, "")).await.unwrap().into_inner();
    assert!(poll_once(answers.message()).await.is_none());
    server.seen.all_begun(5).await;
    drop(answers);
    server.seen.all_gone(5).await;
    server.stop().await;
}

pub async fn a_panic_ends_its_call_and_no_other(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    for kind in 0..3 {
        let status = match kind {
            0 => client.empty_call(asking(Empty {}, "panic")).await.unwrap_err(),
            1 => {
                let answers = client.streaming_output_call(asking(sizes([1]), "panic")).await;
                answers.unwrap().into_inner().message().await.unwrap_err()
            }
            _ => {
                let requests = stream::iter([input(vec![1])]);
                client.streaming_input_call(asking(requests, "panic")).await.unwrap_err()
            }
        };
        assert_eq!(status.code(), Code::Unknown, "{status}");
        assert!(status.message().contains("panicked"), "{status}");
    }
    requests.send(output(vec![7])).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, [7]);
    drop((requests, answers));
    assert!(client.empty_call(Empty {}).await.is_ok());
    server.stop().await;
}

pub async fn messages_over_a_limit_end_their_call(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let client = server.client();
    let big = simple(vec![0; 5 << 20]);
    let status = client.unary_call(big).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let big = SimpleRequest { response_size: 5 << 20, ..Default::default() };
    let status = client.unary_call(big).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let small = client.clone().max_encoding_message_size(100);
    // In the middle of a stream as well, and the call says why it has ended.
    let requests = stream::iter([1, 200]).map(|size: usize| input(vec![0; size]));
    let status = small.streaming_input_call(requests).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let request = simple(vec![0; 101]);
    let status = small.unary_call(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert!(client.empty_call(Empty {}).await.is_ok());
    server.stop().await;
}
