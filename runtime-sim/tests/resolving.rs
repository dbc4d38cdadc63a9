//! Service configs that come from a resolver, in virtual time.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join;
use unwired::channel::{MethodConfig, Resolution, Resolve, ServiceConfig};
use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired::{Code, Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
use unwired_sim::{Host, Link, Sim, check};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const PORT: u16 = 50051;

/// Answers with its name.
struct Named(String);

impl Greeter for Named {
    async fn say_hello(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(HelloReply { message: self.0.clone() }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

fn hello(name: &str) -> Request<HelloRequest> {
    Request::new(HelloRequest { name: name.to_owned() })
}

fn address(host: &Host) -> SocketAddr {
    (host.ip(), PORT).into()
}

/// Some seeds of a simulation with three servers, 10 ms away from their client.
fn simulate(test: impl Fn(&Sim, &[Host])) {
    check(0..20, |sim| {
        sim.set_default_link(Link::default().latency(MILLISECOND * 10));
        sim.host("client");
        let hosts: Vec<_> = ["one", "two", "three"].iter().map(|name| sim.host(name)).collect();
        for host in &hosts {
            let service = GreeterServer::new(Named(host.name().to_owned()));
            drop(host.serve(PORT, Server::builder().add_service(service)).unwrap());
        }
        test(sim, &hosts);
    });
}

/// Gives the same answer until it is told another.
#[derive(Clone)]
struct Configured(Arc<Mutex<Resolution>>);

impl Configured {
    fn new(hosts: &[Host]) -> Self {
        Self(Arc::new(Mutex::new(Resolution::new(hosts.iter().map(address)).valid_for(SECOND * 10))))
    }

    fn say(&self, config: Option<&str>) {
        self.0.lock().unwrap().service_config = None;
        if let Some(json) = config {
            let mut resolution = self.0.lock().unwrap();
            *resolution = resolution.clone().service_config(json.parse::<ServiceConfig>());
        }
    }
}

impl Resolve for Configured {
    fn resolve<'a>(&'a self, runtime: &'a RuntimeHandle) -> BoxFuture<'a, std::io::Result<Resolution>> {
        Box::pin(async move {
            runtime.sleep(MILLISECOND * 5).await;
            Ok(self.0.lock().unwrap().clone())
        })
    }
}

const SPREAD: &str = r#"{"loadBalancingConfig": [{"round_robin": {}}]}"#;

#[test]
fn a_resolver_says_how_calls_are_made() {
    simulate(|sim, hosts| {
        let resolver = Configured::new(hosts);
        resolver.say(Some(SPREAD));
        let by_default = MethodConfig::new().wait_for_ready(true).timeout(MILLISECOND * 3);
        let channel = sim.host("client").channel("http://greeter:1").unwrap().resolver(resolver.clone());
        let channel = channel.service_config(ServiceConfig::new().default_method(by_default)).connect_lazy();
        let client = GreeterClient::new(channel.clone());
        let runtime = sim.host("client").runtime();
        let servers = async || {
            let mut servers = BTreeSet::new();
            for _ in 0..10 {
                servers.insert(client.say_hello(hello("a")).await?.into_inner().message);
                // All of them are connected soon.
                runtime.sleep(MILLISECOND * 100).await;
            }
            Ok::<_, Status>(servers.len())
        };
        sim.run_until(async {
            // The first call waits for what it says: by default there is no time for any.
            assert_eq!(servers().await.unwrap(), hosts.len());
            resolver.say(Some(r#"{"loadBalancingConfig": [{"pick_first": {}}]}"#));
            runtime.sleep(SECOND * 11).await;
            assert_eq!(servers().await.unwrap(), 1);
            // What cannot be read changes nothing, and is counted.
            resolver.say(Some(r#"{"methodConfig": 1}"#));
            runtime.sleep(SECOND * 11).await;
            assert_eq!(servers().await.unwrap(), 1);
            assert!(channel.stats().service_configs_refused > 0);
            resolver.say(Some(
                r#"{"methodConfig": [{"name": [{"service": "helloworld.Greeter"}], "timeout": "0.002s"}]}"#,
            ));
            runtime.sleep(SECOND * 11).await;
            assert_eq!(servers().await.unwrap_err().code(), Code::DeadlineExceeded);
            resolver.say(Some(SPREAD));
            runtime.sleep(SECOND * 11).await;
            assert_eq!(servers().await.unwrap(), hosts.len());
            // Without one, what the program says holds.
            resolver.say(None);
            runtime.sleep(SECOND * 11).await;
            assert_eq!(servers().await.unwrap_err().code(), Code::DeadlineExceeded);
        });
    });
}

#[test]
fn a_service_config_that_cannot_be_read_fails_calls_while_there_was_none() {
    simulate(|sim, hosts| {
        let resolver = Configured::new(hosts);
        resolver.say(Some("no config"));
        let channel = sim.host("client").channel("http://greeter:1").unwrap().resolver(resolver.clone());
        let client = GreeterClient::new(channel.connect_lazy());
        let runtime = sim.host("client").runtime();
        sim.run_until(async {
            let status = client.say_hello(hello("a")).await.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable);
            assert!(status.message().contains("the service config is not valid"), "{status}");
            let mut patient = hello("b");
            patient.set_wait_for_ready(true);
            let mending = async {
                runtime.sleep(SECOND * 5).await;
                resolver.say(Some(SPREAD));
            };
            join(client.say_hello(patient), mending).await.0.unwrap();
        });
        // A call does not wait for what is not said in time.
        let resolver = Configured::new(hosts);
        let channel = sim.host("client").channel("http://greeter:1").unwrap().resolver(resolver);
        let client = GreeterClient::new(channel.connect_lazy());
        let mut hasty = hello("c");
        hasty.set_timeout(MILLISECOND * 2);
        let begun = sim.now();
        let status = sim.run_until(client.say_hello(hasty)).unwrap_err();
        assert_eq!((status.code(), sim.now() - begun), (Code::DeadlineExceeded, MILLISECOND * 2));
    });
}
