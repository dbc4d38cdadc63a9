//! Peers that read nothing, that send next to nothing, that give next to no window.

use std::time::Duration;

use bytes::Bytes;
use unwired_core::http2::{Abuse, Event, Initiator, Reason, SendError};
use unwired_core::{Instant, Outbox};

use crate::raw::{self, Frame, Raw};
use crate::resets::stream;
use crate::siege::{besiege, play};

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_nanos(1);

/// Whoever reads nothing can make us owe it no more than so many answers to frames of `attack`: then nothing more of it is
/// taken, however often it is tried, and nobody is blamed for the silence.
#[track_caller]
fn stalls(attack: impl Fn(u32) -> Vec<u8>, most: usize) {
    play(Raw::server, 0, |server| {
        let mut taken = 0;
        for round in 0..2_000 {
            let frame = attack(round);
            if server.offer(&frame) < frame.len() {
                break;
            }
            taken += 1;
        }
        assert_eq!(taken, most);
        assert!(!server.conn.wants_input());
        for _ in 0..100 {
            assert_eq!(server.offer(&attack(taken as u32)), 0);
        }
        server.pass(20 * SECOND);
        assert_eq!(server.conn.stats().kills.total(), 0);
        let answers = server.sent().len();
        assert!(answers >= most, "{answers} answers");
        assert!(server.conn.wants_input(), "whoever reads goes on");
    });
}

/// Threats: F1.
#[test]
fn pings_whose_answers_nobody_reads() {
    stalls(|round| raw::ping([round as u8; 8]), 16);
}

/// Threats: F2.
#[test]
fn settings_whose_answers_nobody_reads() {
    stalls(|_| raw::settings(&[]), 8);
}

/// Threats: F3.
#[test]
fn resets_that_nobody_reads() {
    stalls(|round| [raw::request(stream(round), false), raw::window_update(stream(round), 0)].concat(), 128);
}

/// Threats: F3.
#[test]
fn resets_of_the_application_that_nobody_reads() {
    // It gives up what it gets, at once: that stops no reading, so there is an end to it.
    play(Raw::server, 0, |server| {
        for round in 0..1025 {
            assert_eq!(server.conn.stats().kills.total(), 0, "ended in round {round}");
            let request = raw::request(stream(round), true);
            assert_eq!(server.offer(&request), request.len());
            for event in server.events() {
                let Event::Headers { stream, .. } = event else { continue };
                server.conn.release(stream);
            }
        }
        let sent = server.sent();
        let calm = sent.iter().any(|frame| {
            matches!(frame, Frame::GoAway { reason: Reason::ENHANCE_YOUR_CALM, debug, .. } if debug == "control_flood")
        });
        assert!(calm && sent.len() <= 1026, "{} frames", sent.len());
        let stats = server.conn.stats();
        assert_eq!((stats.kills.get(Abuse::ControlFlood), stats.kills.total()), (1, 1));
        assert_eq!(stats.abuse.get(Abuse::ControlFlood), 1);
    });
}

/// Threats: F6.
#[test]
fn windows_of_one_octet() {
    fn answering() -> Raw {
        let mut server = Raw::server();
        server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]));
        let key = server.open(1, true);
        server.respond(key, false);
        server.send(key, 60_000, true);
        server.sent();
        server
    }
    // At once it gets nothing for it.
    besiege(answering, 68, Abuse::WindowUpdateFlood, |_| raw::window_update(1, 1));
    // And as slowly as it is let pass, few frames: each is as large as what came in 50 ms.
    play(answering, 0, |server| {
        for _ in 0..1_000 {
            server.feed(&raw::window_update(1, 1));
            server.pass(Duration::from_millis(10));
        }
        assert_eq!(server.conn.stats().kills.total(), 0);
        let sent = server.conn.stats().data_sent;
        let frames = server.sent().iter().filter(|frame| matches!(frame, Frame::Data { .. })).count();
        assert!(sent <= 1_000 && frames <= 210, "{frames} frames for {sent} octets");
    });
}

/// Threats: F7.
#[test]
fn large_answers_that_nobody_reads() {
    const STREAMS: u32 = 128;
    // What the application could put in is its own bytes: as much as the connection's buffer, and a piece a stream.
    const PIECE: usize = 16 << 10;
    let buffer = raw::config(|_| {}).limits.send_buffer_connection;
    play(Raw::server, buffer + (STREAMS as usize + 1) * PIECE, |server| {
        let largest = (1 << 31) - 1;
        server.feed(&raw::settings(&[(raw::INITIAL_WINDOW_SIZE, largest)]));
        server.feed(&raw::window_update(0, largest - 65_535));
        let keys: Vec<_> = (0..STREAMS).map(|n| server.open(stream(n), true)).collect();
        keys.iter().for_each(|&key| server.respond(key, false));
        let mut out = Outbox::new();
        server.conn.poll_transmit(server.now, &mut out, 1 << 14);
        server.conn.handle_sent(server.now, out.len());
        for &key in &keys {
            loop {
                let piece = Bytes::from(vec![7; PIECE]);
                match server.conn.send_data(key, &[], piece, false) {
                    Ok(()) => {}
                    Err(SendError::Full(_)) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert!(server.conn.stats().buffered_to_send <= buffer + STREAMS as usize * PIECE);
        assert!(!server.conn.poll_transmit(server.now, &mut out, 1 << 14), "nothing while bytes are unsent");
        server.conn.handle_timeout(Instant::ZERO + (60 * SECOND - MOMENT));
        assert_eq!(server.events(), []);
        server.conn.handle_timeout(Instant::ZERO + 60 * SECOND);
        let Some(Event::Closed(end)) = server.events().pop() else { panic!("it goes on") };
        assert_eq!(end.by, Initiator::Library);
        assert!(server.conn.is_closed() && !server.conn.wants_transmit(), "no GOAWAY gets through");
        let stats = server.conn.stats();
        assert_eq!((stats.kills.get(Abuse::WriteStall), stats.kills.total()), (1, 1));
        assert_eq!((stats.abuse.get(Abuse::WriteStall), stats.buffered_to_send), (1, 0));
        keys.into_iter().for_each(|key| server.conn.release(key));
    });
}

/// `attack` is fed octet by octet, one a second: in `time` the connection ends, and not before.
#[track_caller]
fn trickles(begin: fn() -> Raw, attack: &[u8], time: Duration, end: (Reason, Abuse)) {
    let (reason, abuse) = end;
    play(begin, 0, |raw| {
        let start = raw.now;
        for octet in attack {
            if raw.now + SECOND >= start + time {
                break;
            }
            raw.feed(&[*octet]);
            raw.pass(SECOND);
        }
        let left = (start + time).as_nanos() - raw.now.as_nanos();
        raw.pass(Duration::from_nanos(left) - MOMENT);
        assert_eq!(raw.conn.stats().kills.total(), 0, "too early");
        raw.pass(MOMENT);
        let debug = raw.is_dead_of(reason);
        assert!(debug.starts_with(abuse.name()), "{debug}");
        let stats = raw.conn.stats();
        assert_eq!((stats.kills.get(abuse), stats.kills.total()), (1, 1));
        assert_eq!(stats.abuse.get(abuse), 1);
    });
}

/// Threats: F13.
#[test]
fn what_trickles() {
    fn fresh() -> Raw {
        Raw::fresh_server(raw::config(|_| {}))
    }
    let slow = Abuse::SlowFrames;
    trickles(fresh, &raw::PREFACE[..3], 10 * SECOND, (Reason::PROTOCOL_ERROR, slow));
    trickles(fresh, raw::PREFACE, 10 * SECOND, (Reason::PROTOCOL_ERROR, slow));
    let ping = raw::ping([0; 8]);
    for begin in [Raw::server, Raw::client] {
        trickles(begin, &ping[..5], 30 * SECOND, (Reason::ENHANCE_YOUR_CALM, slow));
        trickles(begin, &ping[..16], 30 * SECOND, (Reason::ENHANCE_YOUR_CALM, slow));
    }
}

/// Threats: F13, H1.
#[test]
fn a_field_block_that_trickles() {
    fn begun() -> Raw {
        let mut server = Raw::server();
        server.feed(&raw::frame(raw::HEADERS, 0, 1, b""));
        server
    }
    let octet = raw::frame(raw::CONTINUATION, 0, 1, b"\0");
    trickles(begun, &octet, 5 * SECOND, (Reason::ENHANCE_YOUR_CALM, Abuse::ContinuationFlood));
}

/// Threats: F13.
#[test]
fn data_that_trickles() {
    fn begun() -> Raw {
        let mut server = Raw::server();
        server.open(1, false);
        server.feed(&raw::head(16_000, raw::DATA, 0, 1));
        server
    }
    trickles(begun, &[7; 40], 30 * SECOND, (Reason::ENHANCE_YOUR_CALM, Abuse::SlowFrames));
}
