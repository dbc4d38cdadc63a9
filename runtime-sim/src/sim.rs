//! The simulation, and its loop.

use core::fmt;
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use unwired::Instant;

use crate::Random;
use crate::host::Host;
use crate::network::{HostId, Link};
use crate::tasks::TaskId;
use crate::world::World;

/// Turns of tasks at one instant before the time goes on all the same: somebody may be waiting for it by looking at the
/// clock, or until a deadline ends what two tasks say to each other in memory.
const TURNS_AT_ONCE: usize = 10_000;
/// What each turn takes from then on.
const TURN: Duration = Duration::from_micros(1);
/// Turns without a pause before tasks are said to run in circles.
const MAX_TURNS: usize = 10_000_000;
/// How far the time goes in one [`Sim::run_until`] before it is said to hang.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A simulation: hosts, the network between them, and the time.
///
/// Everything in it is decided by its seed: the order of tasks, every delay, every fault that comes by chance. Time stands
/// still while anything can run, and jumps to what is next when nothing can. (After 10,000 turns of tasks at one instant
/// each takes a microsecond, so that who waits by looking at the clock does not wait for ever.)
pub struct Sim {
    world: Arc<World>,
    is_running: AtomicBool,
}

/// What a turn came to.
enum Turn {
    /// A task ran.
    Ran,
    /// It is the turn of the future that the simulation runs until.
    Main(core::task::Waker),
    /// Nobody can run.
    Idle,
}

impl Sim {
    /// A simulation that `seed` decides. Nothing in it runs yet.
    pub fn new(seed: u64) -> Self {
        Self { world: Arc::new(World::new(seed)), is_running: AtomicBool::new(false) }
    }

    /// What decides this simulation.
    pub fn seed(&self) -> u64 {
        self.world.with(|state| state.seed)
    }

    /// The virtual time. It begins at [`Instant::ZERO`].
    pub fn now(&self) -> Instant {
        self.world.with(|state| state.now)
    }

    /// Random numbers for a test, of the seed too: each call gives others.
    pub fn random(&self) -> Random {
        self.world.with(|state| Random::new(state.random.next_u64()))
    }

    /// The host of that name: made when it is asked for first.
    pub fn host(&self, name: &str) -> Host {
        Host::new(Arc::clone(&self.world), name)
    }

    /// All that has happened, folded into one number. It is the same whenever the same program runs with the same seed.
    pub fn digest(&self) -> u64 {
        self.world.with(|state| state.log.digest())
    }

    /// How many things have happened: turns and wake-ups of tasks, timers, segments, faults.
    pub fn events(&self) -> u64 {
        self.world.with(|state| state.log.events())
    }

    /// Connections that at least one end knows of.
    pub fn connections(&self) -> usize {
        self.world.with(|state| state.network.connections())
    }

    /// What is between hosts of which [`set_link`](Self::set_link) says nothing.
    pub fn set_default_link(&self, link: Link) {
        self.world.with(|state| state.network.set_default_link(link));
    }

    /// What is between two hosts, both ways. It holds for whatever is sent from now on.
    pub fn set_link(&self, one: &str, other: &str, link: Link) {
        let (one, other) = (self.find(one), self.find(other));
        self.world.with(|state| state.network.set_link(one, other, link));
    }

    /// Parts two hosts: nothing comes from one to the other until they are [healed](Self::heal), and nobody says so.
    /// Their systems send again, for a quarter of an hour, what is not acknowledged.
    ///
    /// # Panics
    ///
    /// Like all that takes names: when there is no such host.
    pub fn partition(&self, one: &str, other: &str) {
        let (one, other) = (self.find(one), self.find(other));
        self.world.with(|state| state.partition(one, other));
    }

    /// Ends a [partition](Self::partition).
    pub fn heal(&self, one: &str, other: &str) {
        let (one, other) = (self.find(one), self.find(other));
        self.world.with(|state| state.heal(one, other));
    }

    /// Ends all partitions, those by chance too. Hosts whose power was cut stay dark.
    pub fn heal_all(&self) {
        self.world.with(|state| state.heal_all());
    }

    /// Resets the connections between two hosts at both ends.
    pub fn reset_connections(&self, one: &str, other: &str) {
        let (one, other) = (self.find(one), self.find(other));
        self.world.with(|state| state.reset_connections(one, other));
    }

    /// Makes the connections between two hosts half-open: `ends` is told that they were reset, `believes` is told nothing,
    /// and what it sends goes nowhere.
    pub fn half_open(&self, ends: &str, believes: &str) {
        let (ends, believes) = (self.find(ends), self.find(believes));
        self.world.with(|state| state.half_open(ends, believes));
    }

    /// Ends what runs on a host as when its process is killed: tasks are dropped, connections closed by the system, ports
    /// free. The host itself is there: it refuses connections, and can [serve](Host::serve) again at once.
    pub fn crash(&self, host: &str) {
        let host = self.find(host);
        let ended = self.world.with(|state| state.crash(host));
        drop(ended);
    }

    /// Ends a host without a word: nobody is told, and nothing is answered, until it is [restarted](Self::restart).
    pub fn cut_power(&self, host: &str) {
        let host = self.find(host);
        let ended = self.world.with(|state| state.cut_power(host));
        drop(ended);
    }

    /// Gives a host power again after [`cut_power`](Self::cut_power). Nothing runs on it yet; whoever believes in a
    /// connection from before is told that there is none when it sends something.
    pub fn restart(&self, host: &str) {
        let host = self.find(host);
        self.world.with(|state| state.restart(host));
    }

    fn find(&self, name: &str) -> HostId {
        let found = self.world.with(|state| state.network.find(name));
        found.unwrap_or_else(|| panic!("the simulation has no host {name:?}: `sim.host({name:?})` makes one"))
    }

    /// Runs until `future` is ready.
    ///
    /// # Panics
    ///
    /// When `future` waits for what cannot come, because nothing runs and no timer is set; when it is not ready after a
    /// week of virtual time; when tasks wake each other for ever. The message names the seed,
    /// and who waits.
    pub fn run_until<F: Future>(&self, future: F) -> F::Output {
        let _running = self.enter();
        let mut future = pin!(future);
        let main = self.world.with(|state| state.tasks.add(None, None, state.now));
        let _ends = Main { world: &self.world, task: main };
        let end = self.now() + PATIENCE;
        let mut turns = 0;
        loop {
            match self.turn(main, &mut turns) {
                Turn::Ran => {}
                Turn::Main(waker) => {
                    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return output;
                    }
                }
                Turn::Idle => match self.world.with(|state| state.agenda.next()) {
                    Some(at) if at <= end => self.pause(at, &mut turns),
                    Some(_) => panic!("not ready after {PATIENCE:?} of virtual time\n{}", self.report()),
                    None => panic!(
                        "it waits for what cannot come: nothing runs and no timer is set\n{}",
                        self.report()
                    ),
                },
            }
        }
    }

    /// Runs for `duration` of virtual time.
    ///
    /// # Panics
    ///
    /// When tasks wake each other for ever.
    pub fn run_for(&self, duration: Duration) {
        let _running = self.enter();
        let end = self.now() + duration;
        let mut turns = 0;
        loop {
            match self.turn(TaskId::MAX, &mut turns) {
                Turn::Ran | Turn::Main(_) => {}
                Turn::Idle => match self.world.with(|state| state.agenda.next()) {
                    Some(at) if at <= end => self.pause(at, &mut turns),
                    _ => break self.world.with(|state| state.now = end),
                },
            }
        }
    }

    /// Runs until nobody can run and nothing is on its way between hosts: until all that is left are timers, or waits for
    /// what never comes.
    ///
    /// # Panics
    ///
    /// When tasks wake each other for ever.
    pub fn run_until_idle(&self) {
        let _running = self.enter();
        let mut turns = 0;
        loop {
            match self.turn(TaskId::MAX, &mut turns) {
                Turn::Ran | Turn::Main(_) => {}
                Turn::Idle => match self
                    .world
                    .with(|state| state.agenda.next().filter(|_| state.agenda.has_more_on_its_way()))
                {
                    Some(at) => self.pause(at, &mut turns),
                    None => break,
                },
            }
        }
    }

    fn enter(&self) -> Running<'_> {
        let runs_already = self.is_running.swap(true, Ordering::Relaxed);
        assert!(!runs_already, "the simulation runs already: what runs in it awaits, it does not run it");
        Running(&self.is_running)
    }

    /// Nobody can run until `at`.
    fn pause(&self, at: Instant, turns: &mut usize) {
        *turns = 0;
        self.world.with(|state| state.advance(at));
    }

    /// One task runs, if one can.
    fn turn(&self, main: TaskId, turns: &mut usize) -> Turn {
        let Some((id, waker, future)) = self.world.with(|state| state.pick()) else { return Turn::Idle };
        *turns += 1;
        if *turns > TURNS_AT_ONCE {
            self.world.with(|state| state.advance(state.now + TURN));
        }
        assert!(*turns < MAX_TURNS, "tasks wake each other for ever, task {id} is one\n{}", self.report());
        let Some(mut future) = future else {
            return if id == main { Turn::Main(waker) } else { Turn::Ran };
        };
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            // It may hold what has something to say as it is dropped.
            drop(future);
            self.world.with(|state| state.end(id));
        } else {
            let gone = self.world.with(|state| state.tasks.put_back(id, future));
            drop(gone);
        }
        Turn::Ran
    }

    /// Who waits, for a person who wonders.
    fn report(&self) -> String {
        self.world.with(|state| {
            let mut lines =
                vec![format!("seed {}, {:?} of virtual time; there wait:", state.seed, state.now)];
            for (id, task) in state.tasks.iter() {
                let what = match task.host {
                    Some(host) => format!("on {}", state.network.name(host)),
                    None => "the future that this runs until".to_owned(),
                };
                lines.push(format!("  task {id} since {:?}: {what}", task.spawned));
            }
            lines.extend(state.network.describe().into_iter().map(|line| format!("  {line}")));
            lines.push("UNWIRED_SIM_LOG=1 prints all that happened".to_owned());
            lines.join("\n")
        })
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("seed", &self.seed()).field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Drop for Sim {
    /// All tasks end: they hold the simulation, which holds them.
    fn drop(&mut self) {
        loop {
            let (tasks, due) = self.world.with(|state| {
                state.is_over = true;
                (state.tasks.take_all(), state.agenda.clear())
            });
            if tasks.is_empty() && due.is_empty() {
                break;
            }
        }
    }
}

/// While it is there, the simulation runs.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The place of the future that a simulation runs until, among its tasks.
struct Main<'a> {
    world: &'a World,
    task: TaskId,
}

impl Drop for Main<'_> {
    fn drop(&mut self) {
        self.world.with(|state| state.end(self.task));
    }
}
