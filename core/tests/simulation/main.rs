//! Connections by the thousand: a client and a server of gRPC, back to back, and for each seed other settings, other calls,
//! another network and other faults. Bytes come split and merged anywhere and late, writes take some or nothing, handles are
//! dropped at any poll, clocks jump, connections are half closed or reset after any octet, drained, closed, and some
//! peers send what none should. Whatever happens:
//!
//! - each call ends once, with the messages and the status that it was planned to have, or one that something explains;
//! - once the faults are healed every call ends: nobody waits for what does not come;
//! - nothing is heard of what was released or has ended;
//! - windows are kept to by an independent model, no credit is lost, and nothing is left in any ledger;
//! - no peer is killed that did nothing.
//!
//! `UNWIRED_SIM_SEEDS=20000` runs as many, from `UNWIRED_SIM_FIRST=100000` on, `UNWIRED_SIM_SEED=17` that one; `UNWIRED_RECORD=DIR` leaves the recording of one that
//! fails (`docs/replay.md`).

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "tests are told which seeds to run, and say which one failed"
)]

mod book;
mod client;
mod connection;
mod hostile;
#[path = "../http2/model.rs"]
#[allow(dead_code, reason = "the other simulation asks it more")]
mod model;
mod network;
mod plan;
#[path = "../../../runtime-sim/src/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "whole simulations need more of it")]
mod random;
mod server;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use book::Tally;
use unwired_replay::{keep, play, record};

/// Seeds that each thread takes at a time.
const BATCH: u64 = 64;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value} is no number")))
}

/// Runs the seeds from `first` to before `end` on all processors.
fn run(first: u64, end: u64) -> Tally {
    let next = AtomicU64::new(first);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= end {
                return tally;
            }
            for seed in first..end.min(first + BATCH) {
                match catch_unwind(|| connection::run(seed)) {
                    Ok(one) => tally += &one,
                    Err(panic) => {
                        // The others need not go on.
                        next.store(end, Ordering::Relaxed);
                        eprintln!("seed {seed} failed; run again with UNWIRED_SIM_SEED={seed}");
                        keep(&format!("connection-{seed}"), || _ = connection::run(seed));
                        resume_unwind(panic);
                    }
                }
            }
        }
    };
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..thread::available_parallelism().map_or(1, usize::from)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            match thread.join() {
                Ok(one) => tally += &one,
                Err(panic) => resume_unwind(panic),
            }
        }
    });
    tally
}

#[test]
fn every_connection_ends_well() {
    if let Some(seed) = number("UNWIRED_SIM_SEED") {
        println!("{:#?}", plan::Plan::draw(&mut random::Random::new(seed)));
        return keep(&format!("connection-{seed}"), || _ = connection::run(seed));
    }
    let first = number("UNWIRED_SIM_FIRST").unwrap_or(0);
    let tally = run(first, first + number("UNWIRED_SIM_SEEDS").unwrap_or(1_000));
    println!("{tally:?}");
    // What the seeds are about does happen.
    let happened = [
        tally.ok,
        tally.failed,
        tally.cancelled,
        tally.late,
        tally.unavailable,
        tally.released,
        tally.handlers_dropped,
        tally.full,
        tally.busy,
        tally.hostile,
        tally.kills,
        tally.jumps,
        tally.half_closes,
        tally.resets,
    ];
    assert!(happened.iter().all(|&times| times >= 10) && tally.ok > tally.calls / 2, "{tally:?}");
}

#[test]
fn a_seed_gives_the_same_connection_again_and_its_recording_too() {
    for seed in (0..40).chain([1_000_003, u64::MAX]) {
        let (_, recordings) = record(|| connection::run(seed));
        let (_, again) = record(|| catch_unwind(AssertUnwindSafe(|| connection::run(seed))));
        assert_eq!(recordings, again, "seed {seed}");
        for (kind, recording) in recordings {
            let played = play(&recording).unwrap_or_else(|error| panic!("seed {seed}, {kind:?}: {error}"));
            assert_eq!(played.recording, recording);
        }
    }
}
