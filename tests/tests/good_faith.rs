//! Load in good faith: 10,000 calls a second on one connection, every twentieth cancelled and every twentieth at its deadline before
//! it is answered. Nobody is ended for it.
//!
//! `UNWIRED_LOAD_SECONDS` says how long, 2 by default; `tests/nightly` runs it for longer. With `--nocapture` it tells the figures.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use unwired::{Code, Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

/// Calls in a second: as many as the machine makes, where it makes fewer.
const RATE: u64 = 10_000;
/// Calls that begin together, every millisecond.
const BATCH: u64 = RATE / 1000;
/// Calls under way at most, beyond what the server lets be at a time.
const UNDER_WAY: u32 = 1000;
/// One call of so many is cancelled, and one runs into its deadline.
const ONE_OF: u64 = 20;

/// Who is answered only after everybody has lost patience.
const LATE: &str = "late";
const CANCELLED_AFTER: Duration = Duration::from_millis(5);
const DEADLINE: Duration = Duration::from_millis(10);

struct Sleepy;

impl Greeter for Sleepy {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let name = &request.get_ref().name;
        if name == LATE {
            let runtime = request.runtime().ok_or_else(|| Status::internal("not in a call"))?;
            runtime.sleep(Duration::from_secs(60)).await;
        }
        Ok(Response::new(HelloReply { message: format!("Hello, {name}!") }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

#[derive(Default)]
struct Outcomes {
    served: AtomicU64,
    cancelled: AtomicU64,
    late: AtomicU64,
    unexpected: Mutex<Vec<String>>,
}

impl Outcomes {
    /// Makes the `n`th call, and notes what became of it.
    async fn call(&self, client: &GreeterClient, n: u64) {
        let greet = |name: &str| Request::new(HelloRequest { name: name.to_owned() });
        match n % ONE_OF {
            0 => match tokio::time::timeout(CANCELLED_AFTER, client.say_hello(greet(LATE))).await {
                Err(_) => self.count(&self.cancelled),
                Ok(answer) => self.wonder(format!("{answer:?} before it was cancelled")),
            },
            1 => {
                let mut request = greet(LATE);
                request.set_timeout(DEADLINE);
                match client.say_hello(request).await {
                    Err(status) if status.code() == Code::DeadlineExceeded => self.count(&self.late),
                    answer => self.wonder(format!("{answer:?} at a deadline")),
                }
            }
            _ => match client.say_hello(greet("you")).await {
                Ok(_) => self.count(&self.served),
                Err(status) => self.wonder(status.to_string()),
            },
        }
    }

    fn count(&self, outcome: &AtomicU64) {
        outcome.fetch_add(1, Ordering::Relaxed);
    }

    fn wonder(&self, what: String) {
        self.unexpected.lock().unwrap().push(what);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_cancelled_and_calls_that_are_late_end_no_connection() {
    let seconds = std::env::var("UNWIRED_LOAD_SECONDS").map_or(2, |seconds| seconds.parse().unwrap());
    let killed = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&killed);
    let server = Server::builder()
        .add_service(GreeterServer::new(Sleepy))
        .on_connection_error(move |error| told.lock().unwrap().push(error.to_string()));
    let bound = unwired_tokio::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let address = bound.local_addr().unwrap();
    let server: Server = server.into();
    let stats = server.clone();
    let serving = tokio::spawn(async move { bound.serve(server).await });
    let client = GreeterClient::new(unwired_tokio::connect(&format!("http://{address}")).await.unwrap());

    let outcomes = Arc::new(Outcomes::default());
    let room = Arc::new(Semaphore::new(UNDER_WAY as usize));
    let mut calls = JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    let begun = Instant::now();
    let all = RATE * seconds;
    for batch in 0..all / BATCH {
        pace.tick().await;
        for n in batch * BATCH..(batch + 1) * BATCH {
            let (client, outcomes) = (client.clone(), Arc::clone(&outcomes));
            let place = Arc::clone(&room).acquire_owned().await.unwrap();
            calls.spawn(async move {
                outcomes.call(&client, n).await;
                drop(place);
            });
        }
        while calls.try_join_next().is_some_and(|call| call.map(|()| true).unwrap()) {}
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let took = begun.elapsed().as_secs_f64();

    let [served, cancelled, late] =
        [&outcomes.served, &outcomes.cancelled, &outcomes.late].map(|count| count.load(Ordering::Relaxed));
    println!(
        "{all} calls in {took:.1} s, {:.0} a second: {served} served, {cancelled} cancelled, {late} at their deadlines",
        all as f64 / took
    );
    assert_eq!(*outcomes.unexpected.lock().unwrap(), Vec::<String>::new());
    assert_eq!([served, cancelled, late], [all - 2 * (all / ONE_OF), all / ONE_OF, all / ONE_OF]);
    assert_eq!(*killed.lock().unwrap(), Vec::<String>::new(), "a connection was ended");
    assert_eq!(stats.stats().calls.http2.kills.total(), 0);
    serving.abort();
}
