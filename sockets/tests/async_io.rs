//! Timers of the reactor through the trait. What holds of its sockets is tested on the adapters.
#![cfg(feature = "async-io")]

use std::future::poll_fn;
use std::task::{Context, Waker};
use std::time::Duration;

use unwired::Instant;
use unwired::transport::Timer as _;
use unwired_sockets::async_io::Timer;
use unwired_sockets::now;

/// Whether the timer has expired.
fn has_expired(timer: &mut Timer) -> bool {
    timer.poll_expired(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_timer_can_be_set_again() {
    let mut timer = Timer::new();
    assert!(!has_expired(&mut timer));
    timer.reset(Instant::FAR_FUTURE);
    assert!(!has_expired(&mut timer));
    let at = now() + Duration::from_millis(20);
    timer.reset(at);
    async_io::block_on(poll_fn(|cx| timer.poll_expired(cx)));
    assert!(now() >= at);
    // It stays so until it is set again.
    assert!(has_expired(&mut timer));
    timer.reset(now() + Duration::from_secs(3600));
    assert!(!has_expired(&mut timer));
    timer.reset(Instant::ZERO);
    assert!(has_expired(&mut timer));
}

#[test]
fn a_timer_that_waits_can_be_set_to_another_time() {
    let mut timer = Timer::new();
    timer.reset(now() + Duration::from_secs(3600));
    let mut is_waiting = false;
    async_io::block_on(poll_fn(|cx| {
        let expired = timer.poll_expired(cx);
        // The waker stays with it.
        if !std::mem::replace(&mut is_waiting, true) {
            timer.reset(now() + Duration::from_millis(20));
        }
        expired
    }));
}
