use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use unwired::{Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

struct MyGreeter;

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

/// Ours, with all its defaults, on the runtime that tonic gets as well.
pub(super) fn serve(announce: &dyn Fn(SocketAddr)) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let bound = unwired_tokio::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        announce(bound.local_addr()?);
        bound.serve(Server::builder().add_service(GreeterServer::new(MyGreeter))).await?;
        Ok(())
    })
}
