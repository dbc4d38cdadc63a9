use core::mem::{replace, take};
use core::time::Duration;

use unwired_core::Instant;

use super::eyeballs::{self, ATTEMPT_DELAY};
use super::health::Health;
use super::lookup::Lookup;
use super::server::{Effort, Failure, Server};
use crate::Status;
use crate::channel::{Balance, Connectivity, Endpoint, Resolution};
use crate::transport::Address;

/// A connection that ended sooner than this is not made again before.
const REST: Duration = Duration::from_secs(1);
/// Addresses that the status of a call names at most.
const MAX_NAMED: usize = 8;

/// A connection, as far as this machine cares.
pub(crate) trait Lane: Clone {
    fn is(&self, other: &Self) -> bool;
    /// Whether the server takes no further call on it now.
    fn is_full(&self) -> bool;
    /// Since when there has been no call on it; `None` while there is one.
    fn idle_since(&self) -> Option<Instant>;
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Action<C> {
    /// Ask for the servers.
    Resolve,
    /// Connect to a server; `beside` is a connection that it has.
    Connect { attempt: u64, address: Address, beside: Option<C> },
    /// Give a try to connect up.
    Abort(u64),
    /// Take no more calls on a connection, and end it after those that there are.
    Drain(C),
}

/// Why a call gets no connection now.
#[derive(Debug)]
pub(crate) enum NoPick {
    /// There will be one, or a reason why not.
    Wait,
    /// Calls fail, but for those that wait for ready.
    Unreachable(Status),
    /// All calls fail.
    Closed,
}

/// What a pool is made with.
pub(crate) struct Settings {
    /// What a person calls the servers.
    pub(crate) target: String,
    /// Chooses among several servers; `None` for the first that is reached.
    pub(crate) balance: Option<Box<dyn Balance>>,
    pub(crate) has_fixed_servers: bool,
    pub(crate) idle_timeout: Option<Duration>,
    /// Connections get calls once [`Pool::health`] says so, where there is a balance.
    pub(crate) checks_health: bool,
    /// To one server.
    pub(crate) max_connections: usize,
    pub(crate) seed: u64,
}

/// The servers of a channel and its connections to them: when to resolve, when to connect and where, which connection a
/// call gets. It is told what happens and says what is to be done; it does nothing itself.
pub(crate) struct Pool<C> {
    target: String,
    mode: Mode,
    life: Life,
    servers: Vec<Server<C>>,
    lookup: Lookup,
    /// Why the last answer was none.
    lookup_failure: Option<Failure>,
    idle_timeout: Option<Duration>,
    checks_health: bool,
    max_connections: usize,
    last_used: Instant,
    /// Counts tries: what one says that was given up is nobody's business any more.
    attempts: u64,
    random: u64,
    actions: Vec<Action<C>>,
    connectivity: Connectivity,
    /// Why calls fail, while they do.
    unreachable: Status,
    /// The servers that have connections, and what is known of them; both are of the same length.
    ready: Vec<usize>,
    ready_endpoints: Vec<Endpoint>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Idle,
    /// There were calls. On `hold` until the servers are known, or known again.
    Active {
        on_hold: bool,
    },
    Closed,
}

enum Mode {
    PickFirst(Stage),
    Spread(Box<dyn Balance>),
}

/// How far one server has been picked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was tried.
    Fresh,
    /// The addresses are tried in order; the one at `next` at that time, or as soon as one has failed.
    Pass { next: usize, at: Instant },
    /// All have failed; each is tried again after its own pause.
    Failing,
    /// One was reached; the others are left alone.
    Chosen,
}

impl<C: Lane> Pool<C> {
    pub(crate) fn new(settings: Settings) -> Self {
        let Settings {
            target,
            balance,
            has_fixed_servers,
            idle_timeout,
            checks_health,
            max_connections,
            seed,
        } = settings;
        Self {
            target,
            checks_health: checks_health && balance.is_some(),
            mode: balance.map_or(Mode::PickFirst(Stage::Fresh), Mode::Spread),
            life: Life::Idle,
            servers: Vec::new(),
            lookup: Lookup::new(seed, has_fixed_servers),
            lookup_failure: None,
            idle_timeout,
            max_connections: max_connections.max(1),
            last_used: Instant::ZERO,
            attempts: 0,
            random: seed,
            actions: Vec::new(),
            connectivity: Connectivity::Idle,
            unreachable: Status::OK,
            ready: Vec::new(),
            ready_endpoints: Vec::new(),
        }
    }

    pub(crate) const fn connectivity(&self) -> Connectivity {
        self.connectivity
    }

    /// What is to be done, in order.
    pub(crate) fn take_actions(&mut self) -> Vec<Action<C>> {
        take(&mut self.actions)
    }

    /// The connection of a call that is made `now`, if there is one.
    pub(crate) fn pick(&mut self, now: Instant) -> Option<C> {
        self.last_used = now;
        let place = match (&mut self.mode, self.ready.len()) {
            (_, 0) => return None,
            (Mode::Spread(balance), many @ 2..) => balance.choose(&self.ready_endpoints) % many,
            _ => 0,
        };
        let connections = &self.servers.get(*self.ready.get(place)?)?.connections;
        connections.iter().find(|lane| !lane.is_full()).or_else(|| connections.first()).cloned()
    }

    /// A call got no connection. It makes an idle channel connect.
    pub(crate) fn wanted(&mut self, now: Instant) {
        match self.life {
            Life::Idle => self.wake(now),
            // Whoever should have said so may have had no time.
            Life::Active { .. } if self.next_step().is_some_and(|at| at <= now) => self.settle(now),
            Life::Active { .. } | Life::Closed => {}
        }
    }

    /// What comes of a call that got no connection.
    pub(crate) fn refusal(&self) -> NoPick {
        match self.connectivity {
            Connectivity::Shutdown => NoPick::Closed,
            Connectivity::TransientFailure => NoPick::Unreachable(self.unreachable.clone()),
            Connectivity::Idle | Connectivity::Connecting | Connectivity::Ready => NoPick::Wait,
        }
    }

    /// Connects, if the channel is idle.
    pub(crate) fn wake(&mut self, now: Instant) {
        if self.life == Life::Idle {
            self.last_used = now;
            self.lookup.forget_old(now);
            let on_hold = self.lookup.begin(now);
            if on_hold {
                self.actions.push(Action::Resolve);
            }
            self.life = Life::Active { on_hold: on_hold || self.lookup.is_running() };
            self.settle(now);
        }
    }

    /// The other connections of the server that `lane` leads to.
    pub(crate) fn siblings(&self, lane: &C) -> Vec<C> {
        let server = self.servers.iter().find(|server| server.connections.iter().any(|there| there.is(lane)));
        let others = server.into_iter().flat_map(|server| &server.connections);
        others.filter(|there| !there.is(lane)).cloned().collect()
    }

    /// All connections of the server that `lane` leads to are full: another is made, if there may be one more.
    pub(crate) fn grow(&mut self, now: Instant, lane: &C) {
        let most = self.max_connections;
        let found = self.servers.iter().position(|server| {
            let mut lanes = server.connections.iter();
            lanes.any(|there| there.is(lane)) && server.connections.len() < most && server.may_connect(now)
        });
        if let Some(index) = found {
            self.connect(index, now);
        }
    }

    /// From now on servers are chosen by `balance`, and get calls as they say of their health with `checks_health`. Connections
    /// stay where the same ones are needed.
    pub(crate) fn spread(&mut self, balance: Option<Box<dyn Balance>>, checks_health: bool) {
        let stays = matches!(self.mode, Mode::Spread(_)) && balance.is_some();
        if !stays || self.checks_health || checks_health {
            for server in take(&mut self.servers) {
                self.let_go(server);
            }
        }
        self.checks_health = checks_health && balance.is_some();
        self.mode = balance.map_or(Mode::PickFirst(Stage::Fresh), Mode::Spread);
    }

    /// Servers were found.
    pub(crate) fn resolved(&mut self, now: Instant, resolution: Resolution) {
        if resolution.endpoints.is_empty() {
            return self.unresolved(now, Failure::new("the name has no address", None));
        }
        self.lookup.found(now, resolution.valid_for);
        self.lookup_failure = None;
        let mut before = take(&mut self.servers);
        for endpoint in eyeballs::order(resolution.endpoints) {
            let known = before.iter().position(|server| server.endpoint.address == endpoint.address);
            let mut server = match known {
                Some(known) => before.swap_remove(known),
                None => Server::new(endpoint.clone(), self.draw()),
            };
            server.endpoint = endpoint;
            self.servers.push(server);
        }
        for server in before {
            self.let_go(server);
        }
        if let Mode::PickFirst(stage) = &mut self.mode {
            let is_new = |server: &Server<C>| matches!(server.effort, Effort::None);
            let restarts = match stage {
                Stage::Fresh | Stage::Pass { .. } => true,
                Stage::Chosen => self.servers.iter().all(|server| server.connections.is_empty()),
                Stage::Failing => self.servers.iter().any(is_new),
            };
            if restarts {
                *stage = Stage::Fresh;
            }
        }
        self.go_on(now);
    }

    /// No servers were found. Those of before stay.
    pub(crate) fn unresolved(&mut self, now: Instant, failure: Failure) {
        self.lookup.failed(now);
        self.lookup_failure = Some(failure);
        self.go_on(now);
    }

    fn go_on(&mut self, now: Instant) {
        if let Life::Active { on_hold } = &mut self.life {
            *on_hold = false;
        }
        self.settle(now);
    }

    /// A connection was made. Answers whether it is still wanted.
    pub(crate) fn connected(&mut self, now: Instant, attempt: u64, lane: C) -> bool {
        let Some((index, begun)) = self.trying(attempt) else { return false };
        if let Some(server) = self.servers.get_mut(index) {
            server.effort = Effort::None;
            server.begun = begun;
            server.backoff.on_success();
            if self.checks_health {
                server.held_back.push((lane, None));
            } else {
                server.connections.push(lane);
            }
        }
        if let Mode::PickFirst(stage) = &mut self.mode
            && replace(stage, Stage::Chosen) != Stage::Chosen
        {
            for server in self.servers.iter_mut().filter(|server| server.connections.is_empty()) {
                if let Effort::Connecting { attempt, .. } = replace(&mut server.effort, Effort::None) {
                    self.actions.push(Action::Abort(attempt));
                }
            }
        }
        self.settle(now);
        true
    }

    /// A try to connect has failed.
    pub(crate) fn failed(&mut self, now: Instant, attempt: u64, failure: Failure) {
        let Some((index, begun)) = self.trying(attempt) else { return };
        if let Some(server) = self.servers.get_mut(index) {
            let until = server.backoff.on_failure(begun);
            server.effort = Effort::Failed { until, failure };
        }
        match &mut self.mode {
            Mode::PickFirst(Stage::Pass { at, .. }) => *at = now,
            Mode::PickFirst(Stage::Failing) | Mode::Spread(_) => self.lookup.doubt(),
            Mode::PickFirst(Stage::Fresh | Stage::Chosen) => {}
        }
        self.settle(now);
    }

    /// A connection takes no more calls.
    pub(crate) fn lost(&mut self, now: Instant, lane: &C) {
        let holds = |server: &&mut Server<C>| server.all_connections().any(|there| there.is(lane));
        let Some(server) = self.servers.iter_mut().find(holds) else { return };
        server.connections.retain(|there| !there.is(lane));
        server.held_back.retain(|(there, _)| !there.is(lane));
        if !server.is_connected() {
            self.lookup.doubt();
            match &mut self.mode {
                // What connects as one more connection is the only one now.
                Mode::PickFirst(stage) if server.is_connecting() => {
                    *stage = Stage::Pass { next: usize::MAX, at: now };
                }
                Mode::PickFirst(_) => self.rest(),
                Mode::Spread(_) if now - server.begun < REST && matches!(server.effort, Effort::None) => {
                    server.effort = Effort::Resting { until: server.begun + REST };
                }
                Mode::Spread(_) => {}
            }
        }
        self.settle(now);
    }

    /// The server that `lane` leads to says how it is, or is asked.
    pub(crate) fn health(&mut self, now: Instant, lane: &C, health: Health) {
        let holds = |server: &&mut Server<C>| server.all_connections().any(|there| there.is(lane));
        let Some(server) = self.servers.iter_mut().find(holds) else { return };
        let mut of_lane = server.connections.extract_if(.., |there| there.is(lane)).next();
        if of_lane.is_none() {
            of_lane =
                server.held_back.extract_if(.., |(there, _)| there.is(lane)).next().map(|(lane, _)| lane);
        }
        let Some(lane) = of_lane else { return };
        match health {
            Health::Serving => server.connections.push(lane),
            Health::NotServing(why) => server.held_back.push((lane, Some(why))),
        }
        self.settle(now);
    }

    /// When [`tick`](Self::tick) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.idle_at(), self.next_step()].into_iter().flatten().min()
    }

    /// When the channel becomes idle if nothing is done with it. Out of a failure there is no way but to try again.
    fn idle_at(&self) -> Option<Instant> {
        match (self.life, self.connectivity) {
            (Life::Idle | Life::Closed, _) | (_, Connectivity::TransientFailure) => None,
            (Life::Active { .. }, _) => self.idle_timeout.map(|timeout| self.last_used + timeout),
        }
    }

    /// When something is to be done next.
    fn next_step(&self) -> Option<Instant> {
        let Life::Active { on_hold } = self.life else { return None };
        let pauses = || {
            let waiting = self.servers.iter().filter(|server| !server.is_connected());
            waiting.filter_map(Server::pauses_until).min()
        };
        let connect = match &self.mode {
            _ if on_hold => None,
            Mode::PickFirst(Stage::Pass { next, at }) => (*next < self.servers.len()).then_some(*at),
            Mode::PickFirst(Stage::Fresh | Stage::Chosen) => None,
            Mode::PickFirst(Stage::Failing) | Mode::Spread(_) => pauses(),
        };
        [connect, self.lookup.due()].into_iter().flatten().min()
    }

    /// Time has passed. With `is_awaited`, calls wait for a connection.
    pub(crate) fn tick(&mut self, now: Instant, is_awaited: bool) {
        if self.idle_at().is_some_and(|at| at <= now) {
            let lanes = self.servers.iter().flat_map(Server::all_connections);
            // Since when the one has been quiet that was used last; `now` while there are calls.
            let since = lanes.map(|lane| lane.idle_since().unwrap_or(now)).max();
            let used = if is_awaited { Some(now) } else { since };
            self.last_used = self.last_used.max(used.unwrap_or(self.last_used));
            if self.idle_at().is_some_and(|at| at <= now) {
                self.rest();
            }
        }
        self.settle(now);
    }

    /// Takes no more calls, for good. Those that there are go on.
    pub(crate) fn close(&mut self) {
        self.rest();
        self.life = Life::Closed;
        self.settle(Instant::ZERO);
    }

    /// Does nothing until the next call.
    fn rest(&mut self) {
        let mut servers = take(&mut self.servers);
        for server in &mut servers {
            if let Effort::Connecting { attempt, .. } = replace(&mut server.effort, Effort::None) {
                self.actions.push(Action::Abort(attempt));
            }
            self.actions.extend(server.take_connections().map(Action::Drain));
        }
        self.servers = servers;
        self.life = Life::Idle;
        if let Mode::PickFirst(stage) = &mut self.mode {
            *stage = Stage::Fresh;
        }
    }

    fn let_go(&mut self, mut server: Server<C>) {
        if let Effort::Connecting { attempt, .. } = server.effort {
            self.actions.push(Action::Abort(attempt));
        }
        self.actions.extend(server.take_connections().map(Action::Drain));
    }

    /// The server that `attempt` is for, and when that began; `None` if it was given up.
    fn trying(&self, attempt: u64) -> Option<(usize, Instant)> {
        self.servers.iter().enumerate().find_map(|(index, server)| match server.effort {
            Effort::Connecting { attempt: there, begun } if there == attempt => Some((index, begun)),
            _ => None,
        })
    }

    fn connect(&mut self, index: usize, now: Instant) {
        let Some(server) = self.servers.get_mut(index) else { return };
        self.attempts += 1;
        let attempt = self.attempts;
        server.effort = Effort::Connecting { attempt, begun: now };
        let (address, beside) = (server.endpoint.address.clone(), server.connections.first().cloned());
        self.actions.push(Action::Connect { attempt, address, beside });
    }

    /// Does what is due, and sees what the channel is now.
    fn settle(&mut self, now: Instant) {
        if let Life::Active { on_hold } = self.life {
            if self.lookup.begin(now) {
                self.actions.push(Action::Resolve);
            }
            if !on_hold && !self.servers.is_empty() {
                match self.mode {
                    Mode::PickFirst(stage) => {
                        let stage = self.pick_first(stage, now);
                        self.mode = Mode::PickFirst(stage);
                    }
                    Mode::Spread(_) => self.connect_all(now),
                }
            }
        }
        self.ready.clear();
        self.ready_endpoints.clear();
        for (index, server) in self.servers.iter().enumerate() {
            if !server.connections.is_empty() {
                self.ready.push(index);
                self.ready_endpoints.push(server.endpoint.clone());
            }
        }
        self.connectivity = self.assess();
        if self.connectivity == Connectivity::TransientFailure {
            self.unreachable = self.blame();
        }
    }

    /// Connects to those that may be tried again.
    fn connect_all(&mut self, now: Instant) {
        for index in 0..self.servers.len() {
            let is_due = |server: &Server<C>| !server.is_connected() && server.may_connect(now);
            if self.servers.get(index).is_some_and(is_due) {
                self.connect(index, now);
            }
        }
    }

    fn pick_first(&mut self, stage: Stage, now: Instant) -> Stage {
        let (mut next, mut at) = match stage {
            Stage::Chosen => return stage,
            Stage::Failing => {
                self.connect_all(now);
                return stage;
            }
            Stage::Fresh => (0, now),
            Stage::Pass { next, at } => (next, at),
        };
        while at <= now
            && let Some(server) = self.servers.get(next)
        {
            if server.may_connect(now) {
                self.connect(next, now);
                at = now + ATTEMPT_DELAY;
            } else if server.is_connecting() {
                at = now + ATTEMPT_DELAY;
            }
            next += 1;
        }
        if next < self.servers.len() || self.servers.iter().any(Server::is_connecting) {
            return Stage::Pass { next, at };
        }
        self.lookup.doubt();
        Stage::Failing
    }

    /// What the channel is, by what its servers are.
    fn assess(&self) -> Connectivity {
        let is_asked = |server: &Server<C>| server.held_back.iter().any(|(_, why)| why.is_none());
        let is_moving = |server: &Server<C>| {
            matches!(server.effort, Effort::Connecting { .. } | Effort::Resting { .. }) || is_asked(server)
        };
        match (self.life, &self.mode) {
            (Life::Closed, _) => Connectivity::Shutdown,
            (Life::Idle, _) => Connectivity::Idle,
            _ if !self.ready.is_empty() => Connectivity::Ready,
            (Life::Active { on_hold: true }, _) => Connectivity::Connecting,
            (_, Mode::PickFirst(Stage::Pass { .. })) => Connectivity::Connecting,
            _ if self.servers.iter().any(is_moving) => Connectivity::Connecting,
            _ if self.servers.is_empty() && self.lookup.is_running() => Connectivity::Connecting,
            _ => Connectivity::TransientFailure,
        }
    }

    /// The status of calls that fail because no server was reached: what was tried, and what it came to.
    fn blame(&self) -> Status {
        let mut tried = Vec::new();
        let mut source = None;
        for server in &self.servers {
            let failed = match &server.effort {
                Effort::Failed { failure, .. } => Some(failure),
                _ => server.held_back.iter().find_map(|(_, why)| why.as_ref()),
            };
            if let Some(failure) = failed {
                let address = server.endpoint.address.to_string();
                let Failure { why, error } = failure;
                tried.push(if address == self.target { why.clone() } else { format!("{address}: {why}") });
                source = error.clone().or(source);
            }
        }
        if tried.is_empty()
            && let Some(Failure { why, error }) = &self.lookup_failure
        {
            tried.push(why.clone());
            source.clone_from(error);
        }
        let more = tried.len().saturating_sub(MAX_NAMED);
        tried.truncate(MAX_NAMED);
        if more > 0 {
            tried.push(format!("and {more} more"));
        }
        let mut status =
            Status::unavailable(format!("cannot connect to {}: {}", self.target, tried.join("; ")));
        if let Some(error) = source {
            status.set_source(error);
        }
        status
    }

    /// Numbers that tell servers apart (Steele, Lea, Flood: splitmix).
    const fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }
}

#[cfg(test)]
mod tests;
