//! Services of the ordinary kind between hosts, in virtual time.

use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::stream;
use unwired::channel::Builder;
use unwired::server::Abuse;
use unwired::transport::Address;
use unwired::{Channel, Code, Instant, Request, Response, Server, Status};
use unwired_examples::greeter::PoliteGreeter;
use unwired_examples::route_guide::{Database, Guide};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
use unwired_proto::routeguide::route_guide_client::RouteGuideClient;
use unwired_proto::routeguide::route_guide_server::RouteGuideServer;
use unwired_proto::routeguide::{Point, Rectangle, RouteNote};
use unwired_sim::{Host, JoinHandle, Link, Sim, check};

const SECOND: Duration = Duration::from_secs(1);
const LATENCY: Duration = Duration::from_millis(30);

/// Greets after as many seconds as the name says, at once for one that is no number.
struct SlowGreeter;

impl Greeter for SlowGreeter {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let runtime = request.runtime().expect("a call").clone();
        let name = request.into_inner().name;
        runtime.sleep(SECOND * name.parse().unwrap_or(0)).await;
        Ok(Response::new(HelloReply { message: name }))
    }

    async fn say_hello_again(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        std::future::pending().await
    }
}

fn hello(name: &str) -> Request<HelloRequest> {
    Request::new(HelloRequest { name: name.to_owned() })
}

fn hello_within(name: &str, timeout: Duration) -> Request<HelloRequest> {
    let mut request = hello(name);
    request.set_timeout(timeout);
    request
}

/// A server, and its end.
fn serve(sim: &Sim) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let host = sim.host("server");
    let bound = host.bind(50051).unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = Server::builder().add_service(GreeterServer::new(SlowGreeter)).drain_timeout(SECOND * 10);
    let task = host.spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        bound.serve_with_shutdown(server, stopped).await.unwrap();
    });
    (stop, task)
}

fn channel(sim: &Sim) -> Builder {
    sim.host("client").channel("http://server:50051").unwrap()
}

/// Some seeds of a simulation with a client and a server, 30 ms apart.
fn simulate(test: impl Fn(&Sim)) {
    check(0..20, |sim| {
        sim.set_default_link(Link::default().latency(LATENCY).jitter(Duration::from_millis(5)));
        sim.host("client");
        sim.host("server");
        test(sim);
    });
}

/// Whether something took as long as it should, on a network that takes its own time.
fn is_about(took: Duration, expected: Duration) -> bool {
    (expected..expected + SECOND / 2).contains(&took)
}

#[test]
fn all_four_kinds_of_call_between_two_hosts() {
    simulate(|sim| {
        let guide = Guide::new(Database::embedded());
        let server = Server::builder()
            .add_service(RouteGuideServer::new(guide))
            .add_service(GreeterServer::new(PoliteGreeter));
        drop(sim.host("server").serve(50051, server).unwrap());
        let greeter = GreeterClient::new(channel(sim).connect_lazy());
        let guide = RouteGuideClient::new(channel(sim).connect_lazy());
        let place = |latitude, longitude| Point { latitude, longitude };
        sim.run_until(async {
            let greeting = greeter.say_hello(hello("you")).await.unwrap().into_inner();
            assert_eq!(greeting.message, "Hello, you!");

            let berkshire = place(409_146_138, -746_188_906);
            let feature = guide.get_feature(berkshire).await.unwrap().into_inner();
            assert_eq!(feature.location, Some(berkshire));

            let everywhere = Rectangle {
                lo: Some(place(400_000_000, -750_000_000)),
                hi: Some(place(420_000_000, -730_000_000)),
            };
            let mut features = guide.list_features(everywhere).await.unwrap().into_inner();
            let mut found = Vec::new();
            while let Some(feature) = features.message().await.unwrap() {
                found.push(feature);
            }
            assert!(found.len() > 10 && found.contains(&feature), "{} places", found.len());

            let way: Vec<_> = found.iter().filter_map(|feature| feature.location).take(10).collect();
            let summary = guide.record_route(stream::iter(way)).await.unwrap().into_inner();
            assert_eq!((summary.point_count, summary.feature_count), (10, 10));

            let note = |message: &str| RouteNote { location: Some(berkshire), message: message.to_owned() };
            let (mut notes, mut earlier) = guide.route_chat_halves(Request::new(())).await.unwrap();
            notes.send(note("one")).await.unwrap();
            notes.send(note("two")).await.unwrap();
            assert_eq!(earlier.message().await.unwrap().unwrap().message, "one");
            notes.close();
            assert!(earlier.message().await.unwrap().is_none());
        });
        drop((greeter, guide));
        sim.run_until_idle();
        assert_eq!(sim.connections(), 0);
    });
}

#[test]
fn a_deadline_is_kept_to_the_nanosecond() {
    simulate(|sim| {
        let _server = serve(sim);
        let client = GreeterClient::new(channel(sim).connect_lazy());
        sim.run_until(async {
            // Also over connecting, and while nothing comes through.
            for timeout in [SECOND, SECOND * 3600, LATENCY] {
                let begun = sim.now();
                let status = client.say_hello_again(hello_within("", timeout)).await.unwrap_err();
                assert_eq!((status.code(), sim.now() - begun), (Code::DeadlineExceeded, timeout));
            }
            client.say_hello(hello_within("5", SECOND * 6)).await.unwrap();
            sim.partition("client", "server");
            let begun = sim.now();
            let status = client.say_hello(hello_within("", SECOND * 7)).await.unwrap_err();
            assert_eq!((status.code(), sim.now() - begun), (Code::DeadlineExceeded, SECOND * 7));
        });
    });
}

#[test]
fn a_drain_lets_calls_end_and_stops_in_time() {
    simulate(|sim| {
        let (stop, server) = serve(sim);
        let client = GreeterClient::new(channel(sim).connect_lazy());
        let [ends, hangs] = ["8", "12"].map(|name| {
            let client = client.clone();
            sim.host("client").spawn(async move { client.say_hello(hello(name)).await })
        });
        sim.run_for(SECOND);
        let begun = sim.now();
        drop(stop);
        sim.run_until(server).unwrap();
        assert!(is_about(sim.now() - begun, SECOND * 10), "{:?}", sim.now() - begun);
        sim.run_until(async {
            assert_eq!(ends.await.unwrap().unwrap().into_inner().message, "8");
            assert_eq!(hangs.await.unwrap().unwrap_err().code(), Code::Unavailable);
            // Who comes now finds nobody, and finds that out soon.
            let begun = sim.now();
            assert_eq!(client.say_hello(hello("")).await.unwrap_err().code(), Code::Unavailable);
            assert!(is_about(sim.now() - begun, Duration::ZERO));
        });
    });
}

#[test]
fn a_channel_comes_back_with_a_server_that_crashed() {
    simulate(|sim| {
        let _server = serve(sim);
        let client = GreeterClient::new(channel(sim).connect_lazy());
        sim.run_until(async {
            client.say_hello(hello("")).await.unwrap();
            let runtime = sim.host("client").runtime();
            let call = runtime.timeout(SECOND * 60, client.say_hello(hello("30")));
            let crash = async {
                runtime.sleep(SECOND * 10).await;
                sim.crash("server");
            };
            let (lost, ()) = futures_util::future::join(call, crash).await;
            assert_eq!(lost.expect("it is told").unwrap_err().code(), Code::Unavailable);
            assert!(is_about(sim.now() - Instant::ZERO, SECOND * 10), "{:?}", sim.now());

            // gRPC, `connection-backoff.md`: tries are a second apart, then more.
            runtime.sleep(SECOND * 20).await;
            assert_eq!(client.say_hello(hello("")).await.unwrap_err().code(), Code::Unavailable);
            let _server = serve(sim);
            runtime.sleep(SECOND * 2).await;
            client.say_hello(hello("")).await.unwrap();
        });
    });
}

#[test]
fn keepalive_finds_out_what_is_gone() {
    type Fault = fn(&Sim);
    let faults: [Fault; 3] = [
        |sim| sim.partition("client", "server"),
        |sim| sim.half_open("server", "client"),
        |sim| sim.cut_power("server"),
    ];
    for fault in faults {
        simulate(|sim| {
            let _server = serve(sim);
            let client = GreeterClient::new(channel(sim).keepalive(SECOND * 30, SECOND * 5).connect_lazy());
            sim.run_until(async {
                client.say_hello(hello("")).await.unwrap();
                let call = client.say_hello_again(hello(""));
                let fault = async {
                    sim.host("watch").runtime().sleep(SECOND * 10).await;
                    fault(sim);
                };
                let (lost, ()) = futures_util::future::join(call, fault).await;
                assert_eq!(lost.unwrap_err().code(), Code::Unavailable);
                let took = sim.now() - Instant::ZERO;
                assert!((SECOND * 35..SECOND * 46).contains(&took), "{took:?}");
            });
        });
    }
}

#[test]
fn without_keepalive_the_system_finds_it_out() {
    simulate(|sim| {
        let _server = serve(sim);
        let client = GreeterClient::new(channel(sim).connect_lazy());
        sim.run_until(async {
            client.say_hello(hello("")).await.unwrap();
            sim.cut_power("server");
            let begun = sim.now();
            let status = client.say_hello(hello("")).await.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable);
            assert!(is_about(sim.now() - begun, SECOND * 924));
        });
    });
}

#[test]
fn a_partition_that_ends_in_time_costs_time_alone() {
    simulate(|sim| {
        let _server = serve(sim);
        let client = GreeterClient::new(channel(sim).connect_lazy());
        sim.run_until(async {
            client.say_hello(hello("")).await.unwrap();
            sim.partition("client", "server");
            let heal = async {
                sim.host("watch").runtime().sleep(SECOND * 60).await;
                sim.heal("client", "server");
            };
            let begun = sim.now();
            let (answer, ()) = futures_util::future::join(client.say_hello(hello("3")), heal).await;
            assert_eq!(answer.unwrap().into_inner().message, "3");
            assert!(is_about(sim.now() - begun, SECOND * 63));
        });
    });
}

/// Calls now and then, for ever.
async fn live(host: Host, channel: Channel, number: u64) -> usize {
    let runtime = host.runtime();
    let client = GreeterClient::new(channel);
    let mut calls = 0;
    loop {
        runtime.sleep(Duration::from_millis(20_000 + number * 137)).await;
        if runtime.now() > Instant::ZERO + SECOND * 3600 {
            return calls;
        }
        let name = number.to_string();
        let greeting = client.say_hello(hello_within(&name, SECOND * 120)).await.unwrap();
        assert_eq!(greeting.into_inner().message, name);
        calls += 1;
    }
}

#[test]
fn a_server_tells_of_a_client_that_reads_nothing() {
    let sim = Sim::new(1);
    // A buffer that the server's first frames fill.
    sim.set_default_link(Link::default().latency(LATENCY).buffer(20));
    let (client, server) = (sim.host("client"), sim.host("server"));
    let told = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&told);
    let serving: Server = Server::builder()
        .on_connection_error(move |error| lines.lock().unwrap().push(error.to_string()))
        .into();
    let stats = serving.clone();
    let bound = server.bind(50051).unwrap();
    drop(server.spawn(async move { bound.serve(serving).await }));
    sim.run_until(async {
        let runtime = client.runtime();
        let mut stream = runtime.connect(Address::Tcp((server.ip(), 50051).into())).await.unwrap();
        // The preface, SETTINGS without a setting, and the acknowledgement of what it does not read.
        let mut left: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
        while !left.is_empty() {
            let written = poll_fn(|cx| stream.poll_write_vectored(cx, &[IoSlice::new(left)])).await.unwrap();
            left = &left[written..];
        }
        runtime.sleep(65 * SECOND).await;
        drop(stream);
    });
    assert_eq!(stats.stats().calls.http2.kills.get(Abuse::WriteStall), 1);
    let told = told.lock().unwrap();
    assert!(told.len() == 1 && told[0].ends_with(": the peer took no bytes for too long"), "{told:?}");
}

#[test]
fn an_hour_of_a_hundred_clients() {
    let sim = Sim::new(2026);
    // Clients ask ten times as often as servers allow by default.
    let server = Server::builder()
        .add_service(GreeterServer::new(SlowGreeter))
        .configure(|config| config.http2.ping_policy = None);
    drop(sim.host("server").serve(50051, server).unwrap());
    let clients: Vec<_> = (0..100)
        .map(|number| {
            let host = sim.host(&format!("client{number}"));
            let channel = host.channel("http://server:50051").unwrap();
            let channel = channel.keepalive(SECOND * 30, SECOND * 5).keepalive_while_idle();
            host.spawn(live(host.clone(), channel.connect_lazy(), number))
        })
        .collect();
    let begun = std::time::Instant::now();
    let calls = sim.run_until(futures_util::future::join_all(clients));
    let calls: usize = calls.into_iter().sum::<Result<_, _>>().unwrap();
    assert!(sim.now() > Instant::ZERO + SECOND * 3600 && calls > 4_000, "{calls} calls");
    println!("an hour, 100 clients: {calls} calls, {} events, {:?}", sim.events(), begun.elapsed());
}
