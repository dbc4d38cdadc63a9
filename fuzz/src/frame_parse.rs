//! Frame heads and payloads: parsed, and what has a way back written again.
//!
//! Input: frames, one behind the other.

use unwired_core::http2::frame::{self, FrameHead, HEAD_LEN, Kind};

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut rest = data;
    while let Some((octets, tail)) = rest.split_first_chunk::<HEAD_LEN>() {
        let head = FrameHead::parse(octets);
        let mut without_reserved = *octets;
        without_reserved[5] &= 0x7f;
        assert_eq!(head.octets(), without_reserved);

        let (payload, tail) = tail.split_at(tail.len().min(head.length as usize));
        rest = tail;
        match head.kind {
            Kind::Priority => assert_eq!(frame::priority(payload).is_some(), payload.len() == 5),
            Kind::ResetStream => assert_eq!(frame::reset(payload).is_some(), payload.len() == 4),
            Kind::Ping => assert_eq!(frame::ping(payload).is_some(), payload.len() == 8),
            Kind::WindowUpdate => {
                assert!(frame::window_update(payload).is_none_or(|step| step <= u32::MAX >> 1))
            }
            Kind::GoAway => match frame::goaway(payload) {
                Some((_, _, debug)) => assert_eq!(debug, &payload[8..]),
                None => assert!(payload.len() < 8),
            },
            Kind::Settings => match frame::settings(payload) {
                Some(settings) => assert_eq!(settings.len() * 6, payload.len()),
                None => assert_ne!(payload.len() % 6, 0),
            },
            Kind::Data | Kind::Headers | Kind::PushPromise | Kind::Continuation | Kind::Unknown(_) => {}
        }
    }
}
