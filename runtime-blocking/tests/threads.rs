//! No thread is left behind. A program of its own, where nobody else has threads.

#![cfg(target_os = "linux")]

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use unwired::{Request, Response, Server, Status};
use unwired_blocking::Workers;
use unwired_proto::helloworld::greeter_blocking_client::GreeterBlockingClient;
use unwired_proto::helloworld::greeter_blocking_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

struct Polite;

impl Greeter for Polite {
    fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(HelloReply { message: request.into_inner().name }))
    }

    fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request)
    }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// Waits until there are so many threads; those that end take their time.
fn settle(expected: usize) {
    let begun = Instant::now();
    while threads() != expected {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} threads instead of {expected}", threads());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn no_thread_is_left_behind() {
    let before = threads();
    let server = Server::builder().add_service(Workers::new().run(GreeterServer::new(Polite)));
    let running =
        unwired_blocking::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap().start(server).unwrap();
    let with_server = before + 1;
    settle(with_server);
    let channel = unwired_blocking::connect(format!("http://{}", running.local_addr().unwrap())).unwrap();
    let client = GreeterBlockingClient::new(channel);
    let request = HelloRequest { name: "me".to_owned() };
    client.say_hello(request.clone()).unwrap();
    // One worker, and none of the client.
    assert_eq!(threads(), with_server + 1);
    let pending: Vec<_> = (0..20).map(|_| client.start_say_hello(request.clone())).collect();
    for call in pending {
        call.wait().unwrap();
    }
    client.start_say_hello(request).cancel();
    drop(client);
    running.shutdown(Duration::from_secs(10)).unwrap();
    settle(before);
}
