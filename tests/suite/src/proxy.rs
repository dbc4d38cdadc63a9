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
    /// What a task that reads a request to its end has seen.
    seen: mpsc::UnboundedSender<Seen>,
}

#[derive(Debug)]
enum Seen {
    /// Messages until the end, or why there was none.
    Request(Result<usize, Status>),
    /// The call is over.
    End,
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
        let seen = self.seen.clone();
        self.rt.spawn(async move {
            let mut count = 0;
            let found = loop {
                match messages.message().await {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => break Ok(count),
                    Err(status) => break Err(status),
                }
            };
            seen.unbounded_send(Seen::Request(found)).unwrap();
            ended.unwrap().await;
            seen.unbounded_send(Seen::End).unwrap();
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
    let (sender, mut seen) = mpsc::unbounded();
    let proxy = Proxy { rt: rt.clone(), client: server.client(), seen: sender };
    let bound = Bound::new(rt.clone(), rt.listen(ANY_PORT.into()).await.unwrap());
    let target = Target::Address(bound.local_address().unwrap());
    let service = Server::builder().add_service(TestServiceServer::new(proxy));
    let _serving = spawn(rt, bound.serve(service));
    let client = client_to(rt, target);
    let mut request = asking(Empty {}, "hang");
    request.set_timeout(Duration::from_millis(50));
    assert_eq!(client.empty_call(request).await.unwrap_err().code(), Code::DeadlineExceeded);
    server.seen.all_gone(1).await;

    let call = spawn(rt, {
        let client = client.clone();
        async move { client.empty_call(asking(Empty {}, "hang")).await }
    });
    server.seen.all_begun(2).await;
    drop(call);
    server.seen.all_gone(2).await;

    // A request that was given up does not look like one that is whole.
    for whole in [true, false] {
        let (mut requests, answer) = client.streaming_input_call_halves(Request::new(())).await.unwrap();
        requests.send(input(vec![1])).await.unwrap();
        requests.send(input(vec![2])).await.unwrap();
        rt.sleep(Duration::from_millis(20)).await;
        if whole {
            requests.close();
            assert!(matches!(seen.next().await, Some(Seen::Request(Ok(2)))));
            drop(answer);
        } else {
            drop((answer, requests));
            let Some(Seen::Request(Err(status))) = seen.next().await else { panic!("a whole request") };
            assert_eq!(status.code(), Code::Cancelled);
        }
        assert!(matches!(seen.next().await, Some(Seen::End)));
    }
    server.stop().await;
}
