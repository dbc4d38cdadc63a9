//! G: what gRPC makes of streams.

use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use unwired_core::http2::Reason;

use crate::attack::Play::{Cases, Script};
use crate::attack::{Attack, Case, Halt, Rule};
use crate::hostile::Hostile;
use crate::seen::Fate;
use crate::wire;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("G1", "messages that announce 4 GiB", &[Script(announced)]),
    Attack::new("G2", "64 MiB of zeros in 64 KiB of gzip", &[Script(gzip_bomb)]),
    Attack::new("G3", "100 messages of 4 MiB that do not end", &[Script(hoard)]),
    Attack::new("G4", "12,000 empty messages a call", &[Script(empty_messages)]),
    Attack::new("G5", "flags and encodings that there are none of", &[Cases(ENCODINGS)]),
    Attack::new("G6", "timeouts that are none", &[Cases(TIMEOUTS)]),
    Attack::new("G9", "keepalive every ten milliseconds", &[Script(keepalive)]),
    Attack::new("G12", "64 calls at once, and all cancelled", &[Script(cancelled)]),
];

/// Calls at a time on one connection.
const AT_A_TIME: u32 = 100;

fn at_a_time(peer: &Hostile) -> u32 {
    peer.seen().most_streams.unwrap_or(AT_A_TIME).min(AT_A_TIME)
}

fn announced(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let calls = at_a_time(peer);
    let beginning = [wire::prefix(0, u32::MAX), vec![0; 500]].concat();
    loop {
        let streams: Vec<_> = (0..calls).map(|_| peer.stream()).collect();
        for &stream in &streams {
            peer.send_in_window(&[wire::call(stream), wire::data(stream, &beginning, false)].concat())?;
        }
        peer.pause(Duration::from_millis(50))?;
        for stream in streams {
            match peer.seen().take_fate(stream) {
                Some(Fate::OK) => return Err(Halt::Broken("serves a message that has not come".to_owned())),
                Some(_) => continue,
                None => {}
            }
            peer.send(&wire::rst(stream, Reason::CANCEL))?;
        }
    }
}

/// What [`gzip_bomb`] inflates to, in octets: every gRPC server takes 4 MiB at most by default.
const INFLATED: usize = 64 << 20;

fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0; 1 << 20];
        // Memory takes all that is written to it.
        for _ in 0..INFLATED / zeros.len() {
            let _ = encoder.write_all(&zeros);
        }
        let deflated = encoder.finish().unwrap_or_default();
        [wire::prefix(1, deflated.len() as u32), deflated].concat()
    })
}

fn gzip_bomb(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let head = wire::request_with([("grpc-encoding", "gzip")]);
    loop {
        let stream = peer.stream();
        let mut octets = wire::headers(stream, &head, false);
        let (first, last) = bomb().split_at(bomb().len().min(wire::INITIAL_WINDOW - 1));
        for piece in first.chunks(wire::FRAME_SIZE) {
            octets.extend(wire::data(stream, piece, false));
        }
        peer.send_in_window(&octets)?;
        // The window of the stream is full: the rest waits for the next.
        let granted = peer.wait(Duration::from_secs(1), |seen| {
            let room = seen.initial_window + seen.granted(stream) - first.len() as i64;
            match seen.take_fate(stream) {
                Some(fate) => Some(Some(fate)),
                None => (room >= last.len() as i64).then_some(None),
            }
        })?;
        let fate = match granted {
            Some(None) => {
                peer.send_in_window(&wire::data(stream, last, true))?;
                peer.wait(Duration::from_secs(5), |seen| seen.take_fate(stream))?
            }
            Some(fate) => fate,
            None => None,
        };
        match fate {
            Some(Fate::OK) => return Err(Halt::Broken(format!("inflates {INFLATED} octets"))),
            Some(_) => {}
            None => peer.send(&wire::rst(stream, Reason::CANCEL))?,
        }
    }
}

/// Of each message: one octet less than it announces.
const HOARDED: usize = 4 << 20;

fn hoard(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let prefix = wire::prefix(0, HOARDED as u32);
    let mut calls = Vec::new();
    for _ in 0..at_a_time(peer) {
        let stream = peer.stream();
        peer.send_in_window(&[wire::call(stream), wire::data(stream, &prefix, false)].concat())?;
        calls.push((stream, prefix.len()));
    }
    let piece = vec![7; wire::FRAME_SIZE];
    loop {
        let mut sent_any = false;
        for (stream, sent) in &mut calls {
            let room = {
                let seen = peer.seen();
                seen.window.min(seen.initial_window + seen.granted(*stream) - *sent as i64)
            };
            let left = (HOARDED + prefix.len() - 1).saturating_sub(*sent);
            let length = usize::try_from(room).unwrap_or_default().min(left).min(piece.len());
            if length > 0 {
                peer.send_in_window(&wire::data(*stream, &piece[..length], false))?;
                *sent += length;
                sent_any = true;
            }
        }
        if !sent_any {
            peer.pause(Duration::from_millis(20))?;
        }
    }
}

fn empty_messages(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let messages = vec![0; 5 * 12_000];
    loop {
        let stream = peer.stream();
        peer.send_in_window(&wire::with_body(stream, &wire::block(wire::REQUEST), &messages))?;
        peer.wait(Duration::from_secs(5), |seen| seen.take_fate(stream))?;
    }
}

/// A call of one message with this flag, in this encoding.
fn encoded(stream: u32, flag: u8, encoding: Option<&str>) -> Vec<u8> {
    let payload = wire::hello("you");
    let body = [&wire::prefix(flag, payload.len() as u32)[..], &payload].concat();
    wire::with_body(stream, &wire::request_with(encoding.map(|encoding| ("grpc-encoding", encoding))), &body)
}

/// The rules of gRPC over HTTP/2, and of compression in gRPC.
const GRPC: &str = "PROTOCOL-HTTP2";
const COMPRESSION: &str = "gRPC compression";

const ENCODINGS: &[Case] = &[
    Case { what: "flag 2", frames: |stream| encoded(stream, 2, None), rule: Rule::Refuse(GRPC) },
    Case { what: "flag 255", frames: |stream| encoded(stream, 255, None), rule: Rule::Refuse(GRPC) },
    Case {
        what: "a compressed message of no encoding",
        frames: |stream| encoded(stream, 1, None),
        rule: Rule::Refuse(COMPRESSION),
    },
    Case {
        what: "an unknown encoding",
        frames: |stream| encoded(stream, 1, Some("unknown")),
        rule: Rule::Refuse(COMPRESSION),
    },
    Case {
        what: "gzip that is none",
        frames: |stream| encoded(stream, 1, Some("gzip")),
        rule: Rule::Refuse(COMPRESSION),
    },
];

fn timeout(stream: u32, timeout: &str) -> Vec<u8> {
    let block = wire::request_with([("grpc-timeout", timeout)]);
    wire::with_body(stream, &block, &wire::message(&wire::hello("you")))
}

const TIMEOUTS: &[Case] = &[
    Case {
        what: "the longest timeout there is",
        frames: |stream| timeout(stream, "99999999H"),
        rule: Rule::Serve,
    },
    Case { what: "nine digits", frames: |stream| timeout(stream, "123456789S"), rule: Rule::Doubt },
    Case { what: "no unit", frames: |stream| timeout(stream, "10"), rule: Rule::Doubt },
    Case { what: "an unknown unit", frames: |stream| timeout(stream, "10x"), rule: Rule::Doubt },
    Case { what: "no digits", frames: |stream| timeout(stream, "S"), rule: Rule::Doubt },
    Case { what: "a sign", frames: |stream| timeout(stream, "-10S"), rule: Rule::Doubt },
    Case { what: "an empty timeout", frames: |stream| timeout(stream, ""), rule: Rule::Doubt },
];

fn keepalive(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    loop {
        peer.send(&wire::ping([0; 8]))?;
        peer.pause(Duration::from_millis(10))?;
    }
}

fn cancelled(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    loop {
        let streams: Vec<_> = (0..64).map(|_| peer.stream()).collect();
        let mut octets: Vec<u8> = streams.iter().flat_map(|&stream| wire::call(stream)).collect();
        octets.extend(streams.iter().rev().flat_map(|&stream| wire::rst(stream, Reason::CANCEL)));
        peer.send(&octets)?;
    }
}
