use core::pin::Pin;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll, Waker};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use unwired_core::Instant;
use unwired_core::grpc::Config;

use super::abort::Abort;
use super::attempt::Attempt;
use super::builder::Options;
use super::connected::Connected;
use super::plan::{Plans, Spread};
use super::policy::{Action, Failure, Health, NoPick, Pool, Settings};
use super::resolving::{Resolution, Resolver};
use super::service_config::ServiceConfig;
use super::stats::Tally;
use super::target::Target;
use super::watching::Watching;
use super::{Connectivity, RUNTIME_ENDED};
use crate::Status;
use crate::driver::{events, wake_all};
#[cfg(feature = "mount")]
use crate::mount::HttpClient;
use crate::numbered::Numbered;
#[cfg(feature = "tls")]
use crate::tls::{Connector, TlsStream};
use crate::transport::{Address, BoxStream, RuntimeHandle, Timer};

/// What the clones of a channel share: its servers, the connections to them, and who waits for one.
pub(crate) struct ClientChannel {
    pub(crate) runtime: RuntimeHandle,
    pub(crate) target: Target,
    pub(crate) config: Config,
    pub(crate) options: Options,
    /// What holds for its calls.
    pub(super) plans: Plans,
    /// What its connections have counted.
    pub(super) tally: Arc<Tally>,
    resolver: Resolver,
    /// What makes connections with TLS, or why nothing can.
    #[cfg(feature = "tls")]
    tls: Option<Result<Connector, String>>,
    /// What carries the calls instead of connections of our own.
    #[cfg(feature = "mount")]
    pub(super) over: Option<HttpClient>,
    state: Mutex<State>,
}

struct State {
    pool: Pool<Arc<Connected>>,
    /// How the pool chooses, and what is watched on each connection.
    spread: Spread,
    /// Calls that wait for a connection.
    waiting: Vec<Waker>,
    /// Those who wait for the channel to be something else than what it was.
    watching: Vec<Waker>,
    /// Tries under way.
    aborts: Numbered<Arc<Abort>>,
    keeper: Keeping,
    /// By how much keepalive PINGs are rarer than was asked for.
    keepalive_factor: u32,
}

/// The task that keeps the channel's time.
enum Keeping {
    /// There is none: no time matters.
    None,
    /// It sleeps until then.
    Sleeping(Waker, Instant),
    /// It looks at the channel before it sleeps.
    Running,
}

impl ClientChannel {
    pub(crate) fn new(
        runtime: RuntimeHandle,
        target: Target,
        config: Config,
        mut options: Options,
        resolver: Resolver,
        #[cfg(feature = "tls")] tls: Option<Result<Connector, String>>,
        #[cfg(feature = "mount")] over: Option<HttpClient>,
    ) -> Self {
        let has_configs = resolver.has_configs;
        // What carries the calls looks servers up as it sees fit.
        #[cfg(feature = "mount")]
        let has_configs = has_configs && over.is_none();
        let plans = Plans::new(options.service_config.take(), has_configs);
        let spread = plans.read(|plan| plan.spread(options.load_balancing.as_ref()));
        let pool = Pool::new(Settings {
            target: target.to_string(),
            balance: spread.balancing.balance(),
            checks_health: spread.health_check.is_some(),
            has_fixed_servers: resolver.resolve.is_fixed(),
            idle_timeout: options.idle_timeout,
            max_connections: options.max_connections,
            seed: runtime.seed(),
        });
        let state = State {
            pool,
            spread,
            waiting: Vec::new(),
            watching: Vec::new(),
            aborts: Numbered::default(),
            keeper: Keeping::None,
            keepalive_factor: 1,
        };
        Self {
            runtime,
            target,
            config,
            options,
            plans,
            tally: Arc::default(),
            resolver,
            #[cfg(feature = "tls")]
            tls,
            #[cfg(feature = "mount")]
            over,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection of a call that is made `now`, once there is one; tries to make one, if there is none. A call that
    /// does not wait for ready fails when there can be none.
    pub(crate) fn poll_pick(
        self: &Arc<Self>,
        now: Instant,
        waits_for_ready: bool,
        waker: &Waker,
    ) -> Poll<Result<Arc<Connected>, Status>> {
        let mut state = self.lock();
        if let Some(connected) = state.pool.pick(now) {
            return Poll::Ready(Ok(connected));
        }
        self.change(state, |pool| pool.wanted(now));
        // What was to be done may have been done at once.
        let mut state = self.lock();
        if let Some(connected) = state.pool.pick(now) {
            return Poll::Ready(Ok(connected));
        }
        match state.pool.refusal() {
            NoPick::Unreachable(status) if !waits_for_ready => return Poll::Ready(Err(status)),
            NoPick::Closed => return Poll::Ready(Err(closed())),
            NoPick::Unreachable(_) | NoPick::Wait => {}
        }
        watch(&mut state.waiting, waker);
        Poll::Pending
    }

    /// Ready once it is known what the resolver says of calls; it is asked.
    pub(super) fn poll_planned(self: &Arc<Self>, now: Instant, waker: &Waker) -> Poll<()> {
        self.change(self.lock(), |pool| pool.wake(now));
        let mut state = self.lock();
        // One that is closed says so to the call.
        if !self.plans.is_awaited() || state.pool.connectivity() == Connectivity::Shutdown {
            return Poll::Ready(());
        }
        watch(&mut state.waiting, waker);
        Poll::Pending
    }

    pub(crate) fn connectivity(&self) -> Connectivity {
        self.lock().pool.connectivity()
    }

    /// What carries the calls, if that is no connection of ours.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE when the channel was closed.
    #[cfg(feature = "mount")]
    pub(super) fn http(&self) -> Result<Option<&HttpClient>, Status> {
        match &self.over {
            Some(_) if self.connectivity() == Connectivity::Shutdown => Err(closed()),
            over => Ok(over.as_ref()),
        }
    }

    /// Ready once the channel is something else than `from`.
    pub(crate) fn poll_change(&self, from: Connectivity, waker: &Waker) -> Poll<Connectivity> {
        let mut state = self.lock();
        let connectivity = state.pool.connectivity();
        if connectivity != from {
            return Poll::Ready(connectivity);
        }
        watch(&mut state.watching, waker);
        Poll::Pending
    }

    pub(crate) fn wake(self: &Arc<Self>) {
        let now = self.runtime.now();
        self.change(self.lock(), |pool| pool.wake(now));
    }

    pub(crate) fn close(self: &Arc<Self>) {
        self.change(self.lock(), Pool::close);
    }

    pub(super) fn connected(self: &Arc<Self>, number: u64, connected: &Arc<Connected>) -> bool {
        let (now, mut is_wanted) = (self.runtime.now(), false);
        let mut state = self.lock();
        state.aborts.remove(number);
        let health_check = state.spread.health_check.clone();
        self.change(state, |pool| is_wanted = pool.connected(now, number, Arc::clone(connected)));
        // Those who wait for room on another connection to the same server have some here.
        connected.turns.wake(true);
        if is_wanted && let Some(service) = health_check {
            connected.is_watched.store(true, Ordering::Relaxed);
            let watching =
                Watching { channel: Arc::downgrade(self), connected: Arc::clone(connected), service };
            self.runtime.spawn(watching.run(self.runtime.clone()));
        }
        is_wanted
    }

    /// The server of a connection says how it is.
    pub(super) fn health(self: &Arc<Self>, connected: &Arc<Connected>, health: Health) {
        let now = self.runtime.now();
        self.change(self.lock(), |pool| pool.health(now, connected, health));
        // Those who wait for room may have some here from now on, or shall go elsewhere.
        connected.turns.wake(true);
    }

    pub(super) fn failed(self: &Arc<Self>, number: u64, failure: Failure) {
        let now = self.runtime.now();
        let mut state = self.lock();
        state.aborts.remove(number);
        self.change(state, |pool| pool.failed(now, number, failure));
    }

    /// Takes no more calls on a connection: the next one gets another.
    pub(crate) fn lost(self: &Arc<Self>, connected: &Arc<Connected>) {
        connected.retired.give_up();
        let now = self.runtime.now();
        self.change(self.lock(), |pool| pool.lost(now, connected));
    }

    /// Other connections to the same server, which may have room when one has not.
    pub(crate) fn siblings(&self, connected: &Arc<Connected>) -> Vec<Arc<Connected>> {
        self.lock().pool.siblings(connected)
    }

    /// All connections to a server are full.
    pub(crate) fn grow(self: &Arc<Self>, connected: &Arc<Connected>) {
        let now = self.runtime.now();
        self.change(self.lock(), |pool| pool.grow(now, connected));
    }

    /// The server says that there are too many PINGs (gRFC A8).
    pub(super) fn ping_less(&self) {
        let mut state = self.lock();
        state.keepalive_factor = state.keepalive_factor.saturating_mul(2);
    }

    /// What the next connection is made with.
    pub(super) fn connection_config(&self) -> Config {
        let mut config = self.config.clone();
        let factor = self.lock().keepalive_factor;
        if factor > 1
            && let Some(keepalive) = &mut config.http2.keepalive
        {
            keepalive.interval = keepalive.interval.saturating_mul(factor);
        }
        config
    }

    /// Tells the pool something, and does what it asks for.
    fn change(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        tell: impl FnOnce(&mut Pool<Arc<Connected>>),
    ) {
        let before = state.pool.connectivity();
        tell(&mut state.pool);
        self.follow(state, before);
    }

    /// Does what the pool asks for since it was told something, when `before` was its state.
    ///
    /// By itself, so that what is long is compiled once and not for all that the pool can be told.
    fn follow(self: &Arc<Self>, mut state: MutexGuard<'_, State>, before: Connectivity) {
        let actions = state.pool.take_actions();
        let mut woken = Vec::new();
        if state.pool.connectivity() != before {
            woken.append(&mut state.waiting);
            woken.append(&mut state.watching);
        }
        let timeout = state.pool.poll_timeout();
        let starts_keeper = match (&state.keeper, timeout) {
            (Keeping::Sleeping(_, at), Some(timeout)) if timeout < *at => {
                if let Keeping::Sleeping(waker, _) = core::mem::replace(&mut state.keeper, Keeping::Running) {
                    woken.push(waker);
                }
                false
            }
            (Keeping::None, Some(_)) => {
                state.keeper = Keeping::Running;
                true
            }
            _ => false,
        };
        let mut tasks = Vec::new();
        let (mut aborted, mut drained) = (Vec::new(), Vec::new());
        for action in actions {
            match action {
                Action::Resolve => tasks.push(Task::Resolve),
                Action::Connect { attempt, address, beside } => {
                    let abort = Arc::<Abort>::default();
                    state.aborts.insert(attempt, Arc::clone(&abort));
                    let turns = beside.map(|beside| Arc::clone(&beside.turns)).unwrap_or_default();
                    let channel = Arc::downgrade(self);
                    tasks.push(Task::Connect(Attempt { channel, number: attempt, address, turns, abort }));
                }
                Action::Abort(attempt) => aborted.extend(state.aborts.remove(attempt)),
                Action::Drain(connected) => drained.push(connected),
            }
        }
        drop(state);
        for abort in aborted {
            abort.give_up();
        }
        for connected in drained {
            connected.retired.give_up();
            connected.link.with(|shared| shared.conn.drain(self.runtime.now(), None));
            connected.turns.wake(true);
        }
        // A runtime that has ended drops these at once.
        for task in tasks {
            match task {
                Task::Resolve => {
                    let lookup = Lookup { channel: Arc::downgrade(self), is_answered: false };
                    self.runtime.spawn(lookup.run(self.runtime.clone()));
                }
                Task::Connect(attempt) => self.runtime.spawn(attempt.run(self.runtime.clone())),
            }
        }
        if starts_keeper {
            self.runtime.spawn(Keeper {
                channel: Arc::downgrade(self),
                timer: self.runtime.timer(),
                is_over: false,
            });
        }
        wake_all(&mut woken);
    }

    /// Takes the service config that came with an answer of the resolver.
    ///
    /// # Errors
    ///
    /// Why there is none that could hold: this one cannot be read, and there was none before.
    fn hear(&self, config: Option<Result<ServiceConfig, String>>) -> Result<(), Failure> {
        match config.transpose() {
            Ok(config) => self.plans.hear(config),
            Err(why) => {
                self.tally.on_config_refused();
                events::config_refused(&self.target, &why);
                if !self.plans.is_heard() {
                    return Err(Failure::new(why, None));
                }
            }
        }
        Ok(())
    }

    /// Makes a connection to `address`.
    pub(super) async fn connect(&self, address: &Address) -> io::Result<BoxStream> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let connector = tls.as_ref().map_err(|why| io::Error::other(why.clone()))?;
            let socket = self.connect_socket(address).await?;
            return Ok(Box::new(TlsStream::connect(socket, connector).await?));
        }
        self.connect_socket(address).await
    }

    async fn connect_socket(&self, address: &Address) -> io::Result<BoxStream> {
        match &self.target {
            Target::Memory(connector) => Ok(Box::new(connector.connect()?)),
            _ => self.runtime.connect(address.clone()).await,
        }
    }
}

impl Drop for ClientChannel {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.pool.close();
        let mut woken = Vec::new();
        for action in state.pool.take_actions() {
            match action {
                // Calls under way hold the connection themselves; they go on to their ends.
                Action::Drain(connected) => {
                    connected.retired.give_up();
                    connected.link.with(|shared| shared.conn.drain(self.runtime.now(), None));
                }
                Action::Abort(attempt) => {
                    if let Some(abort) = state.aborts.remove(attempt) {
                        abort.give_up();
                    }
                }
                Action::Resolve | Action::Connect { .. } => {}
            }
        }
        if let Keeping::Sleeping(waker, _) = core::mem::replace(&mut state.keeper, Keeping::None) {
            woken.push(waker);
        }
        wake_all(&mut woken);
    }
}

fn closed() -> Status {
    Status::unavailable("the channel was closed")
}

/// What is done beside everything else.
enum Task {
    Resolve,
    Connect(Attempt),
}

/// Lets whoever has `waker` wait among `waiting`.
fn watch(waiting: &mut Vec<Waker>, waker: &Waker) {
    if !waiting.iter().any(|there| there.will_wake(waker)) {
        waiting.push(waker.clone());
    }
}

/// Asks for the servers. Dropped before there is an answer, because the runtime has ended, it has failed.
struct Lookup {
    channel: Weak<ClientChannel>,
    is_answered: bool,
}

impl Lookup {
    async fn run(mut self, runtime: RuntimeHandle) {
        let Some(channel) = self.channel.upgrade() else { return };
        let resolver = channel.resolver.clone();
        let timeout = channel.options.connect_timeout;
        drop(channel);
        let answer = runtime.timeout(timeout, resolver.resolve.resolve(&runtime)).await;
        self.answer(match answer {
            Ok(Ok(resolution)) => Ok(resolution),
            Ok(Err(error)) => Err(Failure::from(error)),
            Err(_) => Err(Failure::new(format!("the name was not resolved in {timeout:?}"), None)),
        });
    }

    fn answer(&mut self, answer: Result<Resolution, Failure>) {
        self.is_answered = true;
        let Some(channel) = self.channel.upgrade() else { return };
        let now = channel.runtime.now();
        let answer = answer.and_then(|mut resolution| {
            channel.hear(resolution.service_config.take())?;
            Ok(resolution)
        });
        let spread = channel.plans.read(|plan| plan.spread(channel.options.load_balancing.as_ref()));
        let mut state = channel.lock();
        let mut planned =
            if channel.plans.answered() { core::mem::take(&mut state.waiting) } else { Vec::new() };
        let changes = answer.is_ok() && !spread.is(&state.spread);
        let new = changes.then(|| (spread.balancing.balance(), spread.health_check.is_some()));
        if changes {
            state.spread = spread;
        }
        channel.change(state, |pool| {
            if let Some((balance, checks_health)) = new {
                pool.spread(balance, checks_health);
            }
            match answer {
                Ok(resolution) => pool.resolved(now, resolution),
                Err(failure) => pool.unresolved(now, failure),
            }
        });
        wake_all(&mut planned);
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        if !self.is_answered {
            self.answer(Err(Failure::new(RUNTIME_ENDED, None)));
        }
    }
}

/// Keeps the time of a channel, as long as any matters to it.
struct Keeper {
    channel: Weak<ClientChannel>,
    timer: Box<dyn Timer>,
    is_over: bool,
}

impl Future for Keeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let Some(channel) = this.channel.upgrade() else { return Poll::Ready(()) };
            let now = channel.runtime.now();
            let mut state = channel.lock();
            state.keeper = Keeping::Running;
            let Some(at) = state.pool.poll_timeout() else {
                state.keeper = Keeping::None;
                this.is_over = true;
                return Poll::Ready(());
            };
            if at > now {
                state.keeper = Keeping::Sleeping(cx.waker().clone(), at);
                drop(state);
                this.timer.reset(at);
                if this.timer.poll_expired(cx).is_pending() {
                    return Poll::Pending;
                }
                continue;
            }
            let is_awaited = !state.waiting.is_empty();
            channel.change(state, |pool| pool.tick(now, is_awaited));
        }
    }
}

impl Drop for Keeper {
    /// The runtime has ended, or the channel.
    fn drop(&mut self) {
        if !self.is_over
            && let Some(channel) = self.channel.upgrade()
        {
            let keeper = core::mem::replace(&mut channel.lock().keeper, Keeping::None);
            drop(keeper);
        }
    }
}
