//! A service that passes its calls on: what ends one ends the other.

use std::future::pending;
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::StreamExt;
use unwired::server::Bound;
use unwired::transport::RuntimeHandle;
use unwired::{Code, Request, Response, Server, Status, Stream, Streaming, Target};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::test_service_server::{TestService, TestServiceServer};
use unwired_proto::grpc::testing::{
    Empty, SimpleRequest, SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse,
};

use crate::messages::{asking, input};
use crate::serving::{Transport, client_to, serve};
use crate::streams::ANY_PORT;
use crate::tasks::spawn;

/// Passes calls on to another server, on behalf of its own.
struct Proxy {
    rt: RuntimeHandle,
    client: TestServiceClient,
    /// What a task has found that reads a request.
    found: mpsc::UnboundedSender<Found>,
}

/// What a task finds that reads a request to its end, and outlives the handler.
#[derive(Debug)]
enum Found {
    /// A message.
    Message,
    /// The end of the messages, or what came instead of it.
    End(Result<(), Code>),
    /// The call has ended.
    Over,
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
        let found = self.found.clone();
        self.rt.spawn(async move {
            let end = loop {
                match messages.message().await {
                    Ok(Some(_)) => found.unbounded_send(Found::Message).unwrap(),
                    Ok(None) => break Ok(()),
                    Err(status) => break Err(status.code()),
                }
            };
            found.unbounded_send(Found::End(end)).unwrap();
            ended.unwrap().await;
            found.unbounded_send(Found::Over).unwrap();
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

pub async fn a_call_on_behalf_of_another_ends_with_it(rt: &RuntimeHandle) {
    let server = serve(rt, Transport::Tcp).await;
    let (finds, mut found) = mpsc::unbounded();
    let proxy = Proxy { rt: rt.clone(), client: server.client(), found: finds };
    let bound = Bound::new(rt.clone(), rt.listen(ANY_PORT.into()).await.unwrap());
    let target = Target::Address(bound.local_address().unwrap());
    let service = Server::builder().add_service(TestServiceServer::new(proxy));
    let _serving = spawn(rt, bound.serve(service));
    let client = client_to(rt, target);
    client.empty_call(Empty {}).await.unwrap();
    let mut request = asking(Empty {}, "hang");
    request.set_timeout(Duration::from_millis(50));
    assert_eq!(client.empty_call(request).await.unwrap_err().code(), Code::DeadlineExceeded);
    server.seen.all_gone(1).await;

    let begun = server.seen.begun();
    let call = spawn(rt, {
        let client = client.clone();
        async move { client.empty_call(asking(Empty {}, "hang")).await }
    });
    server.seen.all_begun(begun + 1).await;
    drop(call);
    server.seen.all_gone(begun + 1).await;

    // A request that was given up does not look like one that is whole.
    for whole in [true, false] {
        let (mut requests, answer) = client.streaming_input_call_halves(Request::new(())).await.unwrap();
        requests.send(input(vec![1])).await.unwrap();
        requests.send(input(vec![2])).await.unwrap();
        for _ in 0..2 {
            assert!(matches!(found.next().await, Some(Found::Message)));
        }
        if whole {
            requests.close();
            assert!(matches!(found.next().await, Some(Found::End(Ok(())))));
            drop(answer);
        } else {
            drop((answer, requests));
            assert!(matches!(found.next().await, Some(Found::End(Err(Code::Cancelled)))));
        }
        assert!(matches!(found.next().await, Some(Found::Over)));
    }
    server.stop().await;
}
