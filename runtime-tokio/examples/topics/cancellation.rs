//! Cancellation: who drops a call gives it up, and the server is told.

use std::future::pending;
use std::time::Duration;

use tokio::sync::mpsc;
use unwired::{Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

/// Never answers, and says when its calls have ended.
struct Forever(mpsc::UnboundedSender<&'static str>);

impl Greeter for Forever {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let told = self.0.clone();
        let cancelled = request.cancellation().ok_or_else(|| Status::internal("not in a call"))?;
        // The handler is dropped with its call, wherever it waits. What shall outlive it is a task, which can be told.
        tokio::spawn(async move {
            cancelled.await;
            let _ = told.send("the task knows that the call has ended");
        });
        let _ = self.0.send("the handler has begun");
        pending().await
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

pub(crate) async fn run() -> super::Outcome {
    let (tell, mut told) = mpsc::unbounded_channel();
    let channel = super::start(Server::builder().add_service(GreeterServer::new(Forever(tell)))).await?;
    let client = GreeterClient::new(channel);

    // Dropped after this time. `tokio::select!` and `JoinHandle::abort` do the same.
    let call = tokio::time::timeout(Duration::from_millis(200), client.say_hello(super::hello("world")));
    assert!(call.await.is_err(), "nobody has answered");
    for _ in 0..2 {
        println!("{}", told.recv().await.ok_or("the server is gone")?);
    }
    Ok(())
}
