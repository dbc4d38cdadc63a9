//! The pool in a world of its own: servers that answer, refuse or say nothing, and a clock.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use super::*;
use crate::channel::LoadBalancing;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
struct Fake(Rc<Address>);

impl Lane for Fake {
    fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    fn is_full(&self) -> bool {
        false
    }

    fn idle_since(&self) -> Option<Instant> {
        Some(Instant::ZERO)
    }
}

/// What a server does with who connects.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Answer {
    After(Duration),
    Refuses(Duration),
    Silence,
}

/// A channel, and what is around it.
struct World {
    now: Instant,
    pool: Pool<Fake>,
    /// What a name stands for; an error when it is unknown.
    names: Result<Vec<Endpoint>, &'static str>,
    answers: BTreeMap<String, Answer>,
    /// Tries under way, and what they come to when.
    tries: BTreeMap<u64, (Instant, Address, bool)>,
    /// When which address was tried.
    log: Vec<(Duration, String)>,
    lookups: Vec<Instant>,
    drained: Vec<Fake>,
    /// The connection that was made last to each address.
    made: BTreeMap<String, Fake>,
    states: Vec<Connectivity>,
}

fn endpoint(text: &str) -> Endpoint {
    text.parse::<SocketAddr>().unwrap().into()
}

impl World {
    fn new(names: &[&str], balancing: &LoadBalancing, seed: u64) -> Self {
        Self::with(names, balancing, seed, false)
    }

    fn with(names: &[&str], balancing: &LoadBalancing, seed: u64, checks_health: bool) -> Self {
        Self {
            now: Instant::ZERO + SECOND * 1000,
            pool: Pool::new(Settings {
                target: "server:1".to_owned(),
                balance: balancing.balance(),
                has_fixed_servers: false,
                idle_timeout: Some(SECOND * 1800),
                checks_health,
                max_connections: 1,
                seed,
            }),
            names: Ok(names.iter().map(|name| endpoint(name)).collect()),
            answers: BTreeMap::new(),
            tries: BTreeMap::new(),
            log: Vec::new(),
            lookups: Vec::new(),
            drained: Vec::new(),
            made: BTreeMap::new(),
            states: vec![Connectivity::Idle],
        }
    }

    fn answer(mut self, address: &str, answer: Answer) -> Self {
        self.answers.insert(address.to_owned(), answer);
        self
    }

    /// Does what the pool asks for, and sees that its state moves as it may.
    fn obey(&mut self) {
        loop {
            let state = self.pool.connectivity();
            let last = *self.states.last().unwrap();
            if state != last {
                let is_legal = match last {
                    Connectivity::Shutdown => false,
                    Connectivity::TransientFailure => {
                        // A connection that was not well may be so in a moment.
                        self.pool.checks_health && state == Connectivity::Ready
                            || matches!(state, Connectivity::Connecting | Connectivity::Shutdown)
                    }
                    _ => true,
                };
                assert!(is_legal, "from {last} to {state}");
                self.states.push(state);
            }
            let actions = self.pool.take_actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.act(action);
            }
        }
    }

    fn act(&mut self, action: Action<Fake>) {
        match action {
            Action::Resolve => {
                self.lookups.push(self.now);
                match &self.names {
                    Ok(endpoints) => self.pool.resolved(self.now, Resolution::new(endpoints.iter().cloned())),
                    Err(why) => self.pool.unresolved(self.now, Failure::new(*why, None)),
                }
            }
            Action::Connect { attempt, address, .. } => {
                let name = address.to_string();
                self.log.push((self.now - Instant::ZERO, name.clone()));
                let (after, succeeds) = match self.answers.get(&name) {
                    Some(Answer::After(after)) => (*after, true),
                    Some(Answer::Refuses(after)) => (*after, false),
                    Some(Answer::Silence) | None => (CONNECT_TIMEOUT, false),
                };
                self.tries.insert(attempt, (self.now + after, address, succeeds));
            }
            Action::Abort(attempt) => {
                assert!(self.tries.remove(&attempt).is_some(), "what has ended cannot be given up")
            }
            Action::Drain(lane) => self.drained.push(lane),
        }
    }

    /// Lets time go on until then.
    fn run_until(&mut self, end: Instant) {
        self.obey();
        loop {
            let next_try = self.tries.iter().map(|(attempt, (at, ..))| (*at, *attempt)).min();
            let times = [next_try.map(|(at, _)| at), self.pool.poll_timeout()];
            let Some(next) = times.into_iter().flatten().min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            match next_try {
                Some((at, attempt)) if at <= self.now => {
                    let (_, address, succeeds) = self.tries.remove(&attempt).unwrap();
                    if succeeds {
                        let name = address.to_string();
                        let lane = Fake(Rc::new(address));
                        self.made.insert(name, lane.clone());
                        assert!(self.pool.connected(self.now, attempt, lane));
                    } else {
                        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
                        self.pool.failed(self.now, attempt, Failure::from(error));
                    }
                }
                _ => self.pool.tick(self.now, false),
            }
            self.obey();
        }
        self.now = end;
    }

    fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// A call: the address that it goes to.
    fn call(&mut self) -> Option<String> {
        let picked = self.pool.pick(self.now);
        if picked.is_none() {
            self.pool.wanted(self.now);
        }
        self.obey();
        picked.map(|Fake(address)| address.to_string())
    }

    /// When which address was tried, since the world began.
    fn tried(&self) -> Vec<(u128, &str)> {
        self.log.iter().map(|(at, name)| ((*at - SECOND * 1000).as_millis(), name.as_str())).collect()
    }
}

const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";
const C6: &str = "[::3]:1";

#[test]
fn nothing_happens_before_there_is_a_call() {
    let mut world = World::new(&[A], &LoadBalancing::PickFirst, 1).answer(A, Answer::After(MILLISECOND));
    world.run_for(SECOND * 10_000);
    assert_eq!((world.states.len(), world.lookups.len(), world.log.len()), (1, 0, 0));
    assert_eq!(world.call(), None);
    world.run_for(SECOND);
    assert_eq!(world.call().as_deref(), Some(A));
    assert_eq!(world.states, [Connectivity::Idle, Connectivity::Connecting, Connectivity::Ready]);
}

#[test]
fn an_address_that_says_nothing_holds_the_next_up_for_a_quarter_of_a_second() {
    let mut world = World::new(&[A, B, C6], &LoadBalancing::PickFirst, 1)
        .answer(A, Answer::Silence)
        .answer(C6, Answer::Refuses(MILLISECOND * 10))
        .answer(B, Answer::After(MILLISECOND * 300));
    world.call();
    world.run_for(SECOND * 5);
    assert_eq!(world.tried(), [(0, A), (250, C6), (260, B)]);
    assert_eq!(world.call().as_deref(), Some(B));
    assert!(world.tries.is_empty(), "the one that says nothing is given up");
}

#[test]
fn when_all_have_failed_calls_fail_and_name_each_and_the_name_is_asked_for_again() {
    let mut world = World::new(&[A, B], &LoadBalancing::PickFirst, 1)
        .answer(A, Answer::Refuses(MILLISECOND))
        .answer(B, Answer::Refuses(MILLISECOND));
    world.call();
    world.run_for(SECOND / 2);
    let NoPick::Unreachable(status) = world.pool.refusal() else { panic!("{:?}", world.pool.refusal()) };
    let refused = "connection refused";
    assert_eq!(status.message(), format!("cannot connect to server:1: {A}: {refused}; {B}: {refused}"));
    world.names = Ok(vec![endpoint("10.0.0.9:1")]);
    world.answers.insert("10.0.0.9:1".to_owned(), Answer::After(MILLISECOND));
    world.run_for(SECOND * 40);
    assert_eq!(world.call().as_deref(), Some("10.0.0.9:1"));
    assert_eq!(world.lookups.len(), 2);
    assert_eq!(world.lookups[1] - world.lookups[0], SECOND * 30);
}

#[test]
fn pauses_grow_as_grpc_says() {
    for seed in 0..200 {
        let mut world =
            World::new(&[A], &LoadBalancing::PickFirst, seed).answer(A, Answer::Refuses(MILLISECOND));
        world.call();
        for _ in 0..60 {
            world.run_for(SECOND * 30);
            world.call();
        }
        let mut expected = 1.0_f64;
        assert!(world.log.len() > 10);
        for pair in world.log.windows(2) {
            let pause = (pair[1].0 - pair[0].0).as_secs_f64();
            assert!(
                (expected * 0.8 - 1e-6..expected * 1.2 + 0.01).contains(&pause),
                "{pause} s for {expected} s"
            );
            expected = (expected * 1.6).min(120.0);
        }
    }
}

#[test]
fn a_name_that_is_not_known_fails_calls_and_is_asked_for_again() {
    let mut world = World::new(&[], &LoadBalancing::RoundRobin, 1).answer(A, Answer::After(MILLISECOND));
    world.names = Err("no such host");
    world.call();
    let NoPick::Unreachable(status) = world.pool.refusal() else { panic!("{:?}", world.pool.refusal()) };
    assert_eq!(status.message(), "cannot connect to server:1: no such host");
    world.names = Ok(vec![endpoint(A)]);
    world.run_for(SECOND * 2);
    assert_eq!(world.call().as_deref(), Some(A));
}

#[test]
fn round_robin_uses_all_and_leaves_out_who_is_gone() {
    let mut world = World::new(&[A, B, C6], &LoadBalancing::RoundRobin, 1)
        .answer(A, Answer::After(MILLISECOND))
        .answer(B, Answer::After(MILLISECOND))
        .answer(C6, Answer::Silence);
    world.call();
    world.run_for(SECOND);
    let mut called: Vec<_> = (0..4).map(|_| world.call().unwrap()).collect();
    called.sort();
    assert_eq!(called, [A, A, B, B]);
    // B goes; a second later it is tried again.
    let lane = world.pool.servers.iter().find(|server| server.endpoint == endpoint(B)).unwrap().connections
        [0]
    .clone();
    world.pool.lost(world.now, &lane);
    world.obey();
    assert_eq!(world.call().as_deref(), Some(A));
    world.run_for(SECOND);
    let called = [world.call(), world.call()];
    assert!(called.contains(&Some(B.to_owned())), "{called:?}");
    // The name stands for C alone from now on: connections to the others are no longer used.
    world.names = Ok(vec![endpoint(C6)]);
    world.run_for(SECOND * 40);
    assert_eq!(world.drained.len(), 2);
    assert_eq!(world.call(), None);
}

#[test]
fn a_channel_without_calls_becomes_idle_and_comes_back() {
    let mut world = World::new(&[A], &LoadBalancing::PickFirst, 1).answer(A, Answer::After(MILLISECOND));
    world.call();
    world.run_for(SECOND);
    world.call();
    world.run_for(SECOND * 1799);
    assert_eq!(world.pool.connectivity(), Connectivity::Ready);
    world.run_for(SECOND);
    assert_eq!((world.pool.connectivity(), world.drained.len()), (Connectivity::Idle, 1));
    assert_eq!(world.pool.poll_timeout(), None);
    world.call();
    world.run_for(SECOND);
    assert_eq!(world.call().as_deref(), Some(A));
}

#[test]
fn what_was_closed_stays_closed() {
    let mut world = World::new(&[A], &LoadBalancing::PickFirst, 1).answer(A, Answer::After(MILLISECOND));
    world.call();
    world.pool.close();
    world.run_for(SECOND * 10_000);
    assert_eq!(world.call(), None);
    assert!(matches!(world.pool.refusal(), NoPick::Closed));
    assert_eq!(world.states.last(), Some(&Connectivity::Shutdown));
    assert!(world.tries.is_empty());
}

/// Servers come and go, names change, connections are lost: the state moves only as it may, no two tries to one address go on
/// at a time, and once all is well a call gets a connection.
#[test]
fn whatever_happens_a_call_gets_a_connection_in_the_end() {
    for seed in 0..10_000_u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |most: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % most
        };
        let balancing = [LoadBalancing::PickFirst, LoadBalancing::RoundRobin, LoadBalancing::Weighted];
        let all = [A, B, C6, "[::4]:1"];
        let mut world = World::new(&all[..1 + below(4) as usize], &balancing[below(3) as usize], seed);
        for _ in 0..30 {
            let address = all[below(4) as usize];
            match below(9) {
                0 => world.names = Err("no such host"),
                1 => {
                    world.names = Ok(all[..1 + below(4) as usize].iter().map(|name| endpoint(name)).collect())
                }
                2 => world.names = Ok(vec![endpoint(address)]),
                3 | 4 => {
                    let time = MILLISECOND * below(1000) as u32;
                    let answers = [Answer::After(time), Answer::Refuses(time), Answer::Silence];
                    world.answers.insert(address.to_owned(), answers[below(3) as usize]);
                }
                5 => {
                    let lanes: Vec<_> =
                        world.pool.servers.iter().flat_map(|server| server.connections.clone()).collect();
                    if let Some(lane) = lanes.first() {
                        world.pool.lost(world.now, lane);
                        world.obey();
                    }
                }
                _ => {
                    world.call();
                }
            }
            let connecting = world.tries.values().map(|(_, address, _)| address.to_string());
            let mut unique: Vec<_> = connecting.clone().collect();
            unique.sort();
            unique.dedup();
            assert_eq!(unique.len(), connecting.count(), "seed {seed}");
            world.run_for(MILLISECOND * (1 << below(16)) as u32);
        }
        world.names = Ok(all.iter().map(|name| endpoint(name)).collect());
        for address in all {
            world.answers.insert(address.to_owned(), Answer::After(MILLISECOND));
        }
        world.call();
        world.run_for(SECOND * 200);
        world.call();
        world.run_for(SECOND);
        assert!(world.call().is_some(), "seed {seed}: {:?}", world.states);
    }
}

impl World {
    fn says(&mut self, address: &str, health: Health) {
        let lane = self.made[address].clone();
        self.pool.health(self.now, &lane, health);
        self.obey();
    }
}

fn not_serving() -> Health {
    Health::NotServing(Failure::new("not well", None))
}

#[test]
fn a_connection_gets_calls_while_its_server_is_well() {
    let mut world = World::with(&[A, B], &LoadBalancing::RoundRobin, 1, true)
        .answer(A, Answer::After(MILLISECOND))
        .answer(B, Answer::After(MILLISECOND));
    assert_eq!(world.call(), None);
    world.run_for(SECOND);
    // Both are connected, and neither has said anything.
    assert_eq!(world.call(), None);
    assert_eq!(world.pool.connectivity(), Connectivity::Connecting);
    world.says(A, Health::Serving);
    assert_eq!(world.call().as_deref(), Some(A));
    world.says(B, Health::Serving);
    let mut called: Vec<_> = (0..4).filter_map(|_| world.call()).collect();
    called.sort();
    assert_eq!(called, [A, A, B, B]);

    world.says(A, not_serving());
    assert!((0..4).all(|_| world.call().as_deref() == Some(B)));
    world.says(B, not_serving());
    assert_eq!(world.call(), None);
    let NoPick::Unreachable(status) = world.pool.refusal() else { panic!("calls wait") };
    assert!(status.message().contains(&format!("{A}: not well")), "{status}");
    // Nothing is wrong with the connections: they stay, and no other is made.
    world.run_for(SECOND * 600);
    assert_eq!((world.log.len(), world.drained.len()), (2, 0));
    world.says(B, Health::Serving);
    assert_eq!(world.call().as_deref(), Some(B));

    // One that is not well and is lost is made again.
    let lost = world.made[A].clone();
    world.pool.lost(world.now, &lost);
    world.obey();
    world.run_for(SECOND * 5);
    assert_eq!(world.log.len(), 3);
    // All of them end with the channel.
    world.pool.close();
    world.obey();
    assert_eq!(world.drained.len(), 2);
}

#[test]
fn the_first_server_that_is_reached_is_not_asked_how_it_is() {
    let mut world =
        World::with(&[A], &LoadBalancing::PickFirst, 1, true).answer(A, Answer::After(MILLISECOND));
    world.call();
    world.run_for(SECOND);
    assert_eq!(world.call().as_deref(), Some(A));
}
