//! Channels that heed what servers say of their health, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::join;
use unwired::channel::{Connectivity, LoadBalancing, ServiceConfig};
use unwired::{Channel, Code, Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
use unwired_services::health::{HealthReporter, ServingStatus};
use unwired_sim::{Host, JoinHandle, Link, Sim, check};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const PORT: u16 = 50051;
const SERVICE: &str = "helloworld.Greeter";

/// Says which server it is.
struct Named(String);

impl Greeter for Named {
    async fn say_hello(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(HelloReply { message: self.0.clone() }))
    }

    async fn say_hello_again(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Err(Status::aborted("not again"))
    }
}

/// A server that tells how it is, where there is somebody to say so. Dropping the sender drains it.
fn serve(host: &Host, health: Option<&HealthReporter>) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let bound = host.bind(PORT).unwrap();
    let mut server = Server::builder().add_service(GreeterServer::new(Named(host.name().to_owned())));
    if let Some(health) = health {
        server = server.add_service(health.server());
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let task = host.spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        bound.serve_with_shutdown(server, stopped).await.unwrap();
    });
    (stop, task)
}

fn channel(sim: &Sim, hosts: &[Host], balancing: LoadBalancing) -> Channel {
    let addresses: Vec<_> = hosts.iter().map(|host| format!("{}:{PORT}", host.ip())).collect();
    sim.host("client")
        .channel(format!("ipv4:{}", addresses.join(",")))
        .unwrap()
        .load_balancing(balancing)
        .service_config(ServiceConfig::new().health_check(SERVICE))
        .idle_timeout(Some(SECOND * 60))
        .connect_lazy()
}

fn hello() -> Request<HelloRequest> {
    Request::new(HelloRequest { name: "you".to_owned() })
}

/// How many of 30 calls each server answers.
async fn shares(client: &GreeterClient) -> Vec<(String, usize)> {
    let mut shares = BTreeMap::<_, usize>::new();
    for _ in 0..30 {
        let server = client.say_hello(hello()).await.unwrap().into_inner().message;
        *shares.entry(server).or_default() += 1;
    }
    shares.into_iter().collect()
}

fn of(shares: &[(&str, usize)]) -> Vec<(String, usize)> {
    shares.iter().map(|(name, many)| ((*name).to_owned(), *many)).collect()
}

fn simulate(test: impl Fn(&Sim, &[Host])) {
    check(0..20, |sim| {
        sim.set_default_link(Link::default().latency(MILLISECOND * 10));
        sim.host("client");
        let hosts: Vec<_> = ["one", "two"].iter().map(|name| sim.host(name)).collect();
        test(sim, &hosts);
    });
}

#[test]
fn a_server_that_is_not_well_gets_no_calls_until_it_is() {
    simulate(|sim, hosts| {
        let health: Vec<_> = hosts.iter().map(|_| HealthReporter::new()).collect();
        let _running: Vec<_> =
            hosts.iter().zip(&health).map(|(host, health)| serve(host, Some(health))).collect();
        let channel = channel(sim, hosts, LoadBalancing::RoundRobin);
        let client = GreeterClient::new(channel.clone());
        let runtime = sim.host("client").runtime();
        sim.run_until(async {
            // Neither knows the service yet: calls fail, and say why.
            let status = client.say_hello(hello()).await.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable);
            assert!(status.message().contains("SERVICE_UNKNOWN"), "{status}");
            // One that waits for ready waits for that.
            let mut patient = hello();
            patient.set_wait_for_ready(true);
            let gets_well = async {
                runtime.sleep(SECOND).await;
                health[0].set(SERVICE, ServingStatus::Serving);
            };
            let (answer, ()) = join(client.say_hello(patient), gets_well).await;
            assert_eq!(answer.unwrap().into_inner().message, "one");
            assert_eq!(shares(&client).await, of(&[("one", 30)]));
            health[1].set(SERVICE, ServingStatus::Serving);
            runtime.sleep(SECOND).await;
            assert_eq!(shares(&client).await, of(&[("one", 15), ("two", 15)]));
            health[0].set(SERVICE, ServingStatus::NotServing);
            runtime.sleep(SECOND).await;
            assert_eq!(shares(&client).await, of(&[("two", 30)]));
            health[1].remove(SERVICE);
            runtime.sleep(SECOND).await;
            assert_eq!(channel.connectivity(), Connectivity::TransientFailure);
            health[0].set(SERVICE, ServingStatus::Serving);
            runtime.sleep(SECOND).await;
            assert_eq!(channel.connectivity(), Connectivity::Ready);
            // The watch is no use of the channel.
            runtime.sleep(SECOND * 100).await;
            assert_eq!(channel.connectivity(), Connectivity::Idle);
            assert_eq!(sim.connections(), 0);
        });
    });
}

#[test]
fn a_server_that_does_not_tell_gets_calls() {
    simulate(|sim, hosts| {
        let _running: Vec<_> = hosts.iter().map(|host| serve(host, None)).collect();
        let client = GreeterClient::new(channel(sim, hosts, LoadBalancing::RoundRobin));
        let runtime = sim.host("client").runtime();
        sim.run_until(async {
            client.say_hello(hello()).await.unwrap();
            runtime.sleep(SECOND).await;
            assert_eq!(shares(&client).await, of(&[("one", 15), ("two", 15)]));
        });
    });
}

#[test]
fn the_only_server_gets_calls_however_it_is() {
    simulate(|sim, hosts| {
        let health = HealthReporter::new();
        health.set(SERVICE, ServingStatus::NotServing);
        let _running = serve(&hosts[0], Some(&health));
        let client = GreeterClient::new(channel(sim, &hosts[..1], LoadBalancing::PickFirst));
        sim.run_until(client.say_hello(hello())).unwrap();
    });
}

#[test]
fn a_server_that_drains_says_so_and_is_not_held_up_by_who_watches_it() {
    simulate(|sim, hosts| {
        let health: Vec<_> = hosts.iter().map(|_| HealthReporter::new()).collect();
        for health in &health {
            health.set(SERVICE, ServingStatus::Serving);
        }
        let (stop, stopped) = serve(&hosts[0], Some(&health[0]));
        let _second = serve(&hosts[1], Some(&health[1]));
        let client = GreeterClient::new(channel(sim, hosts, LoadBalancing::RoundRobin));
        let runtime = sim.host("client").runtime();
        sim.run_until(async {
            client.say_hello(hello()).await.unwrap();
            runtime.sleep(SECOND).await;
            assert_eq!(shares(&client).await, of(&[("one", 15), ("two", 15)]));
            let begun = sim.now();
            drop(stop);
            let calls = async {
                // Not one fails meanwhile.
                shares(&client).await
            };
            let (ended, _) = join(stopped, calls).await;
            ended.unwrap();
            assert!(sim.now() - begun < SECOND * 5, "{:?}", sim.now() - begun);
            assert_eq!(shares(&client).await, of(&[("two", 30)]));
        });
    });
}
