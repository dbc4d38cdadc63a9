//! How calls end that do not end well: deadlines, cancellation, panics.

use std::future::pending;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_stream::StreamExt;
use unwired::{Code, Request, Response, Server, Status, Stream, Streaming};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::test_service_server::{TestService, TestServiceServer};
use unwired_proto::grpc::testing::{
    Empty, SimpleRequest, SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse,
};

use crate::kinds::{input, output, sizes};
use crate::service::{asking, payload, poll_once, serve, serve_with, within};

#[tokio::test]
async fn a_deadline_holds_in_every_kind_and_drops_the_handler() {
    let server = serve().await;
    let client = server.client();
    let timeout = Duration::from_millis(50);
    within(async {
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
    })
    .await;
    server.seen.all_gone(4).await;
    server.stop().await;
}

#[tokio::test]
async fn the_server_has_a_deadline_of_its_own() {
    let server = serve_with(|server| server.timeout(Duration::from_millis(30))).await;
    let status = within(server.client().empty_call(asking(Empty {}, "hang"))).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    server.seen.all_gone(1).await;
    server.stop().await;
}

#[tokio::test]
async fn a_call_whose_time_is_up_before_it_begins_is_not_made() {
    let server = serve().await;
    let client = server.client();
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::ZERO);
    let status = within(client.empty_call(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_dropped_call_cancels_its_handler_in_every_kind() {
    let server = serve().await;
    let client = server.client();
    within(async {
        client.empty_call(Empty {}).await.unwrap();
        let begun = || server.seen.begun.load(Ordering::SeqCst);
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.empty_call(asking(Empty {}, "hang")).await }
        });
        while begun() < 2 {
            tokio::task::yield_now().await;
        }
        call.abort();
        server.seen.all_gone(2).await;

        let mut answers =
            client.streaming_output_call(sizes(vec![1 << 16; 1000])).await.unwrap().into_inner();
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
        let endless = tokio_stream::pending();
        let mut answers = client.full_duplex_call(asking(endless, "")).await.unwrap().into_inner();
        assert!(poll_once(answers.message()).await.is_none());
        while begun() < 5 {
            tokio::task::yield_now().await;
        }
        drop(answers);
        server.seen.all_gone(5).await;
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_panic_ends_its_call_and_no_other() {
    let server = serve().await;
    let client = server.client();
    within(async {
        let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
        for kind in 0..3 {
            let status = match kind {
                0 => client.empty_call(asking(Empty {}, "panic")).await.unwrap_err(),
                1 => {
                    let answers = client.streaming_output_call(asking(sizes([1]), "panic")).await;
                    answers.unwrap().into_inner().message().await.unwrap_err()
                }
                _ => {
                    let requests = tokio_stream::iter([input(vec![1])]);
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
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn messages_over_a_limit_end_their_call() {
    let server = serve().await;
    let client = server.client();
    within(async {
        let big = SimpleRequest { payload: payload(vec![0; 5 << 20]), ..Default::default() };
        let status = client.unary_call(big).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        let big = SimpleRequest { response_size: 5 << 20, ..Default::default() };
        let status = client.unary_call(big).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        let small = client.clone().max_encoding_message_size(100);
        // In the middle of a stream as well, and the call says why it has ended.
        let requests = tokio_stream::iter([1, 200]).map(|size| input(vec![0; size]));
        let status = small.streaming_input_call(requests).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        let request = SimpleRequest { payload: payload(vec![0; 101]), ..Default::default() };
        let status = small.unary_call(request).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        assert!(client.empty_call(Empty {}).await.is_ok());
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn dropping_a_call_at_any_await_leaves_nothing() {
    let server = serve().await;
    let client = server.client();
    within(async {
        for polls in 0..12 {
            let call = client.empty_call(asking(Empty {}, "wait"));
            let mut call = std::pin::pin!(call);
            for _ in 0..polls {
                if poll_once(&mut call).await.is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
        assert!(client.empty_call(Empty {}).await.is_ok());
    })
    .await;
    server.seen.all_gone(1).await;
    server.stop().await;
}

/// Passes calls on to another server, on behalf of its own.
struct Proxy {
    client: TestServiceClient,
    /// What a task that reads a request to its end has found there.
    read: tokio::sync::mpsc::UnboundedSender<Result<usize, Status>>,
}

impl TestService for Proxy {
    async fn empty_call(&self, request: Request<Empty>) -> Result<Response<Empty>, Status> {
        let mut onward = Request::new(Empty {}).child_of(&request);
        *onward.metadata_mut() = request.metadata().clone();
        self.client.empty_call(onward).await
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let (ended, mut messages) = (request.cancellation(), request.into_inner());
        let read = self.read.clone();
        tokio::spawn(async move {
            let mut count = 0;
            let found = loop {
                match messages.message().await {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => break Ok(count),
                    Err(status) => break Err(status),
                }
            };
            ended.unwrap().await;
            read.send(found).unwrap();
        });
        pending().await
    }

    async fn unary_call(&self, _: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn cacheable_unary_call(
        &self,
        _: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn streaming_output_call(
        &self,
        _: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        Err::<Response<unwired::Empty<_>>, _>(Status::unimplemented(""))
    }

    async fn full_duplex_call(
        &self,
        _: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        Ok(Response::new(unwired::empty()))
    }

    async fn half_duplex_call(
        &self,
        _: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        Ok(Response::new(unwired::empty()))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tokio::test]
async fn a_call_on_behalf_of_another_ends_with_it() {
    let server = serve().await;
    let (read, mut found) = tokio::sync::mpsc::unbounded_channel();
    let proxy = Proxy { client: server.client(), read };
    let bound = unwired_tokio::bind("127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()).await.unwrap();
    let target = format!("http://{}", bound.local_addr().unwrap());
    tokio::spawn(bound.serve(Server::builder().add_service(TestServiceServer::new(proxy))));
    let client = TestServiceClient::new(unwired_tokio::connect(target).await.unwrap());
    within(async {
        let mut request = asking(Empty {}, "hang");
        request.set_timeout(Duration::from_millis(50));
        assert_eq!(client.empty_call(request).await.unwrap_err().code(), Code::DeadlineExceeded);
        server.seen.all_gone(1).await;

        let call = tokio::spawn({
            let client = client.clone();
            async move { client.empty_call(asking(Empty {}, "hang")).await }
        });
        while server.seen.begun.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        call.abort();
        server.seen.all_gone(2).await;

        // A request that was given up does not look like one that is whole.
        for whole in [true, false] {
            let (mut requests, answer) = client.streaming_input_call_halves(Request::new(())).await.unwrap();
            requests.send(input(vec![1])).await.unwrap();
            requests.send(input(vec![2])).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            if whole {
                requests.close();
                tokio::time::sleep(Duration::from_millis(20)).await;
                drop(answer);
                assert_eq!(found.recv().await.unwrap().unwrap(), 2);
            } else {
                drop((answer, requests));
                assert_eq!(found.recv().await.unwrap().unwrap_err().code(), Code::Cancelled);
            }
        }
    })
    .await;
    server.stop().await;
}
