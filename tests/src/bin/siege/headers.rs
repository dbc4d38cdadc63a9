//! H: field sections and their compression.

use std::time::Duration;

use unwired_core::http2::frame::flag;

use crate::attack::Play::{Cases, Script};
use crate::attack::{Attack, Case, Halt, Rule};
use crate::hostile::Hostile;
use crate::seen::Fate;
use crate::wire;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("H1", "CONTINUATION without end", &[Script(continuations), Script(full_continuations)]),
    Attack::new("H2", "one large table entry, 12,000 times a request", &[Script(hpack_bomb)]),
    Attack::new("H3", "15,000 cookies of one octet each, windows shut", &[Script(http2_bomb)]),
    Attack::new("H4", "tables that change their size", &[Cases(TABLE_SIZES), Script(settings_of_tables)]),
    Attack::new("H5", "integers and strings that lie", &[Cases(CODINGS)]),
    Attack::new("H6", "refused requests that fill the table", &[Script(desync)]),
    Attack::new("H8", "150,000 fields a request", &[Script(absurd_counts)]),
];

/// CONTINUATION frames of one field block that nobody has to take.
const ENDLESS: u32 = 20_000;

fn continue_without_end(peer: &mut Hostile, fragment: &[u8]) -> Result<(), Halt> {
    peer.greet(&[])?;
    let stream = peer.stream();
    peer.send(&wire::frame(wire::HEADERS, 0, stream, &wire::block(wire::REQUEST)))?;
    let frame = wire::frame(wire::CONTINUATION, 0, stream, fragment);
    for _ in 0..ENDLESS {
        peer.send(&frame)?;
    }
    Err(Halt::Broken(format!("takes {ENDLESS} CONTINUATION frames of one block")))
}

fn continuations(peer: &mut Hostile) -> Result<(), Halt> {
    continue_without_end(peer, &wire::block([("a", "b")]))
}

fn full_continuations(peer: &mut Hostile) -> Result<(), Halt> {
    let value = "x".repeat(1_000);
    let fragment: Vec<u8> = wire::block([("a", &*value)]).repeat(16);
    continue_without_end(peer, &fragment)
}

fn hpack_bomb(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let head = wire::block(wire::REQUEST);
    let entry = wire::indexed_literal("x", &"x".repeat(4_000));
    let stream = peer.stream();
    peer.send(&wire::headers(stream, &[&head[..], &entry].concat(), true))?;
    let bomb = [&head[..], &[wire::indexed(wire::NEWEST); 12_000]].concat();
    Ok(peer.flood_streams(|stream| wire::headers(stream, &bomb, true))?)
}

/// `cookie` without a value in the static table.
const COOKIE: u8 = 32;

fn http2_bomb(peer: &mut Hostile) -> Result<(), Halt> {
    peer.seen().gives_windows = false;
    peer.greet(&[(wire::INITIAL_WINDOW_SIZE, 0)])?;
    let block = [&wire::block(wire::REQUEST)[..], &[wire::indexed(COOKIE); 15_000]].concat();
    let body = wire::message(&wire::hello("you"));
    loop {
        let stream = peer.stream();
        peer.send_in_window(&wire::with_body(stream, &block, &body))?;
        // One octet of window for each answer holds them for as long as it likes.
        peer.send(&wire::window_update(stream, 1))?;
    }
}

const TABLE_SIZES: &[Case] = &[
    Case {
        what: "a table emptied and opened again",
        frames: |stream| after(stream, &[wire::table_size(0), wire::table_size(4096)].concat()),
        rule: Rule::Serve,
    },
    Case {
        what: "a table larger than allowed",
        frames: |stream| after(stream, &wire::table_size(1 << 20)),
        rule: Rule::End("RFC 7541 §6.3"),
    },
    Case {
        what: "a table that changes amid the fields",
        frames: |stream| {
            let block = [wire::block(wire::REQUEST), wire::table_size(0)].concat();
            wire::with_body(stream, &block, &wire::message(&wire::hello("you")))
        },
        rule: Rule::End("RFC 7541 §4.2"),
    },
    Case {
        what: "a table that changes 1,000 times",
        frames: |stream| after(stream, &[wire::table_size(0), wire::table_size(4096)].concat().repeat(500)),
        rule: Rule::Doubt,
    },
];

/// A call whose field block has `updates` ahead of its fields.
fn after(stream: u32, updates: &[u8]) -> Vec<u8> {
    let block = [updates, &wire::block(wire::REQUEST)].concat();
    wire::with_body(stream, &block, &wire::message(&wire::hello("you")))
}

fn settings_of_tables(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    Ok(peer.flood(|n| wire::settings(&[(wire::HEADER_TABLE_SIZE, if n % 2 == 0 { 0 } else { 4096 })]))?)
}

const CODINGS: &[Case] = &[
    Case {
        what: "an integer that never ends",
        frames: |stream| behind(stream, &[&[0xff][..], &[0xff; 1_000]].concat()),
        rule: Rule::End("RFC 7541 §5.1"),
    },
    Case {
        what: "a string longer than its block",
        frames: |stream| behind(stream, &[0, 0x7f, 0xff, 0xff, 0xff, 0x7f, b'x']),
        rule: Rule::End("RFC 7541 §5.2, RFC 9113 §4.3"),
    },
    Case {
        what: "a Huffman code with EOS in it",
        frames: |stream| behind(stream, &[0, 1, b'x', 0x84, 0xff, 0xff, 0xff, 0xff]),
        rule: Rule::End("RFC 7541 §5.2"),
    },
    Case {
        what: "eight bits of Huffman padding",
        // `a` is 00011.
        frames: |stream| behind(stream, &[0, 1, b'x', 0x82, 0x1f, 0xff]),
        rule: Rule::End("RFC 7541 §5.2"),
    },
    Case { what: "index 0", frames: |stream| behind(stream, &[0x80]), rule: Rule::End("RFC 7541 §6.1") },
    Case {
        what: "an index beyond the tables",
        frames: |stream| behind(stream, &[wire::indexed(126)]),
        rule: Rule::End("RFC 7541 §2.3.3"),
    },
];

/// A call whose field block has `octets` behind its fields.
fn behind(stream: u32, octets: &[u8]) -> Vec<u8> {
    let block = [&wire::block(wire::REQUEST), octets].concat();
    wire::with_body(stream, &block, &wire::message(&wire::hello("you")))
}

/// A request that must be refused puts its path into the table, and the next one takes it from there.
fn desync(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let [method, scheme, (path_name, path), rest @ ..] = wire::REQUEST;
    let (before, rest) = (wire::block([method, scheme]), wire::block(rest));
    let poison =
        [&before[..], &wire::indexed_literal(path_name, path), &rest, &wire::block([("Upper", "case")])];
    let clean = [&before[..], &[wire::indexed(wire::NEWEST)], &rest].concat();
    let body = wire::message(&wire::hello("you"));
    loop {
        let refused = peer.stream();
        let stream = peer.stream();
        let frames = [wire::headers(refused, &poison.concat(), true), wire::with_body(stream, &clean, &body)];
        peer.send_in_window(&frames.concat())?;
        match peer.wait(Duration::from_secs(5), |seen| seen.take_fate(stream))? {
            Some(Fate::OK) | None => {}
            Some(fate) => {
                return Err(Halt::Broken(format!("a good call after a refused one: {fate} (RFC 9113 §4.3)")));
            }
        }
    }
}

fn absurd_counts(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let fragment = [wire::indexed(COOKIE); wire::FRAME_SIZE];
    Ok(peer.flood_streams(|stream| {
        let mut octets = wire::frame(wire::HEADERS, flag::END_STREAM, stream, &wire::block(wire::REQUEST));
        for n in 1..=9 {
            let flags = if n == 9 { flag::END_HEADERS } else { 0 };
            octets.extend(wire::frame(wire::CONTINUATION, flags, stream, &fragment));
        }
        octets
    })?)
}
