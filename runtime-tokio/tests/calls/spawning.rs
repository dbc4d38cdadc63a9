//! Where handlers run.

use std::collections::HashSet;
use std::net::SocketAddr;

use unwired::{Request, Response, Server, SpawnPolicy, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

use crate::service::within;

/// Says in which task it runs.
struct WhichTask;

impl Greeter for WhichTask {
    async fn say_hello(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(HelloReply { message: tokio::task::id().to_string() }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

#[tokio::test]
async fn a_handler_runs_in_the_task_of_its_connection_or_in_its_own() {
    let service = GreeterServer::new(WhichTask).spawn_policy(SpawnPolicy::Inline);
    let server = Server::builder().add_service(service);
    let server = server.spawn_policy("/helloworld.Greeter/SayHelloAgain", SpawnPolicy::Spawn);
    let bound = unwired_tokio::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let target = format!("http://{}", bound.local_addr().unwrap());
    let serving = tokio::spawn(bound.serve(server));
    let client = GreeterClient::new(unwired_tokio::connect_lazy(target).unwrap());
    let [mut inline, mut spawned] = [HashSet::new(), HashSet::new()];
    for _ in 0..10 {
        let request = || HelloRequest { name: String::new() };
        inline.insert(within(client.say_hello(request())).await.unwrap().into_inner().message);
        spawned.insert(within(client.say_hello_again(request())).await.unwrap().into_inner().message);
    }
    assert_eq!((inline.len(), spawned.len()), (1, 10));
    serving.abort();
}

#[test]
#[should_panic(expected = "no service that was added has the method /helloworld.Greeter/SayHallo")]
fn a_method_that_is_not_there_has_no_policy() {
    let server = Server::builder().add_service(GreeterServer::new(WhichTask));
    let _ = server.spawn_policy("/helloworld.Greeter/SayHallo", SpawnPolicy::Spawn);
}
