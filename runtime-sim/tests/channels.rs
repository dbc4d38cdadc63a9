//! Channels to several servers that come and go, in virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{join, join_all};
use unwired::channel::{Builder, Connectivity, LoadBalancing};
use unwired::{Code, Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
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

    async fn say_hello_again(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Err(Status::aborted("not again"))
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

/// Servers crash, lose power and come back while calls are made: each call ends, in time and for a reason that there is, none is
/// carried out twice, and in the end calls succeed again.
fn storm(sim: &Sim) {
    let mut random = sim.random();
    sim.set_default_link(
        Link::default().latency(random.up_to(MILLISECOND * 50)).jitter(random.up_to(MILLISECOND * 20)),
    );
    sim.host("client");
    let hosts: Vec<_> = (0..1 + random.below(3)).map(|n| sim.host(&format!("server{n}"))).collect();
    let greeted = Greeted::default();
    let streams = 1 + random.below(10) as u32;
    for host in &hosts {
        drop(serve(host, &greeted, streams));
    }
    let balancing = [LoadBalancing::PickFirst, LoadBalancing::RoundRobin, LoadBalancing::Weighted]
        [random.below(3)]
    .clone();
    let channel = channel(sim, &hosts)
        .load_balancing(balancing)
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
            let host = &hosts[random.below(hosts.len())];
            let pause = random.up_to(SECOND * 20);
            match random.below(4) {
                0 => {
                    sim.crash(host.name());
                    watch.sleep(pause).await;
                    drop(serve(host, &greeted, streams));
                }
                1 => {
                    sim.cut_power(host.name());
                    watch.sleep(pause).await;
                    sim.restart(host.name());
                    drop(serve(host, &greeted, streams));
                }
                2 => {
                    sim.partition("client", host.name());
                    watch.sleep(pause).await;
                    sim.heal("client", host.name());
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
    assert!(greeted.values().all(|times| *times == 1), "carried out twice: {greeted:?}");
}

async fn call_on(host: Host, client: GreeterClient, caller: usize, mut random: Random) {
    let runtime = host.runtime();
    for number in 0..10 {
        runtime.sleep(random.up_to(SECOND * 2)).await;
        let mut request = hello(&format!("{caller}-{number}:{}", random.below(1000)));
        let timeout = random.chance(0.5).then(|| random.up_to(SECOND * 30));
        if let Some(timeout) = timeout {
            request.set_timeout(timeout);
        }
        request.set_wait_for_ready(random.chance(0.5));
        let begun = runtime.now();
        let Ok(answer) = runtime.timeout(SECOND * 300, client.say_hello(request)).await else {
            panic!("a call hangs");
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
    check(seeds(500), storm);
}
