//! The reactor through the traits. What holds of sockets on any runtime is tested on the adapters.
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

#[cfg(target_os = "linux")]
#[test]
fn a_socket_whose_listener_is_too_busy_is_not_taken_for_connected() {
    use std::io::ErrorKind;

    use socket2::{Domain, SockAddr, Socket, Type};
    use unwired::transport::Address;
    use unwired_sockets::async_io::connect;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    listener.listen(0).unwrap();
    let address = Address::Unix(path);
    async_io::block_on(async {
        let mut waiting = Vec::new();
        let error = loop {
            match connect(&address).await {
                Ok(socket) if waiting.len() < 10 => waiting.push(socket),
                Ok(_) => panic!("more than the listener takes"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(!waiting.is_empty());
    });
}
