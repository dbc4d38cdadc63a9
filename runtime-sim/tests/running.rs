//! The loop: time, order, and what it says when a test cannot end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use unwired::Instant;
use unwired_sim::{Sim, check};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What a run that fails says.
fn failure(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    panic
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
}

#[test]
fn time_is_what_was_slept() {
    let sim = Sim::new(0);
    let runtime = sim.host("here").runtime();
    sim.run_until(async {
        runtime.sleep(HOUR).await;
        assert_eq!(runtime.now(), Instant::ZERO + HOUR);
        assert!(runtime.timeout(HOUR, std::future::pending::<()>()).await.is_err());
    });
    assert_eq!(sim.now(), Instant::ZERO + HOUR * 2);
    sim.run_for(HOUR);
    assert_eq!(sim.now(), Instant::ZERO + HOUR * 3);
}

#[test]
fn the_seed_decides_who_is_first() {
    let order = |seed| {
        let sim = Sim::new(seed);
        let order = Arc::new(Mutex::new(Vec::new()));
        for n in 0..5 {
            let order = Arc::clone(&order);
            drop(sim.host("here").spawn(async move { order.lock().unwrap().push(n) }));
        }
        sim.run_until_idle();
        Arc::into_inner(order).unwrap().into_inner().unwrap()
    };
    let orders: std::collections::BTreeSet<_> = (0..2000).map(order).collect();
    assert_eq!(orders.len(), 120, "each order comes up");
    assert_eq!(order(7), order(7));
}

#[test]
fn what_never_ends_is_told_with_its_seed() {
    let sim = Sim::new(42);
    let runtime = sim.host("lonely").runtime();
    drop(sim.host("lonely").spawn(std::future::pending::<()>()));
    let why = failure(|| sim.run_until(std::future::pending()));
    for part in ["waits for what cannot come", "seed 42", "on lonely", "UNWIRED_SIM_LOG"] {
        assert!(why.contains(part), "{why}");
    }
    let ticking = async {
        loop {
            runtime.sleep(HOUR).await;
        }
    };
    let why = failure(|| sim.run_until(ticking));
    assert!(why.contains("not ready after"), "{why}");
    let why = failure(|| sim.run_until(async { sim.run_for(HOUR) }));
    assert!(why.contains("runs already"), "{why}");
    let why = failure(|| sim.partition("lonely", "nobody"));
    assert!(why.contains("no host \"nobody\""), "{why}");
    // It can be used all the same.
    sim.run_until(runtime.sleep(HOUR));
}

#[test]
fn who_waits_by_looking_at_the_clock_gets_there() {
    let sim = Sim::new(0);
    let runtime = sim.host("here").runtime();
    sim.run_until(async {
        while runtime.now() < Instant::ZERO + Duration::from_millis(5) {
            let mut yielded = false;
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
        }
    });
    assert!(sim.now() < Instant::ZERO + Duration::from_millis(6));
}

#[test]
fn a_simulation_that_is_dropped_leaves_nothing() {
    let held = Arc::new(());
    let sim = Sim::new(0);
    let (host, holds) = (sim.host("here"), Arc::clone(&held));
    drop(sim.host("here").spawn(async move {
        host.runtime().sleep(HOUR).await;
        drop(holds);
    }));
    sim.run_until_idle();
    assert_eq!(Arc::strong_count(&held), 2);
    drop(sim);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn each_seed_is_checked_until_one_fails() {
    if std::env::var_os("UNWIRED_SIM_SEED").is_some() {
        return;
    }
    let seen = Mutex::new(Vec::new());
    let why = failure(|| {
        check([5, 6, 7, 8], |sim| {
            seen.lock().unwrap().push(sim.seed());
            assert_ne!(sim.seed(), 7, "seven");
        });
    });
    assert!(why.contains("seven"), "{why}");
    assert_eq!(*seen.lock().unwrap_or_else(|poisoned| panic!("{poisoned}")), [5, 6, 7]);
}
