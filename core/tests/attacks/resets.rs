//! Streams that are opened to be reset, by either side.

use std::time::Duration;

use unwired_core::http2::frame::flag;
use unwired_core::http2::{Abuse, Event, Reason, StreamKey};

use crate::raw::{self, Frame, Raw};
use crate::siege::{Siege, besiege, falls, holds, play};

const STREAMS: u32 = 128;

pub(crate) const fn stream(round: u32) -> u32 {
    2 * round + 1
}

fn reset_at_once(round: u32) -> Vec<u8> {
    [raw::request(stream(round), false), raw::rst(stream(round), Reason::CANCEL)].concat()
}

/// A server with one stream that is open.
fn serving() -> Raw {
    let mut server = Raw::server();
    server.open(1, false);
    server
}

/// A server with all the streams that it allows.
fn full() -> Raw {
    let mut server = Raw::server();
    for n in 0..STREAMS {
        server.open(stream(n), false);
    }
    server
}

/// Threats: R1.
#[test]
fn rapid_reset() {
    besiege(Raw::server, 1000, Abuse::RapidReset, reset_at_once);
}

/// Threats: R2.
#[test]
fn made_you_reset() {
    let faults: [fn(u32) -> Vec<u8>; 4] = [
        |stream| [raw::request(stream, false), raw::window_update(stream, (1 << 31) - 1)].concat(),
        |stream| [raw::request(stream, false), raw::window_update(stream, 0)].concat(),
        |stream| [raw::request(stream, true), raw::data(stream, b"late", false)].concat(),
        |stream| [raw::request(stream, true), raw::request(stream, true)].concat(),
    ];
    for fault in faults {
        besiege(Raw::server, 1000, Abuse::MadeYouReset, |round| fault(stream(round)));
    }
}

/// Threats: R1, R2.
#[test]
fn resets_of_both_sides_drain_one_bucket() {
    // Each is counted as what it is.
    let attack = |round: u32| match round % 2 {
        0 => reset_at_once(round),
        _ => [raw::request(stream(round), false), raw::window_update(stream(round), 0)].concat(),
    };
    Siege { begin: Raw::server, budget: 1000, abuse: Abuse::RapidReset, acts: 501 }.ends(attack);
    Siege { begin: Raw::server, budget: 1000, abuse: Abuse::MadeYouReset, acts: 501 }
        .ends(|round| attack(round + 1));
}

/// Threats: R2.
#[test]
fn faults_of_a_stream_that_would_be_a_way_to_make_us_reset_end_the_connection() {
    falls(serving, &raw::priority(1, 1), Reason::PROTOCOL_ERROR, "depends on itself");
    falls(serving, &raw::frame(raw::PRIORITY, 0, 1, &[0; 4]), Reason::FRAME_SIZE_ERROR, "PRIORITY");
    let payload = [&[0, 0, 0, 3, 16][..], &raw::block(raw::REQUEST)].concat();
    let headers = raw::frame(raw::HEADERS, flag::END_HEADERS | flag::PRIORITY, 3, &payload);
    falls(serving, &headers, Reason::PROTOCOL_ERROR, "depends on itself");
}

/// Threats: R3.
#[test]
fn streams_over_the_limit() {
    besiege(full, 1000, Abuse::StreamExcess, |round| raw::request(stream(STREAMS + round), true));
}

/// Threats: R3.
#[test]
fn streams_over_the_limit_before_it_was_acknowledged() {
    fn hasty() -> Raw {
        let mut server = Raw::fresh_server(raw::config(|_| {}));
        server.feed(&[raw::PREFACE, &raw::settings(&[])].concat());
        server.sent();
        server.events();
        server
    }
    // So many may not have heard of it; twice as many is no mistake.
    let budget = 2 * STREAMS as usize;
    Siege { begin: hasty, budget, abuse: Abuse::StreamExcess, acts: STREAMS as usize + 1 }
        .ends(|round| raw::request(stream(round), false));
}

/// Threats: R4.
#[test]
fn resets_buy_no_handlers() {
    // The handlers of what was reset run on: the places are taken, and what comes then is one too many.
    play(Raw::server, 0, |server| {
        let mut round = 0;
        while server.conn.stats().kills.total() == 0 {
            server.feed(&reset_at_once(round));
            server.events();
            server.sent();
            assert!(server.conn.active_streams() <= STREAMS as usize);
            round += 1;
        }
        assert_eq!(server.conn.stats().kills.get(Abuse::StreamExcess), 1);
        assert_eq!(server.conn.stats().abuse.get(Abuse::RapidReset), STREAMS);
        assert_eq!(round, 1001);
    });
}

/// Threats: R4.
#[test]
fn resets_as_fast_as_they_are_let_pass_buy_no_handlers() {
    let mut running: Vec<StreamKey> = Vec::with_capacity(STREAMS as usize + 1);
    let (mut refused, mut cancelled) = (0, 0);
    let apart = Duration::from_millis(4);
    holds(Raw::server, 0, 20_000, reset_at_once, |server, round| {
        server.now += apart;
        for event in server.events() {
            match event {
                Event::Headers { stream, .. } => running.push(stream),
                Event::Reset { .. } => cancelled += 1,
                _ => {}
            }
        }
        refused += server.sent().iter().filter(|frame| matches!(frame, Frame::Reset(..))).count();
        assert!(running.len() <= STREAMS as usize && server.conn.active_streams() == running.len());
        // Handlers take their time to end, in another order than they began.
        if round % 3 > 0 && !running.is_empty() {
            let key = running.swap_remove(round as usize % running.len());
            server.conn.release(key);
        }
        if round == 19_999 {
            running.drain(..).for_each(|key| server.conn.release(key));
        }
    });
    assert!(refused > 1_000, "the limit was never met: {refused}");
    assert_eq!(cancelled + refused, 20_000, "each handler is told once");
}

/// Threats: R6.
#[test]
fn a_server_that_refuses_everything() {
    // Each call is told once that it was not acted on; to try again, and how often, is for those above.
    holds(
        Raw::client,
        0,
        2_000,
        |_| Vec::new(),
        |client, round| {
            let key = client.open(stream(round), false);
            client.feed(&raw::rst(stream(round), Reason::REFUSED_STREAM));
            let events = client.events();
            let [Event::Reset { stream, error }] = events[..] else { panic!("{events:?}") };
            assert!(stream == key && error.unprocessed);
            client.conn.release(key);
            assert_eq!(client.sent(), []);
        },
    );
}

/// Threats: G12.
#[test]
fn calls_that_are_given_up_before_they_are_sent() {
    holds(
        Raw::client,
        0,
        10_000,
        |_| Vec::new(),
        |client, round| {
            let key = client.conn.open(raw::REQUEST.into_iter().collect(), false).expect("a stream");
            client.send(key, 1_000, round % 2 == 0);
            client.conn.reset(key, Reason::CANCEL);
            client.conn.release(key);
            assert!(!client.conn.wants_transmit());
            if round == 9_999 {
                // No number was used up.
                client.open(1, true);
                client.feed(&raw::response(1, true));
                client.events();
            }
        },
    );
}
