//! Frames without end: the budget, the end, the memory, the neighbour.

use unwired_core::http2::frame::flag;
use unwired_core::http2::{Abuse, Reason};

use crate::raw::{self, Raw};
use crate::siege::besiege;

const fn stream(round: u32) -> u32 {
    2 * round + 1
}

/// A server with one stream that is open.
fn serving() -> Raw {
    let mut server = Raw::server();
    server.open(1, false);
    server
}

/// A client with one request under way.
fn asking() -> Raw {
    let mut client = Raw::client();
    client.open(1, false);
    client
}

/// Threats: R1.
#[test]
fn rapid_reset() {
    besiege(Raw::server, 1000, Abuse::RapidReset, |round| {
        [raw::request(stream(round), false), raw::rst(stream(round), Reason::CANCEL)].concat()
    });
}

/// Threats: R2.
#[test]
fn made_you_reset() {
    let faults: [fn(u32) -> Vec<u8>; 2] = [
        |stream| [raw::request(stream, false), raw::window_update(stream, 0)].concat(),
        |stream| [raw::request(stream, true), raw::data(stream, b"late", false)].concat(),
    ];
    for fault in faults {
        besiege(Raw::server, 1000, Abuse::MadeYouReset, |round| fault(stream(round)));
    }
}

/// Threats: R2, S3.
#[test]
fn malformed_requests() {
    // Each costs a glitch as well as a reset; it is the reset that is named.
    let malformed = raw::block([(":method", "POST"), (":method", "POST")]);
    besiege(Raw::server, 1000, Abuse::MadeYouReset, |round| raw::headers(stream(round), &malformed, true));
    for end in [false, true] {
        besiege(Raw::server, 1000, Abuse::MadeYouReset, |round| {
            [raw::request(stream(round), end), raw::request(stream(round), end)].concat()
        });
    }
}

/// Threats: R3.
#[test]
fn streams_over_the_limit() {
    fn full() -> Raw {
        let mut server = Raw::server();
        for n in 0..128 {
            server.open(stream(n), false);
        }
        server
    }
    besiege(full, 1000, Abuse::StreamExcess, |round| raw::request(stream(128 + round), true));
}

/// Threats: F1.
#[test]
fn pings() {
    let ping = |round: u32| raw::ping([round as u8; 8]);
    besiege(Raw::server, 100, Abuse::PingFlood, ping);
    besiege(Raw::client, 100, Abuse::PingFlood, ping);
}

/// Threats: F2, F15, H4.
#[test]
fn settings() {
    for begin in [Raw::server, Raw::client] {
        besiege(begin, 32, Abuse::SettingsFlood, |_| raw::settings(&[]));
        // Tables and windows that change with every frame are none the dearer.
        besiege(begin, 32, Abuse::SettingsFlood, |round| {
            let size = if round % 2 == 0 { 0 } else { u32::MAX };
            raw::settings(&[(raw::HEADER_TABLE_SIZE, size), (raw::MAX_HEADER_LIST_SIZE, size)])
        });
    }
}

/// Threats: F4.
#[test]
fn empty_data() {
    besiege(serving, 32, Abuse::EmptyFrames, |_| raw::data(1, b"", false));
    besiege(serving, 32, Abuse::EmptyFrames, |_| raw::padded(1, b"", 255, false));
}

/// Threats: F9.
#[test]
fn priorities() {
    besiege(Raw::server, 100, Abuse::IgnoredFrames, |round| raw::priority(stream(round), 0));
    besiege(serving, 200, Abuse::IgnoredFrames, |round| raw::priority(stream(round), stream(round + 1)));
}

/// Threats: F10.
#[test]
fn window_updates() {
    besiege(Raw::server, 64, Abuse::WindowUpdateFlood, |_| raw::window_update(0, 1));
    besiege(serving, 68, Abuse::WindowUpdateFlood, |_| raw::window_update(1, 1));
    besiege(asking, 68, Abuse::WindowUpdateFlood, |_| raw::window_update(1, 1));
}

/// Threats: F11.
#[test]
fn frames_of_unknown_types() {
    for begin in [Raw::server, Raw::client] {
        besiege(begin, 100, Abuse::IgnoredFrames, |round| raw::frame(0xa0, 0xff, round, &[7; 16 << 10]));
    }
}

/// Threats: F11.
#[test]
fn goaways() {
    let goaway = |_| raw::goaway(1, Reason::NO_ERROR, &[b'x'; 16_000]);
    besiege(serving, 16, Abuse::GoAwayFlood, goaway);
    besiege(asking, 16, Abuse::GoAwayFlood, goaway);
}

/// Threats: H1.
#[test]
fn continuations() {
    let continuation = |round| match round {
        0 => raw::frame(raw::HEADERS, 0, 1, &raw::block(raw::REQUEST)),
        _ => raw::frame(raw::CONTINUATION, 0, 1, &raw::block([("a", "b")])),
    };
    besiege(Raw::server, 9, Abuse::ContinuationFlood, continuation);
}

/// Threats: H2.
#[test]
fn sections_that_are_too_large() {
    // Each is answered, and the peer that never learns is ended.
    let large = raw::block(raw::REQUEST.into_iter().chain([("cookie", "a=b")].into_iter().cycle().take(200)));
    besiege(Raw::server, 1000, Abuse::FieldsTooLarge, |round| raw::headers(stream(round), &large, true));
}

/// Threats: R2, F1.
#[test]
fn oddities() {
    let unasked = |_| raw::frame(raw::PING, flag::ACK, 0, &[1; 8]);
    besiege(Raw::server, 1000, Abuse::Glitches, unasked);
}
