//! Connections and handlers on an executor of the program's own.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smol::Executor;
use smol::future::FutureExt;
use unwired::transport::RuntimeHandle;
use unwired::{Code, Request, Server};
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::HelloRequest;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_smol::Smol;

const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// Runs `test` with smol; it must end.
fn test(test: impl Future<Output = ()>) {
    let late = async {
        smol::Timer::after(Duration::from_secs(30)).await;
        panic!("the test does not end");
    };
    smol::block_on(test.or(late));
}

fn hello() -> Request<HelloRequest> {
    Request::new(HelloRequest { name: "you".to_owned() })
}

#[test]
fn calls_are_answered_on_an_executor_of_the_program_s_own() {
    let executor = Arc::new(Executor::new());
    let smol = Smol::on(&executor);
    test(executor.run(async {
        let bound = smol.bind(SocketAddr::from(LOOPBACK)).await.unwrap();
        let address = bound.local_addr().unwrap();
        let server = Server::builder().add_service(GreeterServer::new(PoliteGreeter));
        let _serving = executor.spawn(bound.serve_with_shutdown(server, pending()));
        let channel = smol.channel(format!("http://{address}")).unwrap().connect().await.unwrap();
        let reply = GreeterClient::new(channel).say_hello(hello()).await.unwrap().into_inner();
        assert_eq!(reply.message, "Hello, you!");
    }));
}

#[test]
fn an_executor_that_is_dropped_takes_its_connections_with_it() {
    let executor = Arc::new(Executor::new());
    let smol = Smol::on(&executor);
    test(async {
        let bound = unwired_smol::bind(SocketAddr::from(LOOPBACK)).await.unwrap();
        let address = bound.local_addr().unwrap();
        let server = Server::builder().add_service(GreeterServer::new(PoliteGreeter));
        let _serving = smol::spawn(bound.serve_with_shutdown(server, pending()));
        let channel = smol.channel(format!("http://{address}")).unwrap().connect_lazy();
        let client = GreeterClient::new(channel);
        executor.run(client.say_hello(hello())).await.unwrap();
        drop(executor);
        assert_eq!(client.say_hello(hello()).await.unwrap_err().code(), Code::Unavailable);
    });
}

#[test]
fn a_task_for_an_executor_that_is_gone_is_dropped() {
    let runtime: RuntimeHandle = Smol::on(&Arc::new(Executor::new())).handle();
    let (sender, receiver) = smol::channel::bounded::<()>(1);
    runtime.spawn(async move { sender.send(()).await.unwrap() });
    test(async { assert!(receiver.recv().await.is_err()) });
}
