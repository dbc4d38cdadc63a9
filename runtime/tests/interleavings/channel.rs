//! Calls that wait for their turn: nobody waits while there is room, whoever comes, goes, or moves to another task.

use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::sync::Mutex;
use loom::thread;

use crate::explore;
use crate::park::Parked;
use crate::sync::lock;
use crate::turns::{Ticket, Turns};

/// A connection that has room for a few calls at a time.
#[derive(Default)]
struct Slots {
    free: usize,
    /// Somebody asked in vain: the next free slot is announced, once.
    wanted: bool,
}

struct Model {
    turns: Arc<Turns>,
    slots: Mutex<Slots>,
}

impl Model {
    fn new(free: usize) -> Arc<Self> {
        Arc::new(Self { turns: Arc::default(), slots: Mutex::new(Slots { free, wanted: false }) })
    }

    /// As `starting::start`.
    fn poll(&self, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<()> {
        let start = || {
            let mut slots = lock(&self.slots);
            if slots.free == 0 {
                slots.wanted = true;
                return None;
            }
            slots.free -= 1;
            Some(())
        };
        self.turns.poll(ticket, waker, start)
    }

    /// A call ends; the driver hears of it, and announces the slot if it was wanted and is still free.
    fn end(&self) {
        let mut slots = lock(&self.slots);
        slots.free += 1;
        if !std::mem::take(&mut slots.wanted) {
            return;
        }
        drop(slots);
        let mut slots = lock(&self.slots);
        if slots.free == 0 {
            slots.wanted = true;
            return;
        }
        drop(slots);
        self.turns.wake(false);
    }

    /// One call from its beginning to its end.
    fn call(&self) {
        let (parked, waker) = Parked::new();
        let mut ticket = None;
        while self.poll(&mut ticket, &waker).is_pending() {
            parked.sleep();
        }
        assert!(ticket.is_none(), "a call that has started waits no more");
        self.end();
    }
}

#[test]
fn every_call_has_its_turn() {
    explore(|| {
        let model = Model::new(1);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let model = Arc::clone(&model);
                thread::spawn(move || model.call())
            })
            .collect();
        model.call();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(lock(&model.slots).free, 1);
    });
}

#[test]
fn a_call_that_is_given_up_passes_its_turn_on() {
    explore(|| {
        let model = Model::new(0);
        let (_, waker) = Parked::new();
        let mut given_up = None;
        assert!(model.poll(&mut given_up, &waker).is_pending());
        let waits = Arc::clone(&model);
        let waiting = thread::spawn(move || waits.call());
        let ends = Arc::clone(&model);
        let ending = thread::spawn(move || ends.end());
        drop(given_up);
        ending.join().unwrap();
        waiting.join().unwrap();
    });
}

#[test]
fn a_call_that_moves_to_another_task_is_woken_there() {
    explore(|| {
        let model = Model::new(0);
        let (_, before) = Parked::new();
        let mut ticket = None;
        assert!(model.poll(&mut ticket, &before).is_pending());
        let ends = Arc::clone(&model);
        let ending = thread::spawn(move || ends.end());
        let (parked, waker) = Parked::new();
        while model.poll(&mut ticket, &waker).is_pending() {
            parked.sleep();
        }
        ending.join().unwrap();
    });
}
