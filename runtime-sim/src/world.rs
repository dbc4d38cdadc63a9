//! All that a simulation is, as one value behind one lock.

use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

use unwired::Instant;
use unwired::transport::BoxFuture;

use crate::agenda::{Agenda, Due};
use crate::log::{Kind, Log};
use crate::network::{HostId, Network};
use crate::random::Random;
use crate::tasks::{TaskId, Tasks};

/// The state of a simulation, which its hosts share. Nobody ever waits for the lock: all runs in one thread.
pub(crate) struct World(Mutex<State>);

pub(crate) struct State {
    pub(crate) seed: u64,
    pub(crate) now: Instant,
    pub(crate) agenda: Agenda,
    pub(crate) tasks: Tasks,
    pub(crate) network: Network,
    pub(crate) log: Log,
    /// For what the runtimes of the hosts ask for.
    pub(crate) random: Random,
    /// The simulation is over: nothing is spawned any more.
    pub(crate) is_over: bool,
    /// Who is woken when the lock is free again.
    woken: Vec<Waker>,
    /// What is dropped when the lock is free again.
    spent: Vec<Waker>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(State {
            seed,
            now: Instant::ZERO,
            agenda: Agenda::new(Random::stream(seed, 1)),
            tasks: Tasks::new(Random::stream(seed, 2)),
            network: Network::new(Random::stream(seed, 3)),
            log: Log::new(seed),
            random: Random::stream(seed, 4),
            is_over: false,
            woken: Vec::new(),
            spent: Vec::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the state, changes it; then wakes whoever is to be woken.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state);
        let (woken, spent) = (core::mem::take(&mut state.woken), core::mem::take(&mut state.spent));
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        drop(spent);
        result
    }
}

impl State {
    /// Wakes whoever waits in `place`.
    pub(crate) fn wake(&mut self, place: Option<Waker>) {
        self.woken.extend(place);
    }

    /// Drops `waker` once the lock is free: whatever it holds may have something to say then.
    pub(crate) fn spend(&mut self, waker: Option<Waker>) {
        self.spent.extend(waker);
    }

    /// Adds a task of `host`, as the program there knows it: gives the future back if that program is no more.
    pub(crate) fn spawn(
        &mut self,
        host: HostId,
        incarnation: u64,
        future: BoxFuture<'static, ()>,
    ) -> Option<BoxFuture<'static, ()>> {
        if self.is_over || !self.network.is_running(host, incarnation) {
            return Some(future);
        }
        let task = self.tasks.add(Some(host), Some(future), self.now);
        let name = self.network.name(host);
        self.log.note(
            self.now,
            Kind::TaskSpawned,
            &[task, host.number()],
            format_args!("task {task} on {name}"),
        );
        None
    }

    /// Whose turn it is, with the future unless the caller has it.
    pub(crate) fn pick(&mut self) -> Option<(TaskId, Waker, Option<BoxFuture<'static, ()>>)> {
        for task in self.tasks.take_woken() {
            self.log.note(self.now, Kind::TaskWoken, &[task], format_args!("task {task}"));
        }
        let picked = self.tasks.pick()?;
        let task = picked.0;
        self.log.note(self.now, Kind::TaskRan, &[task], format_args!("task {task}"));
        Some(picked)
    }

    /// A task has ended.
    pub(crate) fn end(&mut self, task: TaskId) {
        self.tasks.remove(task);
        self.log.note(self.now, Kind::TaskEnded, &[task], format_args!("task {task}"));
    }

    /// Lets the time go on to `at`, which is not before what is to happen next, and lets that happen.
    pub(crate) fn advance(&mut self, at: Instant) {
        self.now = at;
        while let Some(due) = self.agenda.take_due(at) {
            match due {
                Due::Timer(waker) => {
                    self.log.note(at, Kind::TimerFired, &[], format_args!(""));
                    self.woken.push(waker);
                }
                Due::Deliver(connection, from) => self.deliver(connection, from),
                Due::GiveUp(connection, from) => self.give_up(connection, from),
                Due::Heal(one, other) => self.heal(one, other),
            }
        }
    }
}
