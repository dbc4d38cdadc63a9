//! Tasks, and whose turn it is.

use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

use unwired::Instant;
use unwired::transport::BoxFuture;

use crate::network::HostId;
use crate::random::Random;

/// The number of a task; none is given twice.
pub(crate) type TaskId = u64;

/// Who was woken since somebody looked. It has a lock of its own: wakers are called from anywhere.
#[derive(Debug, Default)]
struct Woken(Mutex<Vec<TaskId>>);

#[derive(Debug)]
struct TaskWaker {
    task: TaskId,
    /// Noted already, and not run since.
    is_noted: AtomicBool,
    woken: Arc<Woken>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_noted.swap(true, Ordering::AcqRel) {
            self.woken.0.lock().unwrap_or_else(PoisonError::into_inner).push(self.task);
        }
    }
}

pub(crate) struct Task {
    /// The host it runs on; none for the future that a simulation runs until.
    pub(crate) host: Option<HostId>,
    /// None while it has its turn, and for the future that a simulation runs until.
    pub(crate) future: Option<BoxFuture<'static, ()>>,
    pub(crate) spawned: Instant,
    noted: Arc<TaskWaker>,
    waker: Waker,
}

pub(crate) struct Tasks {
    tasks: BTreeMap<TaskId, Task>,
    runnable: Vec<TaskId>,
    woken: Arc<Woken>,
    next: TaskId,
    random: Random,
}

impl Tasks {
    pub(crate) fn new(random: Random) -> Self {
        Self { tasks: BTreeMap::new(), runnable: Vec::new(), woken: Arc::default(), next: 0, random }
    }

    /// Adds a task, which is ready to run.
    pub(crate) fn add(
        &mut self,
        host: Option<HostId>,
        future: Option<BoxFuture<'static, ()>>,
        spawned: Instant,
    ) -> TaskId {
        let task = self.next;
        self.next += 1;
        let noted =
            Arc::new(TaskWaker { task, is_noted: AtomicBool::new(true), woken: Arc::clone(&self.woken) });
        let waker = Waker::from(Arc::clone(&noted));
        self.tasks.insert(task, Task { host, future, spawned, noted, waker });
        self.runnable.push(task);
        task
    }

    /// Makes those runnable that were woken; answers who they are.
    pub(crate) fn take_woken(&mut self) -> Vec<TaskId> {
        let woken = core::mem::take(&mut *self.woken.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.runnable.extend(&woken);
        woken
    }

    /// Picks one that can run, by the seed.
    pub(crate) fn pick(&mut self) -> Option<(TaskId, Waker, Option<BoxFuture<'static, ()>>)> {
        loop {
            if self.runnable.is_empty() {
                return None;
            }
            let at = self.random.below(self.runnable.len());
            let id = self.runnable.swap_remove(at);
            // A task that has ended may have been woken all the same.
            if let Some(task) = self.tasks.get_mut(&id) {
                // It can be woken again from now on: while it runs, too.
                task.noted.is_noted.store(false, Ordering::Release);
                return Some((id, task.waker.clone(), task.future.take()));
            }
        }
    }

    /// Gives back the future of a task that waits. Answers the future of one that is gone by now.
    pub(crate) fn put_back(
        &mut self,
        id: TaskId,
        future: BoxFuture<'static, ()>,
    ) -> Option<BoxFuture<'static, ()>> {
        match self.tasks.get_mut(&id) {
            Some(task) => {
                task.future = Some(future);
                None
            }
            None => Some(future),
        }
    }

    pub(crate) fn remove(&mut self, id: TaskId) -> Option<Task> {
        self.tasks.remove(&id)
    }

    /// Takes all tasks of `host`.
    pub(crate) fn take_all_of(&mut self, host: HostId) -> Vec<Task> {
        let theirs = self.tasks.iter().filter(|(_, task)| task.host == Some(host)).map(|(id, _)| *id);
        let theirs: Vec<_> = theirs.collect();
        theirs.into_iter().filter_map(|id| self.tasks.remove(&id)).collect()
    }

    /// Takes all there are.
    pub(crate) fn take_all(&mut self) -> Vec<Task> {
        self.runnable.clear();
        core::mem::take(&mut self.tasks).into_values().collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (TaskId, &Task)> {
        self.tasks.iter().map(|(id, task)| (*id, task))
    }
}
