//! Our client and servers that do on purpose what few servers do, on each runtime.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use unwired::Target;
use unwired_http2_rigs::Runtime;
use unwired_interop::bad_server::{BadServer, Misdeed, Seen};
use unwired_interop::cases::{self, Caller};

/// Any port that is free.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// A machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);
const RUNTIMES: [Runtime; 4] = [Runtime::Tokio, Runtime::AsyncStd, Runtime::Smol, Runtime::Blocking];

/// Runs the case of that name on each runtime, and holds what each server saw against `expected`.
fn on_each(misdeed: Misdeed, expected: impl Fn(&Seen)) {
    let case = misdeed.to_string();
    for runtime in RUNTIMES {
        let server = BadServer::start(LOOPBACK, misdeed).unwrap();
        let ended = runtime.run(async |handle| {
            let caller = Caller::new(handle.clone(), Target::Address(server.address().into()));
            let outcome = handle.timeout(PATIENCE, cases::run(&case, &caller)).await;
            outcome.map_err(std::io::Error::other)?.map_err(std::io::Error::other)
        });
        assert!(ended.is_ok(), "{runtime:?}: {ended:?}, {:?}", server.seen());
        let seen = server.seen();
        assert_eq!(seen.faults(), Vec::<String>::new(), "{runtime:?}");
        expected(&seen);
    }
}

#[test]
fn every_case_has_its_server() {
    assert_eq!(cases::HTTP2, Misdeed::ALL.map(|(name, _)| name));
}

#[test]
fn a_call_after_goaway_takes_another_connection() {
    on_each(Misdeed::GoAway, |seen| assert_eq!((seen.connections, seen.requests), (2, 2)));
}

#[test]
fn a_call_that_is_reset_behind_its_headers_fails() {
    on_each(Misdeed::RstAfterHeader, |seen| assert_eq!(seen.connections, 1));
}

#[test]
fn a_call_that_is_reset_in_its_message_fails() {
    on_each(Misdeed::RstDuringData, |seen| assert_eq!((seen.connections, seen.requests), (1, 1)));
}

#[test]
fn a_call_that_is_reset_behind_its_message_fails() {
    on_each(Misdeed::RstAfterData, |seen| assert_eq!((seen.connections, seen.requests), (1, 1)));
}

#[test]
fn pings_around_headers_and_data_are_answered() {
    on_each(Misdeed::Ping, |seen| {
        // The last leaves with the status: its answer may be on its way when the call is over.
        assert!(seen.pings > 2 && seen.pings - seen.pongs <= 1, "{seen:?}");
    });
}

#[test]
fn calls_over_the_limit_wait_for_their_turn() {
    on_each(Misdeed::MaxStreams, |seen| {
        assert_eq!((seen.connections, seen.requests, seen.most_streams), (1, 11, 1));
    });
}

#[test]
fn padding_gives_its_credit_back() {
    on_each(Misdeed::DataFramePadding, |seen| assert_eq!((seen.connections, seen.requests), (1, 1)));
}

#[test]
fn small_frames_without_padding_are_a_message_too() {
    on_each(Misdeed::NoDfPaddingSanityTest, |seen| assert_eq!((seen.connections, seen.requests), (1, 1)));
}
