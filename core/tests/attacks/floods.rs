//! Frames without end: the budget, the end, the memory, the neighbour.

use unwired_core::http2::frame::flag;
use unwired_core::http2::{Abuse, Event, Reason, UseError};

use crate::raw::{self, Frame, Raw};
use crate::resets::stream;
use crate::siege::{Siege, besiege, falls, holds};

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

/// Threats: F1.
#[test]
fn pings() {
    let ping = |round: u32| raw::ping([round as u8; 8]);
    besiege(Raw::server, 100, Abuse::PingFlood, ping);
    besiege(Raw::client, 100, Abuse::PingFlood, ping);
}

/// Threats: F1, G9.
#[test]
fn pings_against_the_policy() {
    fn grpc() -> Raw {
        Raw::server_with(unwired_core::grpc::Config::server().http2)
    }
    besiege(grpc, 3, Abuse::TooManyPings, |round| raw::ping([round as u8; 8]));
}

/// Threats: F2.
#[test]
fn settings_of_many_parameters() {
    for begin in [Raw::server, Raw::client] {
        let siege = Siege { begin, budget: 0, abuse: Abuse::SettingsFlood, acts: 1 };
        siege.ends(|_| raw::settings(&[(raw::MAX_CONCURRENT_STREAMS, 7); 33]));
    }
}

/// Threats: F15.
#[test]
fn settings_that_would_fail_late() {
    // Judged as a whole: what stands ahead of the fault has not been applied when the connection ends.
    for size in [0, 1, (1 << 14) - 1, 1 << 24, u32::MAX] {
        let settings = raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0), (raw::MAX_FRAME_SIZE, size)]);
        falls(serving, &settings, Reason::PROTOCOL_ERROR, "MAX_FRAME_SIZE");
    }
    let settings = raw::settings(&[(raw::INITIAL_WINDOW_SIZE, u32::MAX)]);
    falls(serving, &settings, Reason::FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE");
    // The largest table on offer is not what we take; and a list that may not hold anything is seen ahead of any work.
    let offer = raw::settings(&[(raw::HEADER_TABLE_SIZE, u32::MAX), (raw::MAX_HEADER_LIST_SIZE, 10)]);
    holds(
        serving,
        0,
        1,
        |_| offer.clone(),
        |server, _| {
            server.sent();
            let key = server.open(3, true);
            let refused = server.conn.send_headers(key, raw::RESPONSE.into_iter().collect(), true);
            assert_eq!(refused, Err(UseError::FieldsTooLarge));
            server.conn.release(key);
        },
    );
}

/// Threats: F2, H4.
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

/// Threats: F1.
#[test]
fn oddities() {
    let unasked = |_| raw::frame(raw::PING, flag::ACK, 0, &[1; 8]);
    besiege(Raw::server, 1000, Abuse::Glitches, unasked);
}

/// Threats: F12.
#[test]
fn interim_responses() {
    // The call that gets more than 16 of them ends; the next one may have as many.
    let interim = raw::block([(":status", "103"), ("link", "</a>; rel=preload")]);
    holds(
        Raw::client,
        0,
        100,
        |_| Vec::new(),
        |client, round| {
            let id = stream(round);
            let key = client.open(id, true);
            client.feed(&raw::headers(id, &interim, false).repeat(16));
            assert_eq!(client.events().len(), 16);
            client.feed(&raw::headers(id, &interim, false));
            assert_eq!(client.answers(), [Frame::Reset(id, Reason::PROTOCOL_ERROR)]);
            assert!(matches!(client.events()[..], [Event::Reset { stream, .. }] if stream == key));
            client.conn.release(key);
            assert_eq!(client.conn.stats().abuse.get(Abuse::InformationalFlood), round + 1);
        },
    );
}
