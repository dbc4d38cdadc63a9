//! Ours, with all its defaults, on each runtime.

use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::stream;
use unwired::server::Bound;
use unwired::{Channel, Request, Response, Server, Status, Stream, Streaming};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

use super::client::{self, CHUNK};
use super::{ANYWHERE, Announce};
use crate::stubs::work::work_client::WorkClient;
use crate::stubs::work::work_server::{Work, WorkServer};
use crate::stubs::work::{Chunk, Count};

struct MyGreeter;

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

impl Work for MyWork {
    async fn download(
        &self,
        request: Request<Count>,
    ) -> Result<Response<impl Stream<Item = Result<Chunk, Status>> + Send>, Status> {
        let chunks = (0..request.into_inner().messages).map(|_| Ok(Chunk { data: CHUNK }));
        Ok(Response::new(stream::iter(chunks)))
    }

    async fn echo(&self, request: Request<Chunk>) -> Result<Response<Chunk>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn hold(
        &self,
        request: Request<Streaming<Chunk>>,
    ) -> Result<Response<impl Stream<Item = Result<Chunk, Status>> + Send>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn services() -> impl Into<Server> {
    Server::builder().add_service(GreeterServer::new(MyGreeter)).add_service(WorkServer::new(MyWork))
}

pub(super) fn on_tokio(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    tokio(&super::one_thread()?, announce)
}

pub(super) fn on_tokio_threads(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    tokio(&super::threads()?, announce)
}

fn tokio(runtime: &tokio::runtime::Runtime, announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    runtime.block_on(async { serve(unwired_tokio::bind(SocketAddr::from(ANYWHERE)).await?, announce).await })
}

pub(super) fn on_smol(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    smol::block_on(async { serve(unwired_smol::bind(SocketAddr::from(ANYWHERE)).await?, announce).await })
}

pub(super) fn on_async_std(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    async_std::task::block_on(async {
        serve(unwired_async_std::bind(SocketAddr::from(ANYWHERE)).await?, announce).await
    })
}

pub(super) fn on_blocking(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    let running = unwired_blocking::bind(SocketAddr::from(ANYWHERE))?.start(services())?;
    announce(running.local_addr()?);
    Ok(running.wait()?)
}

async fn serve(bound: Bound, announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    announce(bound.local_addr()?);
    Ok(bound.serve(services()).await?)
}

/// Our stubs on tokio.
#[derive(Clone)]
pub(super) struct Client {
    greeter: GreeterClient,
    work: WorkClient,
}

impl client::Client for Client {
    async fn connect(addr: SocketAddr) -> Result<Self, client::Error> {
        let channel: Channel = unwired_tokio::connect(format!("http://{addr}")).await?;
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
