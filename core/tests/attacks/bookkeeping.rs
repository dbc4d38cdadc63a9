//! Attacks on what is kept for each frame, each field, each connection that is over.

use unwired_core::http2::{Config, Reason};

use crate::counting;
use crate::raw::{self, Raw};
use crate::siege::{MOST_HELD, Neighbour};

/// Threats: F5.
#[test]
fn data_of_one_octet_costs_what_it_carries() {
    const STREAMS: u32 = 16;
    let window = Config::default().initial_window as usize;
    let mut neighbour = Neighbour::new();
    let baseline = counting::held();
    let messages = window * STREAMS as usize;
    let peak = counting::peak(|| {
        let mut server = Raw::server();
        let keys: Vec<_> = (0..STREAMS).map(|n| server.open(2 * n + 1, false)).collect();
        for _ in 0..window / 1024 {
            for n in 0..STREAMS {
                server.feed(&raw::data(2 * n + 1, b"x", false).repeat(1024));
                server.events();
            }
        }
        server.lives();
        assert_eq!(server.conn.stats().data_received, messages as u64);
        let kept: usize =
            keys.iter().map(|&key| server.conn.recv_data(key).map_or(0, |data| data.len())).sum();
        assert_eq!(kept, messages);
    });
    assert!(peak < 2 * messages + MOST_HELD, "{peak} octets for {messages}");
    assert_eq!(counting::held(), baseline);
    neighbour.calls();
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
    let mut block = raw::block(raw::REQUEST);
    block.extend(b"\0\x01a\x01b".repeat(MANY));
    let lifted = raw::config(|config| {
        config.max_frame_size = (1 << 24) - 1;
        config.limits.max_header_list_size = u32::MAX;
        config.limits.max_header_list_abort = u32::MAX;
        config.limits.max_header_fields = usize::MAX;
        config.limits.max_header_block_wire = usize::MAX;
    });
    let mut server = Raw::server_with(lifted.clone());
    server.feed(&raw::headers(1, &block, true));
    let events = server.events();
    let [unwired_core::http2::Event::Headers { stream, end_stream: true }] = events[..] else {
        panic!("{events:?}")
    };
    let fields = server.conn.take_fields(stream).expect("a request");
    assert_eq!(fields.iter().count(), raw::REQUEST.len() + MANY);
    server.lives();
    // With one limit left in place it is that one that holds.
    let mut config = lifted;
    config.limits.max_header_fields = 128;
    let mut server = Raw::server_with(config);
    server.feed(&raw::headers(1, &block, true));
    assert_eq!(server.events(), []);
    server.lives();
}
