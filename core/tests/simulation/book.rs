//! What the simulation knows of each call, at both ends.

use bytes::{Bytes, BytesMut};
use unwired_core::Instant;
use unwired_core::grpc::{Batch, BatchBuilder, Message};

use crate::plan::{CallPlan, Plan};

/// Octets of a message before those that fill it: which call, which way, which message.
const HEAD: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Up,
    Down,
}

/// What was done for a call so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// Messages of the request that the core took.
    pub(crate) sent_up: usize,
    pub(crate) half_closed: bool,
    /// Messages of the response that the core took.
    pub(crate) sent_down: usize,
    /// The handler has given its status.
    pub(crate) answered: bool,
    /// The handler was dropped without an answer.
    pub(crate) dropped: bool,
}

pub(crate) struct Book {
    pub(crate) plan: Plan,
    pub(crate) calls: Vec<Entry>,
    /// The latest time that ever was.
    pub(crate) latest: Instant,
    /// Somebody, or something, ends the connection before its calls.
    pub(crate) cut: bool,
    /// The client gave a call up, or got its status early: until its handler has gone, the server may count it among
    /// those that it takes at a time.
    pub(crate) gave_up: bool,
    pub(crate) tally: Tally,
}

/// What happened, to see that it does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: u64,
    pub(crate) calls: u64,
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) late: u64,
    pub(crate) unavailable: u64,
    pub(crate) otherwise: u64,
    pub(crate) released: u64,
    pub(crate) handlers_dropped: u64,
    pub(crate) full: u64,
    pub(crate) busy: u64,
    pub(crate) frames: u64,
    pub(crate) hostile: u64,
    pub(crate) kills: u64,
    pub(crate) jumps: u64,
    pub(crate) half_closes: u64,
    pub(crate) resets: u64,
}

impl Book {
    pub(crate) fn new(plan: Plan) -> Self {
        let calls = vec![Entry::default(); plan.calls.len()];
        let cut = plan.faults.end.is_some()
            || plan.server.http2.max_age.is_some()
            || plan.server.http2.max_idle.is_some();
        Self { plan, calls, latest: Instant::ZERO, cut, gave_up: false, tally: Tally::default() }
    }

    pub(crate) fn plan(&self, call: usize) -> &CallPlan {
        &self.plan.calls[call]
    }

    /// Frames are spoiled: nobody knows what calls come to, but that they end.
    pub(crate) fn is_hostile(&self) -> bool {
        self.plan.faults.hostile > 0.0
    }

    /// Timers may run out early.
    pub(crate) fn jumps(&self) -> bool {
        self.plan.faults.jumps > 0.0
    }

    fn lengths(&self, call: usize, way: Way) -> &[usize] {
        let plan = self.plan(call);
        if way == Way::Up { &plan.up } else { &plan.down }
    }

    pub(crate) fn message(&self, call: usize, way: Way, number: usize) -> Message {
        let length = self.lengths(call, way)[number];
        let mut payload = BytesMut::with_capacity(HEAD + length);
        payload.extend_from_slice(&head(call, way, number));
        payload.resize(HEAD + length, fill(call, number));
        Message::plain(payload.freeze())
    }

    /// What is sent from that message on: it alone, or in one call of three up to three at once.
    pub(crate) fn batch(&self, call: usize, way: Way, number: usize) -> (Batch, usize) {
        let left = self.lengths(call, way).len() - number;
        if !call.is_multiple_of(3) || left < 2 {
            return (self.message(call, way, number).into(), 1);
        }
        let mut builder = BatchBuilder::new(usize::MAX);
        for number in number..number + left.min(3) {
            let payload = self.message(call, way, number).payload;
            let put = builder.put(false, |out| {
                out.extend_from_slice(&payload);
                Ok(())
            });
            put.expect("no message is too long");
        }
        let messages = builder.messages();
        (builder.take(), messages)
    }

    /// Whether messages of the call are taken all at once.
    pub(crate) const fn takes_batches(call: usize) -> bool {
        call % 2 == 1
    }

    /// Whether that is the message whose turn it is.
    pub(crate) fn check(&self, call: usize, way: Way, number: usize, payload: &Bytes) {
        if self.is_hostile() {
            return;
        }
        let length = self.lengths(call, way).get(number).expect("no more messages than were sent");
        let (got, rest) = payload.split_at(HEAD);
        assert_eq!(got, head(call, way, number), "another message's turn");
        assert_eq!(rest.len(), *length, "message {number} of call {call} is torn");
        assert!(
            rest.iter().all(|&octet| octet == fill(call, number)),
            "message {number} of call {call} is spoiled"
        );
    }
}

fn head(call: usize, way: Way, number: usize) -> [u8; HEAD] {
    [0xca, call as u8, way as u8, number as u8]
}

fn fill(call: usize, number: usize) -> u8 {
    (call * 16 + number) as u8
}

impl std::ops::AddAssign<&Self> for Tally {
    fn add_assign(&mut self, other: &Self) {
        let Self {
            connections,
            calls,
            ok,
            failed,
            cancelled,
            late,
            unavailable,
            otherwise,
            released,
            handlers_dropped,
            full,
            busy,
            frames,
            hostile,
            kills,
            jumps,
            half_closes,
            resets,
        } = self;
        *connections += other.connections;
        *calls += other.calls;
        *ok += other.ok;
        *failed += other.failed;
        *cancelled += other.cancelled;
        *late += other.late;
        *unavailable += other.unavailable;
        *otherwise += other.otherwise;
        *released += other.released;
        *handlers_dropped += other.handlers_dropped;
        *full += other.full;
        *busy += other.busy;
        *frames += other.frames;
        *hostile += other.hostile;
        *kills += other.kills;
        *jumps += other.jumps;
        *half_closes += other.half_closes;
        *resets += other.resets;
    }
}
