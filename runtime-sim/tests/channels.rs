//! Channels to several servers that come and go, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{join, join_all};
use unwired::channel::{
    Balance, Builder, Connectivity, Endpoint, HedgingPolicy, LoadBalancing, MethodConfig, Resolution,
    Resolve, RetryPolicy, ServiceConfig,
};
use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired::{Code, Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
use unwired_services::health::{HealthReporter, ServingStatus};
use unwired_services::pb::grpc::health::v1::health_server::HealthServer;
use unwired_sim::{Host, JoinHandle, Link, Random, Sim, check, seeds};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const PORT: u16 = 50051;

/// How often each name was greeted, by whichever server.
type Greeted = Arc<Mutex<BTreeMap<String, usize>>>;

/// Says which server it is; takes as long as the name says, in milliseconds behind a colon.
struct Named {
    name: String,
    greeted: Greeted,
}

impl Greeter for Named {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let runtime = request.runtime().expect("a call").clone();
        let name = request.into_inner().name;
        *self.greeted.lock().unwrap().entry(name.clone()).or_default() += 1;
        let millis = name.split(':').nth(1).and_then(|millis| millis.parse().ok()).unwrap_or(0);
        runtime.sleep(MILLISECOND * millis).await;
        Ok(Response::new(HelloReply { message: self.name.clone() }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

fn hello(name: &str) -> Request<HelloRequest> {
    Request::new(HelloRequest { name: name.to_owned() })
}

/// A host with a server that takes `streams` calls at a time on each connection.
fn serve(host: &Host, greeted: &Greeted, streams: u32) -> JoinHandle<std::io::Result<()>> {
    let service = Named { name: host.name().to_owned(), greeted: Arc::clone(greeted) };
    let server = Server::builder()
        .add_service(GreeterServer::new(service))
        .max_concurrent_streams(streams)
        .configure(|config| config.http2.ping_policy = None);
    host.serve(PORT, server).unwrap()
}

/// A channel to all of `hosts`.
fn channel(sim: &Sim, hosts: &[Host]) -> Builder {
    let addresses: Vec<_> = hosts.iter().map(|host| format!("{}:{PORT}", host.ip())).collect();
    sim.host("client").channel(format!("ipv4:{}", addresses.join(","))).unwrap()
}

/// Some seeds of a simulation with a client and three servers, 10 ms apart.
fn simulate(test: impl Fn(&Sim, &[Host], &Greeted)) {
    check(0..20, |sim| {
        sim.set_default_link(Link::default().latency(MILLISECOND * 10));
        sim.host("client");
        let hosts: Vec<_> = ["one", "two", "three"].iter().map(|name| sim.host(name)).collect();
        test(sim, &hosts, &Greeted::default());
    });
}

#[test]
fn a_failing_call_says_what_was_tried_and_one_that_waits_for_ready_waits() {
    simulate(|sim, hosts, greeted| {
        let client = GreeterClient::new(channel(sim, &hosts[..1]).connect_lazy());
        let runtime = sim.host("client").runtime();
        sim.run_until(async {
            let status = client.say_hello(hello("a")).await.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable);
            let address = format!("{}:{PORT}", hosts[0].ip());
            assert!(status.message().contains(&address), "{status}");
            assert!(status.message().contains("refused"), "{status}");

            let mut request = hello("b");
            request.set_wait_for_ready(true);
            let begun = sim.now();
            let started = async {
                runtime.sleep(SECOND * 10).await;
                drop(serve(&hosts[0], greeted, 100));
            };
            let (answer, ()) = join(client.say_hello(request), started).await;
            assert_eq!(answer.unwrap().into_inner().message, "one");
            assert!(sim.now() - begun < SECOND * 30, "{:?}", sim.now() - begun);

            // A deadline ends that wait too.
            sim.crash("one");
            runtime.sleep(SECOND).await;
            let mut request = hello("c");
            request.set_wait_for_ready(true);
            request.set_timeout(SECOND * 3);
            let begun = sim.now();
            assert_eq!(client.say_hello(request).await.unwrap_err().code(), Code::DeadlineExceeded);
            assert_eq!(sim.now() - begun, SECOND * 3);
        });
    });
}

#[test]
fn a_server_that_says_nothing_costs_a_quarter_of_a_second() {
    simulate(|sim, hosts, greeted| {
        drop(serve(&hosts[1], greeted, 100));
        sim.cut_power("one");
        let client = GreeterClient::new(channel(sim, hosts).connect_lazy());
        sim.run_until(async {
            let begun = sim.now();
            let answer = client.say_hello(hello("a")).await.unwrap().into_inner();
            let took = sim.now() - begun;
            assert_eq!(answer.message, "two");
            assert!((MILLISECOND * 250..MILLISECOND * 400).contains(&took), "{took:?}");
        });
    });
}

#[test]
fn the_states_of_a_channel_can_be_watched() {
    simulate(|sim, hosts, greeted| {
        drop(serve(&hosts[0], greeted, 100));
        let channel = channel(sim, &hosts[..1]).idle_timeout(Some(SECOND * 60)).connect_lazy();
        let watched = channel.clone();
        let watcher = sim.host("client").spawn(async move {
            let mut seen = vec![watched.connectivity()];
            while seen.last() != Some(&Connectivity::Shutdown) {
                let last = *seen.last().unwrap();
                seen.push(watched.connectivity_changed(last).await);
            }
            seen
        });
        let client = GreeterClient::new(channel.clone());
        let runtime = sim.host("client").runtime();
        let seen = sim.run_until(async {
            runtime.sleep(SECOND).await;
            channel.connect();
            channel.ready().await.unwrap();
            // A long call is no idle time.
            client.say_hello(hello("a:100000")).await.unwrap();
            assert_eq!(channel.connectivity(), Connectivity::Ready);
            runtime.sleep(SECOND * 59).await;
            assert_eq!(channel.connectivity(), Connectivity::Ready);
            runtime.sleep(SECOND * 2).await;
            assert_eq!(channel.connectivity(), Connectivity::Idle);
            sim.crash("one");
            client.say_hello(hello("b")).await.unwrap_err();
            runtime.sleep(SECOND / 10).await;
            channel.close();
            let status = client.say_hello(hello("c")).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::Unavailable, "the channel was closed"));
            watcher.await.unwrap()
        });
        use Connectivity::{Connecting, Idle, Ready, Shutdown, TransientFailure};
        assert_eq!(seen, [Idle, Connecting, Ready, Idle, Connecting, TransientFailure, Shutdown]);
    });
}

#[test]
fn round_robin_calls_each_server_and_passes_over_who_is_gone() {
    simulate(|sim, hosts, greeted| {
        for host in hosts {
            drop(serve(host, greeted, 100));
        }
        let channel = channel(sim, hosts).load_balancing(LoadBalancing::RoundRobin).connect_lazy();
        let client = GreeterClient::new(channel);
        let runtime = sim.host("client").runtime();
        let calls = async |many: usize| {
            let mut by_server = BTreeMap::<_, usize>::new();
            for _ in 0..many {
                let server = client.say_hello(hello("a")).await.unwrap().into_inner().message;
                *by_server.entry(server).or_default() += 1;
            }
            by_server.into_iter().collect::<Vec<_>>()
        };
        let of = |parts: &[(&str, usize)]| {
            parts.iter().map(|(name, many)| ((*name).to_owned(), *many)).collect::<Vec<_>>()
        };
        sim.run_until(async {
            calls(1).await;
            runtime.sleep(SECOND).await;
            assert_eq!(calls(30).await, of(&[("one", 10), ("three", 10), ("two", 10)]));
            sim.crash("two");
            runtime.sleep(SECOND).await;
            assert_eq!(calls(30).await, of(&[("one", 15), ("three", 15)]));
            drop(serve(&hosts[1], greeted, 100));
            runtime.sleep(SECOND * 10).await;
            assert_eq!(calls(30).await, of(&[("one", 10), ("three", 10), ("two", 10)]));
        });
    });
}

#[test]
fn calls_over_the_servers_limit_wait_or_get_another_connection() {
    simulate(|sim, hosts, greeted| {
        drop(serve(&hosts[0], greeted, 2));
        for (connections, rounds) in [(1, 5), (2, 3), (5, 1), (100, 1)] {
            let channel = channel(sim, &hosts[..1]).max_connections(connections);
            let client = GreeterClient::new(channel.connect_lazy());
            sim.run_until(async {
                let begun = sim.now();
                let calls = (0..10).map(|_| client.say_hello(hello("a:1000")));
                for answer in join_all(calls).await {
                    answer.unwrap();
                }
                let took = sim.now() - begun;
                assert!(
                    (SECOND * rounds..SECOND * rounds + SECOND * 9 / 10).contains(&took),
                    "{connections} connections, {took:?}"
                );
            });
            drop(client);
            sim.run_until_idle();
            assert_eq!(sim.connections(), 0);
        }
    });
}

/// Where servers are, as somebody says who may change it, or say nothing.
#[derive(Clone, Default)]
struct Registry(Arc<Mutex<Option<Vec<Endpoint>>>>);

impl Registry {
    fn of<E: Into<Endpoint>>(endpoints: impl IntoIterator<Item = E>) -> Self {
        let registry = Self::default();
        registry.set(endpoints);
        registry
    }

    fn set<E: Into<Endpoint>>(&self, endpoints: impl IntoIterator<Item = E>) {
        *self.0.lock().unwrap() = Some(endpoints.into_iter().map(Into::into).collect());
    }
}

impl Resolve for Registry {
    fn resolve<'a>(&'a self, runtime: &'a RuntimeHandle) -> BoxFuture<'a, std::io::Result<Resolution>> {
        Box::pin(async move {
            runtime.sleep(MILLISECOND * 5).await;
            match self.0.lock().unwrap().clone() {
                Some(endpoints) => Ok(Resolution::new(endpoints).valid_for(SECOND * 10)),
                None => Err(std::io::Error::other("the registry says nothing")),
            }
        })
    }
}

fn address(host: &Host) -> SocketAddr {
    (host.ip(), PORT).into()
}

#[test]
fn a_resolver_of_ones_own_says_where_servers_are() {
    simulate(|sim, hosts, greeted| {
        for host in hosts {
            drop(serve(host, greeted, 100));
        }
        let registry = Registry::of([address(&hosts[0])]);
        let channel = sim.host("client").channel("http://greeter:1").unwrap().resolver(registry.clone());
        let client = GreeterClient::new(channel.load_balancing(LoadBalancing::RoundRobin).connect_lazy());
        let runtime = sim.host("client").runtime();
        let servers = async || {
            let mut servers = BTreeSet::new();
            for _ in 0..10 {
                servers.insert(client.say_hello(hello("a")).await.unwrap().into_inner().message);
            }
            servers.into_iter().collect::<Vec<_>>()
        };
        sim.run_until(async {
            assert_eq!(servers().await, ["one"]);
            // What it said is good for ten seconds.
            registry.set([address(&hosts[1]), address(&hosts[2])]);
            assert_eq!(servers().await, ["one"]);
            runtime.sleep(SECOND * 11).await;
            assert_eq!(servers().await, ["three", "two"]);
            // What was known holds while it says nothing.
            *registry.0.lock().unwrap() = None;
            runtime.sleep(SECOND * 60).await;
            assert_eq!(servers().await, ["three", "two"]);
        });
    });
}

#[test]
fn a_name_with_several_addresses_is_several_servers() {
    simulate(|sim, hosts, greeted| {
        for host in hosts {
            drop(serve(host, greeted, 100));
        }
        // Round-robin DNS: each answer has all of them, in another order.
        let registry = Registry::of(hosts.iter().map(address));
        let channel = |balancing| {
            let channel = sim.host("client").channel("http://greeter:1").unwrap().resolver(registry.clone());
            GreeterClient::new(channel.load_balancing(balancing).connect_lazy())
        };
        let runtime = sim.host("client").runtime();
        sim.run_until(async {
            // Channels of the default kind are spread, each with all its calls.
            let mut servers = BTreeSet::new();
            for turn in 0..hosts.len() {
                let mut order: Vec<_> = hosts.iter().map(address).collect();
                order.rotate_left(turn);
                registry.set(order);
                let client = channel(LoadBalancing::PickFirst);
                let first = client.say_hello(hello("a")).await.unwrap().into_inner().message;
                let second = client.say_hello(hello("b")).await.unwrap().into_inner().message;
                assert_eq!(first, second);
                servers.insert(first);
            }
            assert_eq!(servers.len(), hosts.len());
            // One that balances calls all.
            let client = channel(LoadBalancing::RoundRobin);
            client.say_hello(hello("c")).await.unwrap();
            runtime.sleep(SECOND).await;
            let mut servers = BTreeSet::new();
            for _ in hosts {
                servers.insert(client.say_hello(hello("d")).await.unwrap().into_inner().message);
            }
            assert_eq!(servers.len(), hosts.len());
            // One that is gone is passed over at once.
            sim.crash("two");
            runtime.sleep(SECOND).await;
            for _ in 0..10 {
                client.say_hello(hello("e")).await.unwrap();
            }
        });
    });
}

/// Sends each call to the server with the greatest port and address, and each tenth one elsewhere.
#[derive(Default)]
struct Favourite(usize);

impl Balance for Favourite {
    fn choose(&mut self, ready: &[Endpoint]) -> usize {
        self.0 += 1;
        let favourite = (0..ready.len()).max_by_key(|&place| ready[place].address.to_string()).unwrap();
        // A place that is none is taken modulo their number.
        if self.0.is_multiple_of(10) { favourite + 1 } else { favourite }
    }
}

#[test]
fn a_balance_of_ones_own_chooses_the_server() {
    simulate(|sim, hosts, greeted| {
        for host in hosts {
            drop(serve(host, greeted, 100));
        }
        let balancing = LoadBalancing::Custom(Arc::new(|| Box::new(Favourite::default())));
        let client = GreeterClient::new(channel(sim, hosts).load_balancing(balancing).connect_lazy());
        let runtime = sim.host("client").runtime();
        sim.run_until(async {
            client.say_hello(hello("a")).await.unwrap();
            runtime.sleep(SECOND).await;
            let mut by_server = BTreeMap::<_, usize>::new();
            for _ in 0..100 {
                let server = client.say_hello(hello("b")).await.unwrap().into_inner().message;
                *by_server.entry(server).or_default() += 1;
            }
            let mut shares: Vec<_> = by_server.into_values().collect();
            shares.sort_unstable();
            assert_eq!(shares, [10, 90]);
        });
    });
}

#[test]
fn a_channel_that_hears_too_many_pings_asks_half_as_often() {
    simulate(|sim, hosts, greeted| {
        let service = Named { name: "one".to_owned(), greeted: Arc::clone(greeted) };
        // With the policy of gRPC for PINGs: two strikes.
        let server = Server::builder().add_service(GreeterServer::new(service)).build();
        drop(hosts[0].serve(PORT, server.clone()).unwrap());
        let channel = channel(sim, &hosts[..1]).keepalive(SECOND * 10, SECOND * 5).keepalive_while_idle();
        let channel = channel.connect_lazy();
        let runtime = sim.host("client").runtime();
        sim.run_until(async {
            let mut begun = Vec::new();
            while begun.len() < 5 {
                channel.connect();
                runtime.sleep(MILLISECOND * 100).await;
                if server.stats().connections > begun.len() as u64 {
                    begun.push(sim.now());
                }
            }
            // Each connection lives until its third PING or so, and they are twice as far apart as those before.
            let lives: Vec<_> = begun.windows(2).map(|two| (two[1] - two[0]).as_secs_f64()).collect();
            assert!((25.0..45.0).contains(&lives[0]), "{lives:?}");
            for two in lives.windows(2) {
                assert!((1.8..2.2).contains(&(two[1] / two[0])), "{lives:?}");
            }
        });
        assert_eq!(server.stats().calls.http2.kills.total(), 4);
    });
}

/// Says who calls.
struct Mirror;

impl Greeter for Mirror {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = request.metadata().get("user-agent").unwrap_or_default().to_owned();
        Ok(Response::new(HelloReply { message }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

#[test]
fn clients_say_what_they_are() {
    simulate(|sim, hosts, _| {
        drop(hosts[0].serve(PORT, Server::builder().add_service(GreeterServer::new(Mirror))).unwrap());
        let agent = |channel: Builder| {
            let client = GreeterClient::new(channel.connect_lazy());
            sim.run_until(client.say_hello(hello("a"))).unwrap().into_inner().message
        };
        // As gRPC's HTTP/2 document has it: `grpc-` language `-` variant `/` version.
        let ours = format!("grpc-rust-unwired/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(agent(channel(sim, &hosts[..1])), ours);
        assert_eq!(agent(channel(sim, &hosts[..1]).user_agent("shop/2")), format!("shop/2 {ours}"));
    });
}

/// How often a call may be carried out that is sent again.
const MOST_ATTEMPTS: u32 = 3;

/// Servers crash, lose power, are unwell and come back, and are listed or not, while calls are made: each call ends, in time
/// and for a reason that there is, none is carried out more often than it may be, and in the end calls succeed again.
fn storm(sim: &Sim) {
    let mut random = sim.random();
    sim.set_default_link(
        Link::default().latency(random.up_to(MILLISECOND * 50)).jitter(random.up_to(MILLISECOND * 20)),
    );
    sim.host("client");
    let hosts: Vec<_> = (0..1 + random.below(3)).map(|n| sim.host(&format!("server{n}"))).collect();
    let greeted = Greeted::default();
    let asks_for_health = random.chance(0.5);
    // A watch is one of the calls.
    let streams = 1 + random.below(10) as u32 + u32::from(asks_for_health);
    let health: Vec<_> = hosts.iter().map(|_| HealthReporter::new()).collect();
    let serve = |number: usize| {
        let host = &hosts[number];
        let service = Named { name: host.name().to_owned(), greeted: Arc::clone(&greeted) };
        let server = Server::builder()
            .add_service(GreeterServer::new(service))
            // The reporter is for all servers that there are on the host, one after the other.
            .add_service(HealthServer::new(health[number].service()))
            .max_concurrent_streams(streams)
            .configure(|config| config.http2.ping_policy = None);
        drop(host.serve(PORT, server).unwrap());
    };
    for host in 0..hosts.len() {
        serve(host);
    }
    let everywhere = || hosts.iter().map(address);
    let registry = Registry::of(everywhere());
    let again = match random.below(3) {
        0 => MethodConfig::new(),
        1 => MethodConfig::new().retry(RetryPolicy::new(MOST_ATTEMPTS, [Code::Unavailable])),
        _ => {
            let delay = random.up_to(SECOND * 2);
            MethodConfig::new().hedge(HedgingPolicy::new(MOST_ATTEMPTS, delay, [Code::Unavailable]))
        }
    };
    let mut config = ServiceConfig::new().method("helloworld.Greeter", "SayHelloAgain", again);
    if asks_for_health {
        config = config.health_check("");
    }
    let balancing = [LoadBalancing::PickFirst, LoadBalancing::RoundRobin, LoadBalancing::Weighted]
        [random.below(3)]
    .clone();
    if std::env::var_os("UNWIRED_SIM_SEED").is_some() {
        eprintln!("{} servers, {balancing:?}, {config:#?}", hosts.len());
    }
    let channel = match random.chance(0.5) {
        true => channel(sim, &hosts),
        false => sim.host("client").channel("http://greeter:1").unwrap().resolver(registry.clone()),
    };
    let channel = channel
        .load_balancing(balancing)
        .service_config(config)
        .max_connections(1 + random.below(3))
        .keepalive(SECOND * 10, SECOND * 5)
        .keepalive_while_idle()
        .connect_lazy();
    let client = GreeterClient::new(channel);
    let callers: Vec<_> = (0..1 + random.below(4))
        .map(|caller| call_on(sim.host("client"), client.clone(), caller, Random::new(random.next_u64())))
        .map(|caller| sim.host("client").spawn(caller))
        .collect();
    let watch = sim.host("watch").runtime();
    let weather = async {
        for _ in 0..random.below(6) {
            watch.sleep(random.up_to(SECOND * 5)).await;
            let number = random.below(hosts.len());
            let host = &hosts[number];
            let pause = random.up_to(SECOND * 20);
            match random.below(7) {
                0 => {
                    sim.crash(host.name());
                    watch.sleep(pause).await;
                    serve(number);
                }
                1 => {
                    sim.cut_power(host.name());
                    watch.sleep(pause).await;
                    sim.restart(host.name());
                    serve(number);
                }
                2 => {
                    sim.partition("client", host.name());
                    watch.sleep(pause).await;
                    sim.heal("client", host.name());
                }
                3 => {
                    health[number].set("", ServingStatus::NotServing);
                    watch.sleep(pause).await;
                    health[number].set("", ServingStatus::Serving);
                }
                4 => {
                    let listed = everywhere().filter(|_| random.chance(0.5)).collect::<Vec<_>>();
                    registry.set(
                        listed
                            .into_iter()
                            .map(|address| Endpoint::from(address).weight(random.below(4) as u32)),
                    );
                    watch.sleep(pause).await;
                    registry.set(everywhere());
                }
                5 => {
                    *registry.0.lock().unwrap() = None;
                    watch.sleep(pause).await;
                    registry.set(everywhere());
                }
                _ => sim.reset_connections("client", host.name()),
            }
        }
    };
    let (ended, ()) = sim.run_until(join(join_all(callers), weather));
    assert!(ended.iter().all(Result::is_ok), "a caller did not come to its end");
    // A connection that is gone without a word is found out by a PING.
    sim.run_for(SECOND * 60);
    let mut last = hello("last");
    last.set_wait_for_ready(true);
    last.set_timeout(SECOND * 200);
    sim.run_until(client.say_hello(last)).unwrap();
    let greeted = greeted.lock().unwrap();
    for (name, times) in &*greeted {
        let most = if name.starts_with("again") { MOST_ATTEMPTS as usize } else { 1 };
        assert!(*times <= most, "{name} was carried out {times} times");
    }
}

async fn call_on(host: Host, client: GreeterClient, caller: usize, mut random: Random) {
    let runtime = host.runtime();
    for number in 0..10 {
        runtime.sleep(random.up_to(SECOND * 2)).await;
        let is_sent_again = random.chance(0.5);
        let kind = if is_sent_again { "again" } else { "once" };
        let name = format!("{kind}-{caller}-{number}:{}", random.below(1000));
        let mut request = hello(&name);
        let timeout = random.chance(0.5).then(|| random.up_to(SECOND * 30));
        if let Some(timeout) = timeout {
            request.set_timeout(timeout);
        }
        request.set_wait_for_ready(random.chance(0.5));
        let begun = runtime.now();
        let call = async {
            if is_sent_again {
                client.say_hello_again(request).await
            } else {
                client.say_hello(request).await
            }
        };
        let Ok(answer) = runtime.timeout(SECOND * 300, call).await else {
            panic!("the call {name} hangs since {begun:?}")
        };
        let took = runtime.now() - begun;
        assert!(
            timeout.is_none_or(|timeout| took <= timeout + MILLISECOND),
            "a deadline was not kept: {took:?}"
        );
        if let Err(status) = answer {
            let is_late =
                status.code() == Code::DeadlineExceeded && timeout.is_some_and(|timeout| took >= timeout);
            assert!(is_late || status.code() == Code::Unavailable, "nothing explains {status}");
        }
    }
}

#[test]
fn every_call_ends_and_none_is_carried_out_twice() {
    check(seeds(1000), storm);
}
