//! Layers of `tower` around calls.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;
use unwired::intercept::{Layered, Messages};
use unwired::{Code, Request, Response, Server, Status};
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::HelloRequest;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_sim::Sim;

type BoxError = Box<dyn Error + Send + Sync>;

/// Lets so many calls pass, and counts those that it has seen.
#[derive(Clone)]
struct Allow {
    calls: usize,
    seen: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Allowing<S> {
    allow: Allow,
    inner: S,
}

impl<S> Layer<S> for Allow {
    type Service = Allowing<S>;

    fn layer(&self, inner: S) -> Allowing<S> {
        Allowing { allow: self.clone(), inner }
    }
}

impl<S> Service<Request<Messages>> for Allowing<S>
where
    S: Service<
            Request<Messages>,
            Response = Response<Messages>,
            Error: Into<BoxError>,
            Future: Send + 'static,
        >,
{
    type Response = Response<Messages>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Messages>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Messages>) -> Self::Future {
        if self.allow.seen.fetch_add(1, Ordering::Relaxed) >= self.allow.calls {
            return Box::pin(async { Err("that is enough".into()) });
        }
        request.metadata_mut().insert("x-layer", "was here").unwrap();
        let called = self.inner.call(request);
        Box::pin(async move {
            let mut response = called.await.map_err(Into::into)?;
            response.trailers_mut().append("x-layer", "was here").unwrap();
            Ok(response)
        })
    }
}

#[test]
fn a_layer_sees_calls_of_either_side_and_its_errors_are_statuses() {
    let sim = Sim::new(11);
    let allow = |calls| Allow { calls, seen: Arc::default() };
    let (here, there) = (allow(3), allow(2));
    let server = Server::builder()
        .add_service(GreeterServer::new(PoliteGreeter))
        .intercepted_by(Layered::new(there.clone()))
        .build();
    let _serving = sim.host("server").serve(50051, server).unwrap();
    let channel = sim.host("client").channel("http://server:50051").unwrap();
    let client = GreeterClient::new(channel.intercepted_by(Layered::new(here.clone())).connect_lazy());
    let mut statuses: Vec<Status> = Vec::new();
    sim.run_until(async {
        for _ in 0..4 {
            match client.say_hello(HelloRequest { name: "you".to_owned() }).await {
                Ok(response) => {
                    assert!(response.trailers().get_all("x-layer").eq(["was here", "was here"]));
                    assert_eq!(response.into_inner().message, "Hello, you!");
                }
                Err(status) => statuses.push(status),
            }
        }
    });
    assert_eq!((here.seen.load(Ordering::Relaxed), there.seen.load(Ordering::Relaxed)), (4, 3));
    // The third is the server's, the fourth never got so far.
    let [third, fourth] = &statuses[..] else { panic!("{statuses:?}") };
    for status in [third, fourth] {
        assert_eq!((status.code(), status.message()), (Code::Unknown, "that is enough"));
    }
}
