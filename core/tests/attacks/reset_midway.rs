//! Streams that are reset while their bytes wait for a socket.

use bytes::{Buf, Bytes};
use unwired_core::Outbox;
use unwired_core::http2::Reason;
use unwired_core::http2::frame::{FrameHead, HEAD_LEN, Kind};

use crate::raw::{self, Raw};
use crate::resets::stream;
use crate::siege::play;

/// Threats: G10.
#[test]
fn what_waits_is_what_was_put_whatever_becomes_of_its_stream() {
    // Each stream sends one octet of its own, again and again. The socket takes a few octets at a time; meanwhile every
    // second stream is reset, by its peer or by us, what the application sent from is dropped, and the same memory is
    // filled with something else.
    const STREAMS: u32 = 64;
    const LENGTH: usize = 16 << 10;
    const FOREIGN: u8 = 0xff;
    let put = STREAMS as usize * LENGTH;
    // What was put, and what of it has left: all of it with its frames.
    let wire_length = put + STREAMS as usize * 64;
    play(Raw::server, put + wire_length, |server| {
        server.feed(&raw::window_update(0, 1 << 24));
        let keys: Vec<_> = (0..STREAMS).map(|n| server.open(stream(n), false)).collect();
        for (n, &key) in keys.iter().enumerate() {
            server.respond(key, false);
            let own = Bytes::from(vec![n as u8; LENGTH]);
            server.conn.send_data(key, &[n as u8; 5], own, true).expect("room");
        }
        let (mut out, mut wire, mut ends) = (Outbox::new(), Vec::with_capacity(wire_length), 0);
        let mut foreign = Vec::new();
        for round in 0.. {
            if out.is_empty() && !server.conn.poll_transmit(server.now, &mut out, 1 << 14) && out.is_empty() {
                break;
            }
            let taken = out.len().min(1 + round * 613 % 4099);
            wire.extend_from_slice(&out.copy_to_bytes(taken));
            server.conn.handle_sent(server.now, out.len());
            if round % 8 == 0 && ends < STREAMS {
                let key = keys[ends as usize];
                if ends % 4 == 0 {
                    server.offer(&raw::rst(stream(ends), Reason::CANCEL));
                    server.conn.release(key);
                } else if ends % 4 == 2 {
                    server.conn.reset(key, Reason::CANCEL);
                    server.conn.release(key);
                }
                server.events();
                foreign = vec![FOREIGN; LENGTH];
                ends += 1;
            }
        }
        drop(foreign);
        assert_eq!(ends, STREAMS, "all of it was gone too early");
        let mut received = [0; STREAMS as usize];
        let mut rest = &wire[..];
        while let Some(head) = rest.first_chunk::<HEAD_LEN>().map(FrameHead::parse) {
            let (payload, next) = rest[HEAD_LEN..].split_at(head.length as usize);
            if head.kind == Kind::Data {
                let n = head.stream.get() / 2;
                assert!(
                    payload.iter().all(|&octet| u32::from(octet) == n),
                    "octets of another on stream {n}"
                );
                received[n as usize] += payload.len();
            }
            rest = next;
        }
        assert_eq!(rest, [], "the last frame is whole");
        for (n, &octets) in received.iter().enumerate() {
            assert!(octets <= 5 + LENGTH);
            assert!(n % 2 == 0 || octets == 5 + LENGTH, "{octets} octets on stream {n}");
        }
        let midway = received.iter().filter(|&&octets| octets > 0 && octets < 5 + LENGTH).count();
        assert!(midway > 0, "no stream was reset amid its message: {received:?}");
        let stats = server.conn.stats();
        assert_eq!((stats.abuse.total(), stats.kills.total(), stats.buffered_to_send), (0, 0, 0));
        keys.iter().skip(1).step_by(2).for_each(|&key| server.conn.release(key));
    });
}
