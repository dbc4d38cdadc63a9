//! Storms: for each seed another network, other clients, other calls, other faults. Whatever happens, every call ends with
//! the right answer or with a status that something explains, channels come back, and nothing is left over.
//!
//! `UNWIRED_SIM_SEEDS=10000` runs as many; see `unwired_sim::check`.

mod calls;
mod chaos;
mod plan;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use unwired::{Code, Encoding};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_sim::{Host, Link, Random, Sim, check, seeds};
use unwired_suite::messages::simple;

use calls::{Caller, Ends};
use chaos::Serving;
use plan::Plan;

const PORT: u16 = 50051;
const TARGET: &str = "http://server:50051";

/// One seed. Answers how its calls ended.
fn storm(sim: &Sim) -> Ends {
    let mut random = sim.random();
    let plan = Plan::draw(&mut random);
    if std::env::var_os("UNWIRED_SIM_SEED").is_some() {
        eprintln!("{plan:#?}");
    }
    let watch = sim.host("watch").runtime();
    let mut serving = Serving::begin(sim, &plan);
    let hosts: Vec<_> = (0..plan.clients).map(|n| sim.host(&format!("client{n}"))).collect();
    let clients: Vec<_> = hosts.iter().map(|host| client(host, &plan)).collect();
    sim.set_default_link(plan.link.clone());

    let callers = hosts.iter().zip(&clients).enumerate().flat_map(|(n, (host, client))| {
        let tasks: Vec<_> = (0..plan.tasks)
            .map(|task| {
                let name = (n * plan.tasks + task) as u64;
                let caller = Caller {
                    runtime: host.runtime(),
                    client: client.clone(),
                    random: Random::new(random.next_u64()),
                    name,
                    longest: plan.longest,
                    patience: plan.patience(),
                    excuses: plan.excuses(),
                };
                host.spawn(caller.run(plan.calls))
            })
            .collect();
        tasks
    });
    let callers: Vec<_> = callers.collect();
    let (ends, crashed) = sim.run_until(join(join_all(callers), serving.live_through(&mut random, &plan)));
    let mut all_ends = Ends::new();
    for (n, ends) in ends.into_iter().enumerate() {
        let is_crashed = crashed == Some(n / plan.tasks);
        assert!(ends.is_ok() || is_crashed, "caller {n} did not come to its end");
        for (end, times) in ends.into_iter().flatten() {
            *all_ends.entry(end).or_default() += times;
        }
    }

    if plan.is_calm {
        // What was given up is known of as soon as word has come.
        let gone = sim.run_until(watch.timeout(Duration::from_secs(30), serving.seen.all_gone(0)));
        assert_eq!(gone, Ok(()), "handlers are left over");
    }

    // The storm is over: every channel that is left comes back.
    sim.heal_all();
    sim.set_default_link(Link::default());
    serving.serve_again();
    // What is left of a client that crashed is good for nothing.
    let left = hosts.iter().zip(clients).enumerate().filter(|(n, _)| crashed != Some(*n));
    sim.run_until(join_all(left.map(|(_, (host, client))| comes_back(host, client))));

    // All that is left are ends of connections that believe in them; the server asks after two hours.
    sim.run_for(Duration::from_secs(3 * 60 * 60));
    let gone = sim.run_until(watch.timeout(Duration::from_millis(2), serving.seen.all_gone(0)));
    assert_eq!(gone, Ok(()), "handlers are left over");
    assert_eq!(sim.connections(), 0, "connections are left over");
    sim.run_until(serving.stop());
    let seen = Arc::clone(&serving.seen);
    drop(serving);
    assert_eq!(Arc::strong_count(&seen), 1, "something holds the service");
    all_ends
}

fn client(host: &Host, plan: &Plan) -> TestServiceClient {
    let channel = host.channel(TARGET).unwrap();
    let channel = channel.keepalive(plan.keepalive, plan.keepalive_timeout);
    let channel = channel.configure(|config| config.http2.initial_window = plan.stream_window);
    let client = TestServiceClient::new(channel.connect_lazy());
    if plan.is_compressed { client.send_compressed(Encoding::Gzip) } else { client }
}

/// A channel that was there in the storm calls again, sooner or later.
async fn comes_back(host: &Host, client: TestServiceClient) {
    let runtime = host.runtime();
    let begun = runtime.now();
    // The longest pause between two tries to connect is two minutes and some.
    while runtime.now() - begun < Duration::from_secs(180) {
        match client.unary_call(simple(*b"after")).await {
            Ok(answer) => {
                assert_eq!(answer.into_inner().payload.unwrap().body, b"after");
                return;
            }
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
        }
        runtime.sleep(Duration::from_secs(10)).await;
    }
    panic!("no call comes through after the storm");
}

#[test]
fn every_seed_ends_well() {
    let ends = RefCell::new(BTreeMap::<_, usize>::new());
    check(seeds(600), |sim| {
        for (end, times) in storm(sim) {
            *ends.borrow_mut().entry(end).or_default() += times;
        }
    });
    println!("{:?}", ends.into_inner());
}

#[test]
fn a_storm_can_be_had_again() {
    for seed in [3, 1_000_003, u64::MAX] {
        let digest = || {
            let sim = Sim::new(seed);
            drop(storm(&sim));
            (sim.digest(), sim.events(), sim.now())
        };
        assert_eq!(digest(), digest(), "seed {seed}");
    }
}
