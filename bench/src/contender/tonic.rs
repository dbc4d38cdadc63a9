use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::stubs::greeter_server::{Greeter, GreeterServer};
use crate::stubs::{HelloReply, HelloRequest};

struct MyGreeter;

#[tonic::async_trait]
impl Greeter for MyGreeter {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = format!("Hello, {}!", request.into_inner().name);
        Ok(Response::new(HelloReply { message }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = format!("Hello again, {}!", request.into_inner().name);
        Ok(Response::new(HelloReply { message }))
    }
}

/// tonic as its guide shows it, on the runtime that suits one core best.
pub(super) fn serve(announce: &dyn Fn(SocketAddr)) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into())?.with_nodelay(Some(true));
        announce(incoming.local_addr()?);
        Server::builder().add_service(GreeterServer::new(MyGreeter)).serve_with_incoming(incoming).await?;
        Ok(())
    })
}
