//! A service that stays on one thread, called from others.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use unwired::{Channel, Code, Request, Response, Server, Status, Stream, Streaming};

use local::counter_client::CounterClient;
use local::counter_server::{Counter, CounterServer};
use local::{Number, Total};

mod local {
    #![allow(dead_code, unreachable_pub, missing_docs, reason = "not all of it is used here")]

    include!("../../codegen/tests/generated/local/local.rs");
}

/// Says that it was dropped.
struct Held(Rc<RefCell<Vec<&'static str>>>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.borrow_mut().push("dropped");
    }
}

/// Neither it nor what its handlers hold across an await is `Send`.
#[derive(Clone, Default)]
struct OneThread {
    total: Rc<RefCell<i64>>,
    log: Rc<RefCell<Vec<&'static str>>>,
}

impl Counter for OneThread {
    async fn add(&self, request: Request<Number>) -> Result<Response<Total>, Status> {
        let total = Rc::clone(&self.total);
        tokio::task::yield_now().await;
        *total.borrow_mut() += request.get_ref().value;
        let value = *total.borrow();
        Ok(Response::new(Total { value }))
    }

    async fn add_all(
        &self,
        request: Request<Streaming<Number>>,
    ) -> Result<Response<impl Stream<Item = Result<Total, Status>>>, Status> {
        let numbers = request.into_inner();
        Ok(Response::new(Totals { service: self, numbers }))
    }

    async fn stall(&self, _: Request<Number>) -> Result<Response<Total>, Status> {
        let _held = Held(Rc::clone(&self.log));
        self.log.borrow_mut().push("begun");
        pending().await
    }

    async fn fail(&self, _: Request<Number>) -> Result<Response<Total>, Status> {
        panic!("as it was asked to");
    }
}

struct Totals<'a> {
    service: &'a OneThread,
    numbers: Streaming<Number>,
}

impl Stream for Totals<'_> {
    type Item = Result<Total, Status>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let this = self.get_mut();
        std::pin::Pin::new(&mut this.numbers).poll_next(cx).map(|next| {
            next.map(|number| {
                let mut total = this.service.total.borrow_mut();
                *total += number?.value;
                Ok(Total { value: *total })
            })
        })
    }
}

/// Runs the service's worker on this thread and its server on others, and gives a channel to it.
async fn serving(service: OneThread) -> (Channel, tokio::task::JoinHandle<()>) {
    let (server, worker) = unwired::server::local(CounterServer::new(service));
    let worker = tokio::task::spawn_local(worker);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let bound = tokio::spawn(unwired_tokio::bind(address)).await.unwrap().unwrap();
    let address = bound.local_addr().unwrap();
    let server = Server::builder().add_service(server);
    tokio::spawn(async move { bound.serve_with_shutdown(server, pending()).await });
    (unwired_tokio::connect(format!("http://{address}")).await.unwrap(), worker)
}

async fn test(test: impl Future<Output = ()>) {
    let thread = tokio::task::LocalSet::new();
    tokio::time::timeout(Duration::from_secs(20), thread.run_until(test)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_answered() {
    test(async {
        let client = CounterClient::new(serving(OneThread::default()).await.0);
        for value in 1..=3 {
            let total = client.add(Number { value }).await.unwrap().into_inner().value;
            assert_eq!(total, value * (value + 1) / 2);
        }
        let (mut numbers, mut totals) = client.add_all_halves(Request::new(())).await.unwrap();
        for value in [10, 20] {
            numbers.send(Number { value }).await.unwrap();
            totals.message().await.unwrap().unwrap();
        }
        drop(numbers);
        assert!(totals.message().await.unwrap().is_none());
        assert_eq!(client.add(Number { value: 0 }).await.unwrap().into_inner().value, 36);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_find_their_answers() {
    test(async {
        let client = CounterClient::new(serving(OneThread::default()).await.0);
        let calls: Vec<_> = (0..200)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.add(Number { value: 1 }).await.unwrap().into_inner().value })
            })
            .collect();
        let mut totals = Vec::new();
        for call in calls {
            totals.push(call.await.unwrap());
        }
        totals.sort_unstable();
        assert_eq!(totals, (1..=200).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_is_dropped_with_its_call() {
    test(async {
        let service = OneThread::default();
        let client = CounterClient::new(serving(service.clone()).await.0);
        // On a busy machine a deadline passes before its handler has begun.
        while service.log.borrow().is_empty() {
            let mut request = Request::new(Number::default());
            request.set_timeout(Duration::from_millis(100));
            assert_eq!(client.stall(request).await.unwrap_err().code(), Code::DeadlineExceeded);
        }
        while service.log.borrow().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(*service.log.borrow(), ["begun", "dropped"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_its_call_alone() {
    test(async {
        let client = CounterClient::new(serving(OneThread::default()).await.0);
        assert_eq!(client.fail(Number::default()).await.unwrap_err().code(), Code::Unknown);
        assert_eq!(client.add(Number { value: 5 }).await.unwrap().into_inner().value, 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_worker_a_service_is_unavailable() {
    test(async {
        let (channel, worker) = serving(OneThread::default()).await;
        let client = CounterClient::new(channel);
        client.add(Number::default()).await.unwrap();
        worker.abort();
        assert!(worker.await.unwrap_err().is_cancelled());
        assert_eq!(client.add(Number::default()).await.unwrap_err().code(), Code::Unavailable);
    })
    .await;
}
