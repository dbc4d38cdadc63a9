//! Random commands on both ends of a pair.

use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use unwired_core::http2::{Config, OpenError, Reason, SendError};

use crate::raw;
use crate::sim::{CLIENT, Call, SERVER, Sim, octets, take};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Open { end: bool },
    Respond { pick: u8, end: bool },
    Data { side: usize, pick: u8, length: usize, end: bool },
    Trailers { side: usize, pick: u8 },
    Reset { side: usize, pick: u8 },
    Release { side: usize, pick: u8 },
    Take { side: usize, pick: u8 },
    Grant { side: usize, pick: u8, bytes: usize },
    Transmit { side: usize, budget: usize },
    Write { side: usize, bytes: usize },
    Deliver { side: usize, bytes: usize },
    Pass { millis: u64 },
    Settle,
    Drain { side: usize },
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let side = || 0..2usize;
    let pick = any::<u8>;
    let rarely = || prop::bool::weighted(0.2);
    prop_oneof![
        60 => rarely().prop_map(|end| Op::Open { end }),
        60 => (pick(), rarely()).prop_map(|(pick, end)| Op::Respond { pick, end }),
        150 => (side(), pick(), prop_oneof![0..100usize, 0..40_000usize], rarely())
            .prop_map(|(side, pick, length, end)| Op::Data { side, pick, length, end }),
        20 => (side(), pick()).prop_map(|(side, pick)| Op::Trailers { side, pick }),
        10 => (side(), pick()).prop_map(|(side, pick)| Op::Reset { side, pick }),
        15 => (side(), pick()).prop_map(|(side, pick)| Op::Release { side, pick }),
        60 => (side(), pick()).prop_map(|(side, pick)| Op::Take { side, pick }),
        20 => (side(), pick(), 0..50_000usize).prop_map(|(side, pick, bytes)| Op::Grant { side, pick, bytes }),
        60 => (side(), prop_oneof![1..100usize, 1..100_000usize]).prop_map(|(side, budget)| Op::Transmit { side, budget }),
        90 => (side(), prop_oneof![1..100usize, 1..100_000usize]).prop_map(|(side, bytes)| Op::Write { side, bytes }),
        90 => (side(), prop_oneof![1..100usize, 1..100_000usize]).prop_map(|(side, bytes)| Op::Deliver { side, bytes }),
        20 => (0..60u64).prop_map(|millis| Op::Pass { millis }),
        20 => Just(Op::Settle),
        1 => side().prop_map(|side| Op::Drain { side }),
    ]
}

impl Sim {
    fn run(&mut self, op: Op) {
        match op {
            Op::Open { end } => {
                let client = &mut self.ends[CLIENT];
                match client.conn.open(raw::REQUEST.into_iter().collect(), end) {
                    Ok(key) => client.calls.push(Call::new(key, true, end)),
                    Err(OpenError::Busy(_) | OpenError::GoingAway(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Op::Respond { pick, end } => self.with(SERVER, pick, |conn, call| {
                let fields = raw::RESPONSE.into_iter().collect();
                if conn.send_headers(call.key, fields, end).is_ok() {
                    assert!(!call.answered && !call.over);
                    call.answered = true;
                    call.ended = end;
                } else {
                    assert!(call.answered || call.over);
                }
            }),
            Op::Data { side, pick, length, end } => self.with(side, pick, |conn, call| {
                let body = Bytes::from(octets(call.accepted, length));
                let (head, body) = body.split_at(length.min(5));
                match conn.send_data(call.key, head, Bytes::copy_from_slice(body), end) {
                    Ok(()) => {
                        assert!(call.answered && !call.ended && !call.over);
                        call.accepted += length as u64;
                        call.ended = end;
                    }
                    Err(SendError::Full(back)) => {
                        assert_eq!(back, body);
                        call.wants_room = true;
                    }
                    Err(SendError::Use(_)) => assert!(!call.answered || call.ended || call.over),
                }
            }),
            Op::Trailers { side, pick } => self.with(side, pick, |conn, call| {
                if conn.send_trailers(call.key, raw::TRAILERS.into_iter().collect()).is_ok() {
                    assert!(call.answered && !call.ended && !call.over);
                    call.ended = true;
                }
            }),
            Op::Reset { side, pick } => self.with(side, pick, |conn, call| {
                // A call that is over keeps its last event, which may not be polled yet.
                conn.reset(call.key, Reason::CANCEL);
                call.over = true;
                call.cut = true;
            }),
            Op::Release { side, pick } => self.with(side, pick, |conn, call| {
                take(conn, call);
                conn.release(call.key);
                call.cut |= !call.over;
                call.over = true;
                call.released = true;
            }),
            Op::Take { side, pick } => self.with(side, pick, take),
            Op::Grant { side, pick, bytes } => {
                self.with(side, pick, |conn, call| conn.grant(call.key, bytes))
            }
            Op::Transmit { side, budget } => self.transmit(side, budget),
            Op::Write { side, bytes } => self.write(side, bytes),
            Op::Deliver { side, bytes } => self.deliver(side, bytes),
            Op::Pass { millis } => self.pass(Duration::from_millis(millis)),
            Op::Settle => self.settle(),
            Op::Drain { side } => self.ends[side].conn.drain(self.now, None),
        }
        for side in [CLIENT, SERVER] {
            self.poll(side);
            self.ends[side].conn.check_invariants();
        }
    }
}

pub(crate) fn config() -> impl Strategy<Value = Config> {
    (
        prop_oneof![Just(0), 1..2_000u32, Just(65_535), 65_535..200_000u32],
        prop_oneof![Just(65_535), 65_535..1_000_000u32],
        prop_oneof![1..5u32, Just(128)],
        prop_oneof![1..3_000usize, Just(64 << 10)],
        any::<(bool, u64)>(),
    )
        .prop_map(|(initial_window, connection_window, streams, buffer, (bdp, seed))| {
            raw::config(|config| {
                config.initial_window = initial_window;
                config.connection_window = connection_window;
                config.limits.max_concurrent_streams = streams;
                config.limits.send_buffer_stream = buffer;
                config.limits.send_buffer_connection = buffer * 3;
                config.bdp = bdp;
                config.seed = seed;
            })
        })
}

pub(crate) fn run(config: Config, ops: Vec<Op>) {
    let mut sim = Sim::new(config);
    for op in ops {
        sim.run(op);
    }
    sim.finish();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_commands_conserve_credit_leave_nothing_and_go_on(config in config(), ops in vec(op(), 0..250)) {
        run(config, ops);
    }
}
