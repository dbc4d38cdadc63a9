//! Futures on threads that wait, without stubs of their own.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use unwired::transport::Runtime;
use unwired::{Channel, Server};
use unwired_blocking::{Blocking, Running};
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::HelloRequest;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;

fn greeter() -> Running {
    let server = Server::builder().add_service(GreeterServer::new(PoliteGreeter));
    unwired_blocking::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap().start(server).unwrap()
}

fn stub(runtime: &Blocking, server: &Running) -> GreeterClient {
    let target = format!("http://{}", server.local_addr().unwrap()).parse().unwrap();
    GreeterClient::new(Channel::builder(runtime.handle(), target).connect_lazy())
}

#[test]
fn threads_that_wait_on_one_connection_get_their_own_answers() {
    let server = greeter();
    let runtime = Blocking::new().unwrap();
    let stub = stub(&runtime, &server);
    thread::scope(|threads| {
        for thread in 0..16 {
            let (runtime, stub) = (&runtime, &stub);
            threads.spawn(move || {
                for call in 0..200 {
                    let name = format!("{thread}.{call}");
                    let reply =
                        runtime.block_on(stub.say_hello(HelloRequest { name: name.clone() })).unwrap();
                    assert_eq!(reply.get_ref().message, format!("Hello, {name}!"));
                }
            });
        }
    });
    server.shutdown(Duration::from_secs(10)).unwrap();
}

#[test]
fn what_a_leader_runs_may_wait_itself() {
    let runtime = Blocking::new().unwrap();
    let (inner, handle) = (runtime.clone(), runtime.handle());
    let sleep = || handle.sleep(Duration::from_millis(5));
    let waits = handle.sleep(Duration::from_millis(5));
    let answer = runtime.block_on(async {
        sleep().await;
        inner.block_on(waits);
        sleep().await;
        42
    });
    assert_eq!(answer, 42);
}

#[test]
fn a_future_that_wakes_itself_lets_tasks_and_timers_run() {
    let runtime = Blocking::new().unwrap();
    let handle = runtime.handle();
    let (done, is_done) = std::sync::mpsc::channel();
    let sleep = handle.sleep(Duration::from_millis(1));
    handle.spawn(async move {
        sleep.await;
        done.send(()).unwrap();
    });
    runtime.block_on(poll_fn(|cx| match is_done.try_recv() {
        Ok(()) => Poll::Ready(()),
        Err(_) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }));
}

#[test]
fn a_panic_hands_the_duty_on() {
    let runtime = Blocking::new().unwrap();
    thread::scope(|threads| {
        let leader = threads.spawn(|| {
            runtime.block_on(async {
                runtime.handle().sleep(Duration::from_millis(20)).await;
                panic!("on purpose");
            })
        });
        let follower = threads.spawn(|| runtime.block_on(runtime.handle().sleep(Duration::from_millis(60))));
        leader.join().unwrap_err();
        follower.join().unwrap();
    });
}

#[test]
fn a_name_is_resolved() {
    let runtime = Blocking::new().unwrap();
    let found = runtime.block_on(runtime.resolve("localhost", 80)).unwrap();
    assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 80), "{found:?}");
    assert!(!found.is_empty());
    assert!(runtime.block_on(runtime.resolve("name.invalid", 80)).is_err());
    assert_eq!(runtime.block_on(runtime.resolve("::1", 8)).unwrap(), ["[::1]:8".parse().unwrap()]);
}
