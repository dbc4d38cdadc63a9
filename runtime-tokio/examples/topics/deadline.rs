//! Deadlines: over a whole call, and over the calls that its handler makes.

use std::time::Duration;

use unwired::{Code, Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

/// Takes a minute.
struct Slow;

impl Greeter for Slow {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        println!("the handler has {:?}", request.time_left());
        let runtime = request.runtime().ok_or_else(|| Status::internal("not in a call"))?;
        runtime.sleep(Duration::from_secs(60)).await;
        Ok(Response::new(HelloReply { message: "too late".to_owned() }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

/// Asks another greeter, in what is left of its caller's time.
struct Front(GreeterClient);

impl Greeter for Front {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.0.say_hello(Request::new(request.get_ref().clone()).child_of(&request)).await
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

pub(crate) async fn run() -> super::Outcome {
    // A server can have a limit of its own: the shorter time holds.
    let slow = Server::builder().add_service(GreeterServer::new(Slow)).timeout(Duration::from_secs(30));
    let slow = GreeterClient::new(super::start(slow).await?);
    let front = super::start(Server::builder().add_service(GreeterServer::new(Front(slow)))).await?;

    let mut request = super::hello("world");
    request.set_timeout(Duration::from_millis(100));
    match GreeterClient::new(front).say_hello(request).await {
        Err(status) if status.code() == Code::DeadlineExceeded => println!("{status}"),
        other => panic!("a deadline should have passed, not {other:?}"),
    }
    Ok(())
}
