//! A service that stays on one thread: smol's `LocalExecutor` runs its handlers, while its connections are elsewhere.

use std::cell::Cell;
use std::future::pending;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use smol::LocalExecutor;
use smol::future::FutureExt;
use unwired::{Empty, Request, Response, Server, Status, Stream, Streaming};

use local::counter_client::CounterClient;
use local::counter_server::{Counter, CounterServer};
use local::{Number, Total};

mod local {
    #![allow(dead_code, unreachable_pub, missing_docs, reason = "not all of it is used here")]

    include!("../../codegen/tests/generated/local/local.rs");
}

/// Neither it nor what its handlers hold across an await is `Send`.
#[derive(Clone, Default)]
struct OneThread(Rc<Cell<i64>>);

impl Counter for OneThread {
    async fn add(&self, request: Request<Number>) -> Result<Response<Total>, Status> {
        let total = Rc::clone(&self.0);
        smol::Timer::after(Duration::from_millis(1)).await;
        total.set(total.get() + request.get_ref().value);
        Ok(Response::new(Total { value: total.get() }))
    }

    async fn add_all(
        &self,
        _: Request<Streaming<Number>>,
    ) -> Result<Response<impl Stream<Item = Result<Total, Status>>>, Status> {
        Err::<Response<Empty<_>>, _>(Status::unimplemented("one by one"))
    }

    async fn stall(&self, _: Request<Number>) -> Result<Response<Total>, Status> {
        pending().await
    }

    async fn fail(&self, _: Request<Number>) -> Result<Response<Total>, Status> {
        Err(Status::unimplemented("it never fails"))
    }
}

/// Adds ten times one, all at once, from a thread of its own.
async fn count(address: SocketAddr) -> Vec<i64> {
    let channel = unwired_smol::connect(format!("http://{address}")).await.unwrap();
    let client = CounterClient::new(channel);
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            smol::spawn(async move { client.add(Number { value: 1 }).await.unwrap().into_inner().value })
        })
        .collect();
    let mut totals = Vec::new();
    for call in calls {
        totals.push(call.await);
    }
    totals
}

#[test]
fn a_local_executor_runs_handlers_that_hold_an_rc() {
    let executor = LocalExecutor::new();
    let service = OneThread::default();
    let (server, worker) = unwired::server::local(CounterServer::new(service.clone()));
    let worker = executor.spawn(worker);

    let test = async {
        let bound = unwired_smol::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = bound.local_addr().unwrap();
        let (stop, stopped) = smol::channel::bounded::<()>(1);
        let serving = smol::spawn(async move {
            let server = Server::builder().add_service(server);
            let stopped = async {
                let _ = stopped.recv().await;
            };
            bound.serve_with_shutdown(server, stopped).await
        });
        let counting = thread::spawn(move || smol::block_on(count(address)));
        let mut totals = smol::unblock(|| counting.join().unwrap()).await;
        totals.sort_unstable();
        assert_eq!(totals, (1..=10).collect::<Vec<_>>());
        assert_eq!(service.0.get(), 10);
        drop(stop);
        serving.await.unwrap();
        // The server is gone, and the worker with it.
        worker.await;
    };
    let late = async {
        smol::Timer::after(Duration::from_secs(30)).await;
        panic!("the test does not end");
    };
    smol::block_on(executor.run(test.or(late)));
}
