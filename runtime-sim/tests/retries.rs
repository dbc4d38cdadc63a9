//! Calls that are sent again, in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{join, join_all};
use futures_util::stream;
use unwired::channel::{
    HedgingPolicy, LoadBalancing, MethodConfig, RetryPolicy, RetryThrottling, ServiceConfig,
};
use unwired::{Code, Metadata, Request, Response, Server, Status, Stream, Streaming};
use unwired_proto::routeguide::route_guide_client::RouteGuideClient;
use unwired_proto::routeguide::route_guide_server::{RouteGuide, RouteGuideServer};
use unwired_proto::routeguide::{Feature, Point, Rectangle, RouteNote, RouteSummary};
use unwired_sim::{Host, JoinHandle, Link, Random, Sim, check, seeds};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const PORT: u16 = 50051;

/// What a server has seen, and what it is to do.
#[derive(Default)]
struct Script {
    /// Of each attempt, what it said of those before it.
    attempts: Vec<Option<String>>,
    /// Attempts that are to fail, with that status.
    failing: usize,
    status: Status,
    /// Attempts that are to take an hour.
    hanging: usize,
}

#[derive(Clone, Default)]
struct Guide(Arc<Mutex<Script>>);

impl Guide {
    async fn attempt<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let (status, hangs) = {
            let mut script = self.0.lock().unwrap();
            let previous = request.metadata().get("grpc-previous-rpc-attempts");
            script.attempts.push(previous.map(str::to_owned));
            let fails = script.failing > 0;
            script.failing = script.failing.saturating_sub(1);
            let hangs = script.hanging > 0;
            script.hanging = script.hanging.saturating_sub(1);
            (fails.then(|| script.status.clone()), hangs)
        };
        if hangs {
            request.runtime().expect("a call").sleep(SECOND * 3600).await;
        }
        status.map_or(Ok(()), Err)
    }

    fn script(&self, failing: usize, status: Status) {
        *self.0.lock().unwrap() = Script { failing, status, ..Script::default() };
    }

    fn attempts(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().attempts.clone()
    }
}

impl RouteGuide for Guide {
    async fn get_feature(&self, request: Request<Point>) -> Result<Response<Feature>, Status> {
        self.attempt(&request).await?;
        Ok(Response::new(Feature { name: "here".to_owned(), location: Some(request.into_inner()) }))
    }

    async fn list_features(
        &self,
        request: Request<Rectangle>,
    ) -> Result<Response<impl Stream<Item = Result<Feature, Status>> + Send>, Status> {
        self.attempt(&request).await?;
        Ok(Response::new(stream::iter((0..3).map(|_| Ok(Feature::default())))))
    }

    async fn record_route(
        &self,
        mut request: Request<Streaming<Point>>,
    ) -> Result<Response<RouteSummary>, Status> {
        self.attempt(&request).await?;
        let mut summary = RouteSummary::default();
        while let Some(point) = request.get_mut().message().await? {
            assert_eq!(point.latitude, summary.point_count, "in order, each once");
            summary.point_count += 1;
        }
        Ok(Response::new(summary))
    }

    async fn route_chat(
        &self,
        request: Request<Streaming<RouteNote>>,
    ) -> Result<Response<impl Stream<Item = Result<RouteNote, Status>> + Send>, Status> {
        self.attempt(&request).await?;
        Ok(Response::new(request.into_inner()))
    }
}

fn point(latitude: i32) -> Point {
    Point { latitude, longitude: 0 }
}

fn note(message: String) -> RouteNote {
    RouteNote { location: None, message }
}

/// Some seeds of a simulation with a client and a server, 10 ms apart; calls are made as `method` says.
fn simulate(method: &MethodConfig, test: impl AsyncFn(&Sim, &RouteGuideClient, &Guide)) {
    check(0..20, |sim| {
        sim.set_default_link(Link::default().latency(MILLISECOND * 10));
        let guide = Guide::default();
        let server = Server::builder().add_service(RouteGuideServer::new(guide.clone()));
        drop(sim.host("server").serve(PORT, server).unwrap());
        let throttling = RetryThrottling::new(10, 1.0);
        let config = ServiceConfig::new().service("routeguide.RouteGuide", method.clone());
        let channel = sim.host("client").channel(format!("http://server:{PORT}")).unwrap();
        let channel = channel.service_config(config.retry_throttling(throttling)).connect_lazy();
        sim.run_until(test(sim, &RouteGuideClient::new(channel), &guide));
    });
}

fn retrying() -> MethodConfig {
    let policy = RetryPolicy::new(4, [Code::Unavailable]);
    MethodConfig::new().retry(policy.backoff(SECOND, SECOND * 3, 2.0))
}

fn busy() -> Status {
    Status::unavailable("busy")
}

/// What the attempts of a call say, when so many were made.
fn said(attempts: usize) -> Vec<Option<String>> {
    (0..attempts).map(|previous| (previous > 0).then(|| previous.to_string())).collect()
}

/// Ten notes and their echoes, each sent after the echo of the one before it.
async fn chat(client: &RouteGuideClient) {
    let (mut notes, mut back) = client.route_chat_halves(Request::new(())).await.unwrap();
    for number in 0..10 {
        notes.send(note(number.to_string())).await.unwrap();
        let echo = back.message().await.unwrap().unwrap();
        assert_eq!(echo.message, number.to_string());
    }
    notes.close();
    assert!(back.message().await.unwrap().is_none());
}

#[test]
fn a_call_is_sent_again_after_pauses_that_grow() {
    simulate(&retrying(), async |sim, client, guide| {
        guide.script(3, busy());
        let begun = sim.now();
        let answer = client.get_feature(point(7)).await.unwrap().into_inner();
        assert_eq!(answer.location, Some(point(7)));
        assert_eq!(guide.attempts(), said(4));
        let took = sim.now() - begun;
        assert!((SECOND * 6 * 4 / 5..SECOND * 6 * 6 / 5 + SECOND).contains(&took), "{took:?}");

        // Of ten tokens there are half left after these.
        guide.script(9, busy());
        assert_eq!(client.get_feature(point(7)).await.unwrap_err().message(), "busy");
        assert_eq!(guide.attempts(), said(3));

        guide.script(1, Status::not_found("no"));
        assert_eq!(client.get_feature(point(7)).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(guide.attempts(), said(1));
    });
}

#[test]
fn streams_are_sent_again_from_their_beginning() {
    simulate(&retrying(), async |_, client, guide| {
        guide.script(2, busy());
        let mut features = client.list_features(Rectangle::default()).await.unwrap().into_inner();
        let mut found = 0;
        while features.message().await.unwrap().is_some() {
            found += 1;
        }
        assert_eq!((found, guide.attempts()), (3, said(3)));

        guide.script(2, busy());
        let summary = client.record_route(stream::iter((0..50).map(point))).await.unwrap().into_inner();
        assert_eq!((summary.point_count, guide.attempts()), (50, said(3)));

        guide.script(2, busy());
        chat(client).await;
        assert_eq!(guide.attempts(), said(3));
    });
}

#[test]
fn what_is_sent_first_is_kept_whatever_its_length() {
    simulate(&retrying(), async |_, client, guide| {
        guide.script(2, busy());
        let notes = stream::iter([note("x".repeat(400_000))]);
        let mut back = client.route_chat(notes).await.unwrap().into_inner();
        assert_eq!(back.message().await.unwrap().map(|note| note.message.len()), Some(400_000));
        assert_eq!(guide.attempts(), said(3));
    });
}

#[test]
fn what_is_too_long_to_be_kept_is_sent_once() {
    simulate(&retrying(), async |_, client, guide| {
        guide.script(1, busy());
        let notes = stream::iter((0..30).map(|_| note("x".repeat(20_000))));
        let mut back = client.route_chat(notes).await.unwrap().into_inner();
        // How much is sent before the server says no is a matter of luck.
        let status = async {
            loop {
                match back.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Status::OK,
                    Err(status) => return status,
                }
            }
        }
        .await;
        let attempts = guide.attempts().len();
        assert!(if status.is_ok() { attempts == 2 } else { attempts == 1 }, "{status}, {attempts}");
    });
}

#[test]
fn a_server_may_say_when_to_call_again_and_a_deadline_holds_over_all() {
    simulate(&retrying(), async |sim, client, guide| {
        let pushback = |value: &str| {
            let mut metadata = Metadata::new();
            metadata.insert("grpc-retry-pushback-ms", value).unwrap();
            Status::with_metadata(Code::Unavailable, "busy", metadata)
        };
        guide.script(1, pushback("20000"));
        let begun = sim.now();
        client.get_feature(point(7)).await.unwrap();
        assert!((SECOND * 20..SECOND * 21).contains(&(sim.now() - begun)));

        guide.script(1, pushback("-1"));
        client.get_feature(point(7)).await.unwrap_err();
        assert_eq!(guide.attempts(), said(1));

        for streams in [false, true] {
            guide.script(9, pushback("20000"));
            let begun = sim.now();
            let mut request = Request::new(point(7));
            request.set_timeout(SECOND * 5);
            let status = if streams {
                let mut request = Request::new(Rectangle::default());
                request.set_timeout(SECOND * 5);
                client.list_features(request).await.unwrap().into_inner().message().await.unwrap_err()
            } else {
                client.get_feature(request).await.unwrap_err()
            };
            assert_eq!((status.code(), sim.now() - begun), (Code::DeadlineExceeded, SECOND * 5));
        }
    });
}

#[test]
fn a_channel_that_fails_too_often_tries_once() {
    simulate(&retrying(), async |_, client, guide| {
        guide.script(usize::MAX, busy());
        for _ in 0..3 {
            client.get_feature(point(7)).await.unwrap_err();
        }
        // 9, 8, 7, 6 of 10 tokens, and 5 are not more than half.
        assert_eq!(guide.attempts().len(), 4 + 1 + 1);
    });
}

#[test]
fn the_first_of_several_answers_counts() {
    let policy = HedgingPolicy::new(3, SECOND, [Code::Unavailable]);
    simulate(&MethodConfig::new().hedge(policy), async |sim, client, guide| {
        guide.0.lock().unwrap().hanging = 1;
        let begun = sim.now();
        client.get_feature(point(7)).await.unwrap();
        let took = sim.now() - begun;
        assert!((SECOND..SECOND * 2).contains(&took), "{took:?}");
        assert_eq!(guide.attempts(), said(2));

        // One that fails lets the next begin at once.
        guide.script(2, busy());
        let begun = sim.now();
        client.get_feature(point(7)).await.unwrap();
        assert!(sim.now() - begun < SECOND);
        assert_eq!(guide.attempts(), said(3));

        guide.script(1, Status::not_found("no"));
        assert_eq!(client.get_feature(point(7)).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(guide.attempts(), said(1));
    });
}

#[test]
fn the_first_of_several_streams_of_answers_counts() {
    let policy = HedgingPolicy::new(3, SECOND, [Code::Unavailable]);
    simulate(&MethodConfig::new().hedge(policy), async |sim, client, guide| {
        let features = async || {
            let mut features = client.list_features(Rectangle::default()).await?.into_inner();
            let mut found = 0;
            while features.message().await?.is_some() {
                found += 1;
            }
            Ok::<_, Status>(found)
        };
        guide.0.lock().unwrap().hanging = 1;
        let begun = sim.now();
        assert_eq!(features().await.unwrap(), 3);
        let took = sim.now() - begun;
        assert!((SECOND..SECOND * 2).contains(&took), "{took:?}");
        assert_eq!(guide.attempts(), said(2));

        guide.script(2, busy());
        assert_eq!(features().await.unwrap(), 3);
        assert_eq!(guide.attempts(), said(3));

        guide.script(3, busy());
        assert_eq!(features().await.unwrap_err().code(), Code::Unavailable);
    });
}

#[test]
fn each_of_several_attempts_sends_the_stream_of_requests() {
    let policy = HedgingPolicy::new(3, SECOND, [Code::Unavailable]);
    simulate(&MethodConfig::new().hedge(policy), async |sim, client, guide| {
        guide.0.lock().unwrap().hanging = 1;
        let begun = sim.now();
        let summary = client.record_route(stream::iter((0..50).map(point))).await.unwrap().into_inner();
        assert_eq!((summary.point_count, guide.attempts()), (50, said(2)));
        let took = sim.now() - begun;
        assert!((SECOND..SECOND * 2).contains(&took), "{took:?}");

        // The second attempt begins while the first has sent a part, and is the one that is answered.
        guide.0.lock().unwrap().hanging = 1;
        let (mut points, summary) = client.record_route_halves(Request::new(())).await.unwrap();
        let runtime = sim.host("client").runtime();
        for number in 0..20 {
            points.send(point(number)).await.unwrap();
            runtime.sleep(MILLISECOND * 100).await;
        }
        points.close();
        assert_eq!(summary.response().await.unwrap().into_inner().point_count, 20);

        guide.script(2, busy());
        chat(client).await;
        assert_eq!(guide.attempts(), said(3));

        guide.script(3, busy());
        let status = client.record_route(stream::iter((0..5).map(point))).await.unwrap_err();
        assert_eq!((status.code(), guide.attempts()), (Code::Unavailable, said(3)));

        guide.script(1, Status::not_found("no"));
        let status = client.record_route(stream::iter((0..5).map(point))).await.unwrap_err();
        assert_eq!((status.code(), guide.attempts()), (Code::NotFound, said(1)));
    });
}

#[test]
fn a_stream_of_requests_that_is_too_long_to_be_kept_has_one_attempt() {
    let policy = HedgingPolicy::new(3, SECOND, [Code::Unavailable]);
    simulate(&MethodConfig::new().hedge(policy), async |sim, client, guide| {
        // Nothing is answered before all is there.
        let points = stream::iter((0..200_000).map(point));
        let summary = client.record_route(points).await.unwrap().into_inner();
        assert_eq!((summary.point_count, guide.attempts()), (200_000, said(1)));

        // One message is kept whatever its length.
        let mut back =
            client.route_chat(stream::iter([note("x".repeat(300_000))])).await.unwrap().into_inner();
        assert_eq!(back.message().await.unwrap().unwrap().message.len(), 300_000);
        assert!(back.message().await.unwrap().is_none());

        // Where no attempt comes so far, no more is taken than is kept.
        guide.script(0, Status::OK);
        guide.0.lock().unwrap().hanging = 3;
        let (mut notes, mut back) = client.route_chat_halves(Request::new(())).await.unwrap();
        let mut taken = 0;
        let sending = async {
            for _ in 0..100 {
                notes.send(note("x".repeat(10_000))).await.unwrap();
                taken += 1;
            }
        };
        let runtime = sim.host("client").runtime();
        assert!(runtime.timeout(SECOND * 10, sending).await.is_err());
        assert_eq!((taken, guide.attempts()), ((256 << 10) / 10_070, said(3)));
        assert!(runtime.timeout(SECOND * 10, back.message()).await.is_err());
    });
}

#[test]
fn a_hedged_call_ends_at_its_deadline_and_with_who_gives_it_up() {
    let policy = HedgingPolicy::new(3, SECOND, [Code::Unavailable]);
    simulate(&MethodConfig::new().hedge(policy), async |sim, client, guide| {
        let mut metadata = Metadata::new();
        metadata.insert("grpc-retry-pushback-ms", "20000").unwrap();
        for (failing, hanging) in [(1, 0), (0, 9)] {
            guide.script(failing, Status::with_metadata(Code::Unavailable, "busy", metadata.clone()));
            guide.0.lock().unwrap().hanging = hanging;
            let begun = sim.now();
            let mut request = Request::new(point(7));
            request.set_timeout(SECOND * 5);
            let status = client.get_feature(request).await.unwrap_err();
            assert_eq!((status.code(), sim.now() - begun), (Code::DeadlineExceeded, SECOND * 5));
        }
        for (failing, hanging) in [(1, 0), (0, 9)] {
            guide.script(failing, Status::with_metadata(Code::Unavailable, "busy", metadata.clone()));
            guide.0.lock().unwrap().hanging = hanging;
            let begun = sim.now();
            let mut request = Request::new(stream::iter((0..5).map(point)));
            request.set_timeout(SECOND * 5);
            let status = client.record_route(request).await.unwrap_err();
            assert_eq!((status.code(), sim.now() - begun), (Code::DeadlineExceeded, SECOND * 5));
        }
        let runtime = sim.host("client").runtime();
        guide.script(0, Status::OK);
        guide.0.lock().unwrap().hanging = 9;
        let call = client.record_route(stream::pending());
        assert!(runtime.timeout(MILLISECOND * 500, call).await.is_err());
        runtime.sleep(SECOND * 10).await;
        assert_eq!(guide.attempts(), said(1), "no attempt follows for nobody");
    });
}

/// Streams of requests that are hedged while servers fail, hang and lose their connections: each ends, with all that was
/// sent or for a reason that there is, and is carried out no more often than it may be.
fn hedged_storm(sim: &Sim) {
    let mut random = sim.random();
    sim.set_default_link(
        Link::default().latency(random.up_to(MILLISECOND * 50)).jitter(random.up_to(MILLISECOND * 20)),
    );
    let guide = Guide::default();
    let hosts: Vec<_> = (0..1 + random.below(3)).map(|n| sim.host(&format!("server{n}"))).collect();
    for host in &hosts {
        let server = Server::builder().add_service(RouteGuideServer::new(guide.clone()));
        drop(host.serve(PORT, server).unwrap());
    }
    let addresses: Vec<_> = hosts.iter().map(|host| format!("{}:{PORT}", host.ip())).collect();
    let delay = random.up_to(SECOND);
    let policy = HedgingPolicy::new(3, delay, [Code::Unavailable]);
    let config = ServiceConfig::new().default_method(MethodConfig::new().hedge(policy));
    let channel = sim.host("client").channel(format!("ipv4:{}", addresses.join(","))).unwrap();
    let channel = channel.load_balancing(LoadBalancing::RoundRobin).service_config(config);
    let client = RouteGuideClient::new(channel.connect_lazy());
    let runtime = sim.host("client").runtime();
    sim.run_until(async {
        for _ in 0..10 {
            guide.script(random.below(4), busy());
            guide.0.lock().unwrap().hanging = random.below(2);
            let resets = random.chance(0.3).then(|| (random.up_to(SECOND), random.below(hosts.len())));
            let messages = random.below(40) as i32;
            let length = random.below(30_000);
            let (pause, is_slow) = (random.up_to(MILLISECOND * 50), random.chance(0.5));
            let gives_up = random.chance(0.2).then(|| random.up_to(SECOND * 2));
            let timeout = SECOND * 30;
            let call = async {
                if random.chance(0.5) {
                    let runtime = runtime.clone();
                    let points = stream::unfold(0, move |number| {
                        let runtime = runtime.clone();
                        async move {
                            if is_slow {
                                runtime.sleep(pause).await;
                            }
                            (number < messages).then(|| (point(number), number + 1))
                        }
                    });
                    let mut request = Request::new(points);
                    request.set_timeout(timeout);
                    let summary = client.record_route(request).await?;
                    assert_eq!(summary.into_inner().point_count, messages);
                    return Ok::<_, Status>(());
                }
                let mut request = Request::new(());
                request.set_timeout(timeout);
                let (mut notes, mut back) = client.route_chat_halves(request).await?;
                let sending = async {
                    for number in 0..messages {
                        if notes.send(note(format!("{number}:{}", "x".repeat(length)))).await.is_err() {
                            return;
                        }
                        if is_slow {
                            runtime.sleep(pause).await;
                        }
                    }
                    notes.close();
                };
                let receiving = async {
                    let mut number = 0;
                    while let Some(note) = back.message().await? {
                        assert!(note.message.starts_with(&format!("{number}:")), "in order, each once");
                        number += 1;
                    }
                    assert_eq!(number, messages);
                    Ok(())
                };
                join(sending, receiving).await.1
            };
            let weather = async {
                if let Some((after, server)) = resets {
                    runtime.sleep(after).await;
                    sim.reset_connections("client", hosts[server].name());
                }
            };
            let begun = sim.now();
            let ended = join(runtime.timeout(gives_up.unwrap_or(timeout * 2), call), weather).await.0;
            assert!(ended.is_ok() || gives_up.is_some(), "a call hangs");
            let took = sim.now() - begun;
            if let Ok(Err(status)) = ended {
                let is_late = status.code() == Code::DeadlineExceeded && took >= timeout;
                assert!(is_late || status.code() == Code::Unavailable, "nothing explains {status}");
            }
            // One that no server has acted on, as far as the client knows, is made again beside those.
            assert!(guide.attempts().len() <= 6, "{:?}", guide.attempts());
        }
    });
}

#[test]
fn hedged_streams_end_and_are_whole() {
    check(seeds(300), hedged_storm);
}

/// A server, and its end.
type Running = (oneshot::Sender<()>, JoinHandle<()>);

/// A server that is drained, again and again, and serves on at once.
async fn restart(host: Host, random: &mut Random, times: usize) -> Option<Running> {
    let runtime = host.runtime();
    let mut last: Option<Running> = None;
    for _ in 0..times {
        if let Some((stop, task)) = last.take() {
            drop(stop);
            task.await.unwrap();
        }
        let bound = host.bind(PORT).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::builder().add_service(RouteGuideServer::new(Guide::default()));
        let server = server.drain_timeout(SECOND * 60);
        let task = host.spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            bound.serve_with_shutdown(server, stopped).await.unwrap();
        });
        last = Some((stop, task));
        runtime.sleep(random.up_to(SECOND)).await;
    }
    last
}

/// Calls of all kinds while each server in turn is drained and starts anew: all of them succeed.
fn rolling(sim: &Sim) {
    let mut random = sim.random();
    sim.set_default_link(
        Link::default().latency(random.up_to(MILLISECOND * 50)).jitter(random.up_to(MILLISECOND * 20)),
    );
    sim.host("client");
    let hosts: Vec<_> = (0..2 + random.below(2)).map(|n| sim.host(&format!("server{n}"))).collect();
    let addresses: Vec<_> = hosts.iter().map(|host| format!("{}:{PORT}", host.ip())).collect();
    let channel = sim.host("client").channel(format!("ipv4:{}", addresses.join(","))).unwrap();
    let balancing = if random.chance(0.5) { LoadBalancing::RoundRobin } else { LoadBalancing::PickFirst };
    let client = RouteGuideClient::new(channel.load_balancing(balancing).connect_lazy());
    let mut others: Vec<_> = hosts.iter().map(|_| Random::new(random.next_u64())).collect();
    let restarts = hosts.iter().zip(&mut others).map(|(host, random)| restart(host.clone(), random, 4));
    let runtime = sim.host("client").runtime();
    let calls = async {
        for number in 0..40 {
            runtime.sleep(random.up_to(MILLISECOND * 100)).await;
            let outcome = match number % 4 {
                0 => {
                    let mut request = Request::new(point(number));
                    request.set_wait_for_ready(true);
                    client.get_feature(request).await.map(drop)
                }
                1 => {
                    let mut request = Request::new(Rectangle::default());
                    request.set_wait_for_ready(true);
                    async {
                        let mut features = client.list_features(request).await?.into_inner();
                        while features.message().await?.is_some() {}
                        Ok(())
                    }
                    .await
                }
                2 => {
                    let mut request = Request::new(stream::iter((0..5).map(point)));
                    request.set_wait_for_ready(true);
                    client.record_route(request).await.map(|summary| {
                        assert_eq!(summary.into_inner().point_count, 5);
                    })
                }
                _ => {
                    let mut request = Request::new(());
                    request.set_wait_for_ready(true);
                    async {
                        let (mut notes, mut back) = client.route_chat_halves(request).await?;
                        for number in 0..3 {
                            notes.send(note(number.to_string())).await?;
                            let echo = back.message().await?.expect("an echo");
                            assert_eq!(echo.message, number.to_string());
                        }
                        notes.close();
                        assert_eq!(back.message().await?, None);
                        Ok(())
                    }
                    .await
                }
            };
            if let Err(status) = outcome {
                panic!("call {number} failed: {status}");
            }
        }
    };
    sim.run_until(join(calls, join_all(restarts)));
}

#[test]
fn a_rolling_restart_fails_no_call() {
    check(seeds(200), rolling);
}
