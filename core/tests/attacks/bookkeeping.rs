//! Attacks on what is kept for each frame, each field, each connection that is over.

use unwired_core::http2::{Abuse, Config, Event, Reason};

use crate::counting;
use crate::raw::{self, Frame, Raw};
use crate::resets::stream;
use crate::siege::{Neighbour, play};

/// Sends so many octets on each of so many streams, one a frame: what is held is what they carry, and nobody is blamed.
#[track_caller]
fn is_carried(streams: u32, octets: usize) {
    let messages = streams as usize * octets;
    play(Raw::server, messages, |server| {
        let keys: Vec<_> = (0..streams).map(|n| server.open(stream(n), false)).collect();
        let piece = octets.min(1024);
        for _ in 0..octets / piece {
            for n in 0..streams {
                server.feed(&raw::data(stream(n), b"x", false).repeat(piece));
                server.events();
            }
        }
        let stats = server.conn.stats();
        assert_eq!(stats.data_received, messages as u64);
        assert_eq!((stats.abuse.total(), stats.kills.total()), (0, 0));
        for &key in &keys {
            assert_eq!(server.conn.take_data(key).map(|data| data.len()), Some(octets));
        }
        server.lives();
    });
}

/// Threats: F5.
#[test]
fn data_of_one_octet_costs_what_it_carries() {
    // Few streams and the whole window of each, which is that of the connection; and as many streams as there may be.
    is_carried(16, Config::default().initial_window as usize);
    is_carried(128, 128);
}

/// Threats: R5.
#[test]
fn nothing_comes_of_what_follows_the_end() {
    let ends: [(Vec<u8>, Reason); 5] = [
        (raw::data(0, b"x", false), Reason::PROTOCOL_ERROR),
        (raw::frame(raw::PING, 0, 0, &[0; 7]), Reason::FRAME_SIZE_ERROR),
        (raw::headers(5, &[0x80], true), Reason::COMPRESSION_ERROR),
        (raw::window_update(0, (1 << 31) - 1), Reason::FLOW_CONTROL_ERROR),
        (raw::settings(&[(raw::ENABLE_PUSH, 0); 33]), Reason::ENHANCE_YOUR_CALM),
    ];
    let after = [
        raw::request(7, false),
        raw::data(1, b"more", true),
        raw::rst(3, Reason::CANCEL),
        raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 0)]),
        raw::goaway(0, Reason::NO_ERROR, b""),
        raw::frame(raw::HEADERS, 0, 9, b""),
        raw::head(1 << 20, raw::DATA, 0, 1),
    ]
    .concat();
    let mut neighbour = Neighbour::new();
    for (end, reason) in ends {
        let baseline = counting::held();
        let mut server = Raw::server();
        let keys = [1, 3].map(|stream| server.open(stream, false));
        server.dies_of(&end, reason);
        let stats = server.conn.stats().clone();
        for _ in 0..100 {
            assert_eq!(server.conn.handle_input(server.now, &after), after.len());
            assert_eq!(server.conn.poll_event(), None);
            assert!(!server.conn.wants_transmit());
        }
        assert_eq!(*server.conn.stats(), stats);
        // The application lets go when it gets to it.
        keys.into_iter().for_each(|key| server.conn.release(key));
        assert_eq!((server.conn.active_streams(), server.conn.stats().buffered_to_send), (0, 0));
        drop((server, stats));
        assert_eq!(counting::held(), baseline, "{reason:?}");
        neighbour.calls();
    }
}

/// Threats: H8.
#[test]
fn fields_without_number_are_no_more_than_many() {
    const MANY: usize = 100_000;
    fn lifted() -> Config {
        raw::config(|config| {
            config.max_frame_size = (1 << 24) - 1;
            config.limits.max_header_list_size = u32::MAX;
            config.limits.max_header_list_abort = u32::MAX;
            config.limits.max_header_fields = usize::MAX;
            config.limits.max_header_block_wire = usize::MAX;
        })
    }
    let mut block = raw::block(raw::REQUEST);
    block.extend(b"\0\x01a\x01b".repeat(MANY));
    let request = raw::headers(1, &block, true);
    // Whoever lifts the limits is told what a list costs: its octets, and 32 for each line of it.
    let list = (MANY + raw::REQUEST.len()) * (2 + 32);
    play(
        || Raw::server_with(lifted()),
        request.len() + list,
        |server| {
            server.feed(&request);
            let events = server.events();
            let [Event::Headers { stream, end_stream: true }] = events[..] else { panic!("{events:?}") };
            let fields = server.conn.take_fields(stream).expect("a request");
            assert_eq!(fields.iter().count(), raw::REQUEST.len() + MANY);
            let stats = server.conn.stats();
            assert_eq!((stats.abuse.total(), stats.kills.total()), (0, 0));
            server.lives();
        },
    );
    // With one limit left in place it is that one that holds, and nothing is kept.
    fn limited() -> Raw {
        let mut config = lifted();
        config.limits.max_header_fields = 128;
        Raw::server_with(config)
    }
    play(limited, request.len(), |server| {
        server.feed(&request);
        assert_eq!(server.events(), []);
        let answers = server.answers();
        let Some(Frame::Headers { stream: 1, fields, end: true }) = answers.first() else {
            panic!("{answers:?}")
        };
        assert_eq!(fields.get(b":status"), Some(&b"431"[..]));
        let stats = server.conn.stats();
        let counts = (stats.abuse.get(Abuse::FieldsTooLarge), stats.abuse.total(), stats.kills.total());
        assert_eq!(counts, (1, 1, 0));
        server.lives();
    });
}
