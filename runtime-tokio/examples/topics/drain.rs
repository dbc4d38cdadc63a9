//! The end of a server: calls under way end, others find the server gone.

use std::time::Duration;

use tokio::sync::oneshot;
use unwired::{Code, Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

/// Takes its time.
struct Slow;

impl Greeter for Slow {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(Response::new(HelloReply { message: format!("Hello, {}!", request.get_ref().name) }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

pub(crate) async fn run() -> super::Outcome {
    // Calls get so long to end; 30 s, if nothing is said.
    let server =
        Server::builder().add_service(GreeterServer::new(Slow)).drain_timeout(Duration::from_secs(10));
    let bound = unwired_tokio::bind(super::LOOPBACK).await?;
    let target = format!("http://{}", bound.local_addr()?);
    // In a program: `async { let _ = tokio::signal::ctrl_c().await; }`.
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_with_shutdown(server, async { drop(stopped.await) }));
    let client = GreeterClient::new(unwired_tokio::connect(target).await?);

    let (reply, ()) = tokio::join!(client.say_hello(super::hello("last one")), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(stop);
    });
    println!("{}", reply?.into_inner().message);
    serving.await??;
    let refused = client.say_hello(super::hello("late one")).await;
    assert_eq!(refused.err().map(|status| status.code()), Some(Code::Unavailable));
    Ok(())
}
