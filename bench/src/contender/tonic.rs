//! tonic as its guide shows it.

use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

use super::client::{self, CHUNK};
use super::{ANYWHERE, Announce};
use crate::stubs::tonic::helloworld::greeter_client::GreeterClient;
use crate::stubs::tonic::helloworld::greeter_server::{Greeter, GreeterServer};
use crate::stubs::tonic::work::work_client::WorkClient;
use crate::stubs::tonic::work::work_server::{Work, WorkServer};
use crate::stubs::work::{Chunk, Count};

struct MyGreeter;

#[tonic::async_trait]
impl Greeter for MyGreeter {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = format!("Hello, {}!", request.into_inner().name);
        Ok(Response::new(HelloReply { message }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        super::compute();
        let message = format!("Hello again, {}!", request.into_inner().name);
        Ok(Response::new(HelloReply { message }))
    }
}

struct MyWork;

#[tonic::async_trait]
impl Work for MyWork {
    type DownloadStream = BoxStream<'static, Result<Chunk, Status>>;
    type HoldStream = Streaming<Chunk>;

    async fn download(&self, request: Request<Count>) -> Result<Response<Self::DownloadStream>, Status> {
        let chunks = (0..request.into_inner().messages).map(|_| Ok(Chunk { data: CHUNK }));
        Ok(Response::new(stream::iter(chunks).boxed()))
    }

    async fn echo(&self, request: Request<Chunk>) -> Result<Response<Chunk>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn hold(&self, request: Request<Streaming<Chunk>>) -> Result<Response<Self::HoldStream>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

pub(super) fn on_one_thread(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    serve(&super::one_thread()?, announce)
}

pub(super) fn on_threads(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    serve(&super::threads()?, announce)
}

fn serve(runtime: &Runtime, announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    runtime.block_on(async {
        let incoming = TcpIncoming::bind(ANYWHERE.into())?.with_nodelay(Some(true));
        announce(incoming.local_addr()?);
        Server::builder()
            .add_service(GreeterServer::new(MyGreeter))
            .add_service(WorkServer::new(MyWork))
            .serve_with_incoming(incoming)
            .await?;
        Ok(())
    })
}

/// tonic's stubs.
#[derive(Clone)]
pub(super) struct Client {
    greeter: GreeterClient<Channel>,
    work: WorkClient<Channel>,
}

impl client::Client for Client {
    async fn connect(addr: SocketAddr) -> Result<Self, client::Error> {
        let channel = Endpoint::from_shared(format!("http://{addr}"))?.connect().await?;
        Ok(Self { greeter: GreeterClient::new(channel.clone()), work: WorkClient::new(channel) })
    }

    async fn greet(&mut self, name: String) -> Result<String, client::Error> {
        Ok(self.greeter.say_hello(HelloRequest { name }).await?.into_inner().message)
    }

    async fn download(&mut self, messages: u64) -> Result<u64, client::Error> {
        let mut chunks = self.work.download(Count { messages }).await?.into_inner();
        let mut received = 0;
        while chunks.message().await?.is_some() {
            received += 1;
        }
        Ok(received)
    }

    async fn echo(&mut self, data: Bytes) -> Result<Bytes, client::Error> {
        Ok(self.work.echo(Chunk { data }).await?.into_inner().data)
    }
}
