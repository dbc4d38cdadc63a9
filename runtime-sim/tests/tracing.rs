//! What the crate `tracing` is told, by a subscriber of our own.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, info};
use tracing_core::span::Current;
use unwired::intercept::Traced;
use unwired::transport::Address;
use unwired::{Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
use unwired_sim::Sim;

/// Names and values of fields.
type Fields = BTreeMap<String, String>;

#[derive(Default)]
struct Seen {
    /// In the order in which they were made; ids begin at 1.
    spans: Vec<(&'static Metadata<'static>, Fields)>,
    /// With the span that they are in.
    events: Vec<(Option<u64>, Fields)>,
    entered: Vec<u64>,
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Seen>>);

struct Put<'a>(&'a mut Fields);

impl Visit for Put<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("unwired") || metadata.target() == "handler"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut seen = self.0.lock().unwrap();
        let mut fields = Fields::new();
        span.record(&mut Put(&mut fields));
        seen.spans.push((span.metadata(), fields));
        Id::from_u64(seen.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut seen = self.0.lock().unwrap();
        let index = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Put(&mut seen.spans[index].1));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Put(&mut fields));
        let mut seen = self.0.lock().unwrap();
        let span = seen.entered.last().copied();
        seen.events.push((span, fields));
    }

    fn enter(&self, span: &Id) {
        self.0.lock().unwrap().entered.push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().entered.pop();
    }

    fn current_span(&self) -> Current {
        let seen = self.0.lock().unwrap();
        let Some(id) = seen.entered.last() else { return Current::none() };
        Current::new(Id::from_u64(*id), seen.spans[usize::try_from(*id).unwrap() - 1].0)
    }
}

/// Says so, at the first poll and after a while.
struct Telling;

impl Greeter for Telling {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        info!(target: "handler", "before");
        let runtime = request.runtime().unwrap().clone();
        runtime.sleep(Duration::from_millis(250)).await;
        info!(target: "handler", "after");
        Err(Status::not_found("nobody"))
    }

    async fn say_hello_again(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        std::future::pending().await
    }
}

#[test]
fn calls_are_spans_that_handlers_run_in_and_connections_are_events() {
    let collector = Collector::default();
    tracing::subscriber::with_default(collector.clone(), || {
        let sim = Sim::new(7);
        let bound = sim.host("server").bind(50051).unwrap();
        let greeter = GreeterServer::new(Telling);
        let server = Server::builder().add_service(greeter).intercepted_by(Traced).build();
        drop(sim.host("server").spawn(async move { bound.serve(server).await.unwrap() }));
        let client = sim.host("client");
        let channel = client.channel("http://server:50051").unwrap().intercepted_by(Traced).connect_lazy();
        let runtime = channel.runtime().clone();
        sim.run_until(async move {
            let client = GreeterClient::new(channel);
            client.say_hello(HelloRequest::default()).await.unwrap_err();
            let dropped = client.say_hello_again(HelloRequest::default());
            runtime.timeout(Duration::from_secs(1), dropped).await.unwrap_err();
        });
        sim.run_for(Duration::from_secs(1));
        drop(sim);
    });
    let seen = collector.0.lock().unwrap();
    let names: Vec<_> = seen.spans.iter().map(|(metadata, _)| metadata.name()).collect();
    assert_eq!(names, ["grpc.client", "grpc.server", "grpc.client", "grpc.server"]);
    for (metadata, fields) in &seen.spans[..2] {
        assert_eq!(fields["rpc.system"], "grpc");
        assert_eq!(fields["rpc.service"], "helloworld.Greeter");
        assert_eq!(fields["rpc.method"], "SayHello");
        assert_eq!(fields["otel.name"], "helloworld.Greeter/SayHello");
        assert_eq!(format!("grpc.{}", fields["otel.kind"]), metadata.name());
        assert_eq!(fields["rpc.grpc.status_code"], "5");
        // Of simulated time.
        let milliseconds: f64 = fields["rpc.duration_ms"].parse().unwrap();
        assert!((250.0..1000.0).contains(&milliseconds), "{milliseconds}");
    }
    assert!(!seen.spans[0].1.contains_key("network.peer.address"));
    assert!(seen.spans[1].1.contains_key("network.peer.address"));
    // Nobody waited for the second call to its end.
    for (_, fields) in &seen.spans[2..] {
        assert_eq!((&*fields["rpc.method"], &*fields["rpc.grpc.status_code"]), ("SayHelloAgain", "1"));
    }
    let told = |message: &str| {
        let is_it = |(_, fields): &&(_, Fields)| fields["message"] == message;
        seen.events.iter().filter(is_it).cloned().collect::<Vec<_>>()
    };
    for message in ["before", "after"] {
        let [(span, _)] = &told(message)[..] else { panic!("{:?}", seen.events) };
        assert_eq!(*span, Some(2), "in the span of the server");
    }
    for message in ["connection up", "connection down"] {
        let sides: Vec<_> = told(message).iter().map(|(_, fields)| fields["side"].clone()).collect();
        assert!(sides.contains(&"client".to_owned()) && sides.contains(&"server".to_owned()), "{sides:?}");
    }
    assert!(told("connection down").iter().all(|(_, fields)| !fields["why"].is_empty()));
}

#[test]
fn a_try_that_fails_and_a_peer_that_is_cut_off_are_told_with_their_reason() {
    let collector = Collector::default();
    tracing::subscriber::with_default(collector.clone(), || {
        let sim = Sim::new(8);
        let bound = sim.host("server").bind(50051).unwrap();
        let server = Server::builder().add_service(GreeterServer::new(Telling)).build();
        drop(sim.host("server").spawn(async move { bound.serve(server).await.unwrap() }));
        let client = sim.host("client");
        let nobody = client.channel("http://server:1").unwrap().connect_lazy();
        sim.run_until(async move { nobody.ready().await.unwrap_err() });
        // It says nothing at all.
        let address = Address::Tcp((sim.host("server").ip(), 50051).into());
        let runtime = client.runtime();
        sim.run_until(async move {
            let _silent = runtime.connect(address).await.unwrap();
            runtime.sleep(Duration::from_secs(60)).await;
        });
    });
    let seen = collector.0.lock().unwrap();
    let failed = seen.events.iter().find(|(_, fields)| fields["message"] == "not connected");
    let (_, fields) = failed.unwrap();
    assert!(fields["server.address"].ends_with(":1") && !fields["why"].is_empty(), "{fields:?}");
    let ended = seen.events.iter().find(|(_, fields)| fields["message"] == "connection ended for an abuse");
    let (_, fields) = ended.unwrap();
    assert_eq!((&*fields["side"], &*fields["counter"]), ("server", "slow_frames"));
}
