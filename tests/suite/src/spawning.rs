//! Where handlers run.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use unwired::server::Bound;
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Request, Response, Server, SpawnPolicy, Status, Target};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

use crate::streams::ANY_PORT;
use crate::tasks::spawn;

/// Keeps the wakers that its handlers are polled with: each task has its own.
#[derive(Default)]
struct WhichTask(Arc<Mutex<Vec<Waker>>>);

impl Greeter for WhichTask {
    async fn say_hello(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        self.0.lock().unwrap().push(waker);
        Ok(Response::new(HelloReply::default()))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

/// How many tasks these wakers are of.
fn tasks(wakers: &[Waker]) -> usize {
    let is_new = |&n: &usize| !wakers[..n].iter().any(|waker| waker.will_wake(&wakers[n]));
    (0..wakers.len()).filter(is_new).count()
}

pub async fn a_handler_runs_in_the_task_of_its_connection_or_in_its_own(rt: &RuntimeHandle) {
    let wakers = Arc::<Mutex<Vec<_>>>::default();
    let service = GreeterServer::new(WhichTask(Arc::clone(&wakers))).spawn_policy(SpawnPolicy::Inline);
    let server = Server::builder().add_service(service);
    let server = server.spawn_policy("/helloworld.Greeter/SayHelloAgain", SpawnPolicy::Spawn);
    let bound = Bound::new(rt.clone(), rt.listen(ANY_PORT.into()).await.unwrap());
    let target = Target::Address(bound.local_address().unwrap());
    let _serving = spawn(rt, bound.serve(server));
    let client = GreeterClient::new(Channel::builder(rt.clone(), target).connect_lazy());
    for _ in 0..10 {
        client.say_hello(HelloRequest::default()).await.unwrap();
    }
    let inline = std::mem::take(&mut *wakers.lock().unwrap());
    assert_eq!(tasks(&inline), 1);
    for _ in 0..10 {
        client.say_hello_again(HelloRequest::default()).await.unwrap();
    }
    assert_eq!(tasks(&wakers.lock().unwrap()), 10);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "no service that was added has the method /helloworld.Greeter/SayHallo")]
    fn a_method_that_is_not_there_has_no_policy() {
        let server = Server::builder().add_service(GreeterServer::new(WhichTask::default()));
        let _ = server.spawn_policy("/helloworld.Greeter/SayHallo", SpawnPolicy::Spawn);
    }
}
