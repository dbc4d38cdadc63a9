//! Frames that no good peer sends, between those of one.

use unwired_core::http2::frame::{FrameHead, HEAD_LEN};

use crate::random::Random;

const PREFACE_LEN: usize = 24;

/// Lets `bytes`, whole frames, pass with a hostile frame before, instead of, or in some of them at this `rate`. Answers
/// how many frames there were, and how many are not as they should be.
pub(crate) fn spoil(bytes: &[u8], random: &mut Random, rate: f64, to: &mut Vec<u8>) -> (u64, u64) {
    let (mut frames, mut hostile) = (0, 0);
    let mut rest = bytes;
    if rest.starts_with(b"PRI ") {
        let (preface, frames) = rest.split_at(PREFACE_LEN);
        to.extend_from_slice(preface);
        rest = frames;
    }
    while let Some(head) = rest.first_chunk::<HEAD_LEN>() {
        let length = HEAD_LEN + FrameHead::parse(head).length as usize;
        let (frame, tail) = rest.split_at(length);
        rest = tail;
        frames += 1;
        if !random.chance(rate) {
            to.extend_from_slice(frame);
            continue;
        }
        hostile += 1;
        match random.below(8) {
            // An octet is another one, often of the head.
            0 => {
                let most = if random.chance(0.5) { HEAD_LEN } else { length };
                let (at, octet) = (random.below(most), random.next_u64() as u8);
                let begin = to.len();
                to.extend_from_slice(frame);
                to[begin + at] ^= octet;
            }
            // It comes twice, or not at all, or not whole.
            1 => to.extend_from_slice(&[frame, frame].concat()),
            2 => {}
            3 => to.extend_from_slice(&frame[..random.below(length)]),
            _ => {
                hostile_frame(random, to);
                to.extend_from_slice(frame);
            }
        }
    }
    (frames, hostile)
}

fn hostile_frame(random: &mut Random, to: &mut Vec<u8>) {
    // Types from DATA to CONTINUATION, and some that are none.
    let kind = random.below(12) as u8;
    let stream = match random.below(4) {
        0 => 0,
        1 => random.next_u64() as u32,
        _ => random.below(60) as u32,
    };
    let flags = if random.chance(0.5) { random.next_u64() as u8 } else { [0, 1, 4, 5][random.below(4)] };
    let payload: Vec<u8> = match (kind, random.below(3)) {
        (_, 0) => (0..random.below(40)).map(|_| random.next_u64() as u8).collect(),
        // PRIORITY, RST_STREAM, WINDOW_UPDATE, PING, GOAWAY and SETTINGS of the length that they have.
        (2, _) => octets(random, 5),
        (3, _) => (random.below(14) as u32).to_be_bytes().to_vec(),
        (8, _) => [0_u32, 1, 70_000, 0x7fff_ffff][random.below(4)].to_be_bytes().to_vec(),
        (6, _) => octets(random, 8),
        (7, _) => [(random.below(60) as u32).to_be_bytes(), (random.below(14) as u32).to_be_bytes()].concat(),
        (4, _) => {
            let value = [0_u32, 1, 100, 20_000, 70_000, u32::MAX][random.below(6)];
            [&[0, random.below(8) as u8][..], &value.to_be_bytes()].concat()
        }
        // DATA, HEADERS (indexed fields of the static table, mostly) and the rest.
        (1 | 9, 1) => (0..random.below(20)).map(|_| 0x80 | random.below(64) as u8).collect(),
        _ => octets(random, 20),
    };
    // Lengths that are not those of the payload swallow what comes behind, or leave some of it.
    let length = if random.chance(0.9) { payload.len() } else { random.below(70_000) };
    to.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
    to.extend_from_slice(&[kind, flags]);
    to.extend_from_slice(&stream.to_be_bytes());
    to.extend_from_slice(&payload);
}

fn octets(random: &mut Random, many: usize) -> Vec<u8> {
    (0..many).map(|_| random.next_u64() as u8).collect()
}
