//! The greeter server of the README.

use std::net::SocketAddr;

use unwired::{Request, Response, Server, Status};

mod helloworld;

use helloworld::greeter_server::{Greeter, GreeterServer};
use helloworld::{HelloReply, HelloRequest};

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

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address: SocketAddr = ([127, 0, 0, 1], 50051).into();
    let server = Server::builder().add_service(GreeterServer::new(MyGreeter));
    unwired_tokio::serve(server, address).await
}
