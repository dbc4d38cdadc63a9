//! Keepalive, ping policy, age: gRPC's rules (gRFC A8 and A9) and what is left when all is quiet.

use std::time::Duration;

use unwired_core::http2::frame::flag;
use unwired_core::http2::{
    Abuse, Config, ConnectionEnd, Event, Initiator, Keepalive, PingPolicy, Reason, TimerKind,
};

use unwired_core::Outbox;

use crate::raw::{self, Frame, Raw};

const SECOND: Duration = Duration::from_secs(1);

fn keepalive(while_idle: bool) -> Config {
    raw::config(|config| {
        config.keepalive = Some(Keepalive { interval: 10 * SECOND, timeout: 20 * SECOND, while_idle });
        config.bdp = false;
    })
}

/// The PINGs sent since the last look.
fn pings(raw: &mut Raw) -> Vec<[u8; 8]> {
    raw.sent()
        .into_iter()
        .filter_map(|frame| match frame {
            Frame::Ping(payload) => Some(payload),
            _ => None,
        })
        .collect()
}

fn ack(payload: [u8; 8]) -> Vec<u8> {
    raw::frame(raw::PING, flag::ACK, 0, &payload)
}

#[test]
fn keepalive_asks_after_silence_and_again_after_each_answer() {
    let mut client = Raw::client_with(keepalive(false));
    client.open(1, true);
    for _ in 0..5 {
        client.pass(10 * SECOND - Duration::from_nanos(1));
        assert_eq!(pings(&mut client), [] as [[u8; 8]; 0]);
        client.pass(Duration::from_nanos(1));
        let asked = pings(&mut client);
        assert_eq!(asked.len(), 1);
        client.feed(&ack(asked[0]));
    }
    // Whatever is read is a sign of life.
    client.pass(9 * SECOND);
    client.feed(&raw::ping([0; 8]));
    client.pass(9 * SECOND);
    assert_eq!(pings(&mut client), [] as [[u8; 8]; 0]);
    client.pass(SECOND);
    assert_eq!(pings(&mut client).len(), 1);
    assert!(client.conn.stats().rtt_nanos.is_some());
}

#[test]
fn keepalive_without_an_answer_ends_the_connection() {
    let mut client = Raw::client_with(keepalive(false));
    let key = client.open(1, true);
    client.pass(10 * SECOND);
    assert_eq!(pings(&mut client).len(), 1);
    assert_eq!(client.conn.next_timer(), Some(TimerKind::KeepaliveTimeout));
    client.pass(20 * SECOND - Duration::from_nanos(1));
    assert_eq!(client.events(), []);
    client.pass(Duration::from_nanos(1));
    let events = client.events();
    assert!(
        matches!(&events[..], [Event::Reset { stream, .. }, Event::Closed(ConnectionEnd { by: Initiator::Library, .. })]
            if *stream == key),
        "{events:?}"
    );
    assert!(client.conn.is_closed());
}

#[test]
fn keepalive_rests_while_no_stream_is_open_unless_told_otherwise() {
    for while_idle in [false, true] {
        let mut client = Raw::client_with(keepalive(while_idle));
        client.pass(29 * SECOND);
        assert_eq!(pings(&mut client).len(), usize::from(while_idle));
    }
    let mut client = Raw::client_with(keepalive(false));
    client.pass(100 * SECOND);
    assert_eq!(client.conn.poll_timeout(), None);
    client.open(1, true);
    client.pass(10 * SECOND);
    assert_eq!(pings(&mut client).len(), 1);
}

/// Threats: F1, G9.
#[test]
fn ping_policy_counts_strikes_and_says_too_many_pings() {
    let policy = PingPolicy { min_interval: 300 * SECOND, min_interval_idle: 7200 * SECOND, strikes: 2 };
    let mut server = Raw::server_with(raw::config(|config| config.ping_policy = Some(policy)));
    let key = server.open(1, false);
    for _ in 0..3 {
        server.feed(&raw::ping([0; 8]));
    }
    // HEADERS or DATA of ours forgive.
    server.respond(key, false);
    server.sent();
    for _ in 0..5 {
        server.feed(&raw::ping([0; 8]));
        server.pass(300 * SECOND);
    }
    for _ in 0..2 {
        server.feed(&raw::ping([0; 8]));
        server.pass(299 * SECOND);
    }
    assert_eq!(server.conn.stats().kills.total(), 0);
    server.feed(&raw::ping([0; 8]));
    server.feed(&raw::ping([0; 8]));
    // The exact text matters: gRPC clients read it.
    assert_eq!(server.is_dead_of(Reason::ENHANCE_YOUR_CALM), "too_many_pings");
    assert_eq!(server.conn.stats().kills.get(Abuse::TooManyPings), 1);
}

/// Threats: F1, G9.
#[test]
fn ping_policy_is_stricter_without_streams() {
    let policy = PingPolicy { min_interval: 300 * SECOND, min_interval_idle: 7200 * SECOND, strikes: 2 };
    let mut server = Raw::server_with(raw::config(|config| config.ping_policy = Some(policy)));
    for _ in 0..3 {
        server.feed(&raw::ping([0; 8]));
        server.pass(7199 * SECOND);
    }
    assert_eq!(server.conn.stats().kills.total(), 0);
    server.feed(&raw::ping([0; 8]));
    assert_eq!(server.is_dead_of(Reason::ENHANCE_YOUR_CALM), "too_many_pings");
}

#[test]
fn idle_server_drains() {
    let mut server = Raw::server_with(raw::config(|config| config.max_idle = Some(100 * SECOND)));
    server.pass(50 * SECOND);
    let key = server.open(1, true);
    server.pass(500 * SECOND);
    server.respond(key, true);
    server.sent();
    server.pass(100 * SECOND - Duration::from_nanos(1));
    assert_eq!(server.answers(), []);
    server.pass(Duration::from_nanos(1));
    assert!(
        matches!(&server.answers()[..], [Frame::GoAway { last: 0x7fff_ffff, debug, .. }] if debug == "max_idle")
    );
    server.pass(SECOND);
    assert!(matches!(
        server.events()[..],
        [.., Event::Closed(ConnectionEnd { reason: Reason::NO_ERROR, .. })]
    ));
}

#[test]
fn aged_server_drains_and_its_grace_ends_what_is_left() {
    let mut ages = Vec::new();
    for seed in 0..50 {
        let mut server = Raw::server_with(raw::config(|config| {
            config.max_age = Some(1000 * SECOND);
            config.max_age_grace = Some(5 * SECOND);
            config.seed = seed;
        }));
        let key = server.open(1, true);
        let due = server.conn.poll_timeout().unwrap();
        assert_eq!(server.conn.next_timer(), Some(TimerKind::Age));
        ages.push((due - server.now).as_secs());
        server.pass(due - server.now);
        assert!(matches!(&server.answers()[..], [Frame::GoAway { debug, .. }] if debug == "max_age"));
        server.pass(5 * SECOND);
        let events = server.events();
        assert!(
            matches!(events[..], [Event::Reset { stream, .. }, Event::Closed(_)] if stream == key),
            "{events:?}"
        );
    }
    assert!(ages.iter().all(|age| (900..=1100).contains(age)), "{ages:?}");
    ages.sort_unstable();
    ages.dedup();
    assert!(ages.len() > 20, "{ages:?}");
}

/// A server whose answer of 50,000 octets to the one request was handed to the socket, which has taken none of it, and which
/// is drained: all streams are at their end.
fn drained_with_an_answer_unsent(grace: Option<Duration>) -> Raw {
    let mut server = Raw::server();
    let key = server.open(1, true);
    server.conn.drain(server.now, grace);
    for payload in pings(&mut server) {
        server.feed(&ack(payload));
    }
    server.sent();
    server.respond(key, false);
    server.send(key, 50_000, true);
    let mut out = Outbox::new();
    server.conn.poll_transmit(server.now, &mut out, usize::MAX);
    server.conn.handle_sent(server.now, out.len());
    assert_eq!(server.conn.active_streams(), 0);
    server
}

/// Lets time pass, and nothing else happen.
fn wait(server: &mut Raw, time: Duration) {
    let end = server.now + time;
    while let Some(at) = server.conn.poll_timeout().filter(|&at| at <= end) {
        server.now = at;
        server.conn.handle_timeout(at);
        server.conn.check_invariants();
    }
    server.now = end;
}

#[test]
fn a_drained_connection_waits_for_a_peer_that_reads_slowly() {
    let mut server = drained_with_an_answer_unsent(None);
    for left in (1..100).rev() {
        wait(&mut server, 50 * SECOND);
        assert!(!server.conn.is_closed(), "{left} octets are not sent");
        server.conn.handle_sent(server.now, left);
    }
    server.conn.handle_sent(server.now, 0);
    assert!(server.conn.wants_shutdown());
    // What the socket has taken is read as well: for as long as the peer is heard of.
    for _ in 0..50 {
        wait(&mut server, SECOND - Duration::from_nanos(1));
        assert!(!server.conn.is_closed());
        server.conn.handle_input(server.now, &raw::window_update(0, 1));
    }
    wait(&mut server, SECOND);
    assert!(server.conn.is_closed());
    assert_eq!(server.conn.poll_timeout(), None);
}

#[test]
fn a_drained_connection_waits_for_no_peer_that_reads_nothing_or_never_ends() {
    let mut server = drained_with_an_answer_unsent(None);
    wait(&mut server, 59 * SECOND);
    assert!(!server.conn.is_closed());
    wait(&mut server, 2 * SECOND);
    assert!(server.conn.is_closed(), "the peer takes nothing");

    let mut server = drained_with_an_answer_unsent(None);
    server.conn.handle_sent(server.now, 0);
    for _ in 0..125 {
        wait(&mut server, SECOND / 2);
        server.conn.handle_input(server.now, &raw::window_update(0, 1));
    }
    assert!(server.conn.is_closed(), "the peer does not end");
    server.conn.handle_sent(server.now, 0);
    assert_eq!(server.conn.poll_timeout(), None);

    let mut server = drained_with_an_answer_unsent(Some(5 * SECOND));
    for left in (1..12).rev() {
        wait(&mut server, SECOND / 2);
        server.conn.handle_sent(server.now, left);
    }
    wait(&mut server, SECOND);
    assert!(server.conn.is_closed(), "the time to end calls is over");
}

#[test]
fn quiet_connection_gives_its_memory_back_and_has_no_timers() {
    let mut server = Raw::server();
    let fresh = server.conn.capacity();
    let streams: Vec<u32> = (0..100).map(|n| 2 * n + 1).collect();
    let keys: Vec<_> = streams.iter().map(|&stream| server.open(stream, true)).collect();
    for key in keys {
        server.respond(key, true);
        server.sent();
        server.conn.release(key);
    }
    assert!(server.conn.capacity() > fresh);
    server.pass(10 * SECOND);
    assert!(server.conn.capacity() <= fresh + 4096, "{} of {fresh}", server.conn.capacity());
    assert_eq!(server.conn.poll_timeout(), None);
    server.open(201, true);
}

#[test]
fn end_of_input_is_the_end() {
    let mut client = Raw::client();
    let key = client.open(1, true);
    client.conn.handle_eof(client.now);
    let events = client.events();
    assert!(
        matches!(&events[..], [Event::Reset { stream, error }, Event::Closed(end)]
            if *stream == key && error.by == Initiator::Peer && end.by == Initiator::Peer),
        "{events:?}"
    );
    assert!(client.conn.is_closed() && !client.conn.wants_input());
}

#[test]
fn bandwidth_grows_the_connections_window_up_to_its_limit() {
    let mut server = Raw::server_with(raw::config(|config| {
        config.initial_window = 1 << 24;
        config.connection_window = 65_535;
        config.limits.max_connection_window = 1 << 20;
    }));
    let key = server.open(1, false);
    let mut window = 65_535usize;
    let mut rounds = 0;
    while server.conn.connection_window() < 1 << 20 {
        rounds += 1;
        assert!(rounds < 20);
        // Everything that may be sent is sent in one round trip of 10 ms.
        let mut asked = Vec::new();
        while window > 0 {
            let length = window.min(16 << 10);
            window -= length;
            server.feed(&raw::data(1, &vec![0; length], false));
            assert!(server.conn.take_data(key).is_some());
        }
        for frame in server.sent() {
            match frame {
                Frame::WindowUpdate(0, increment) => window += increment as usize,
                Frame::Ping(payload) => asked.push(payload),
                _ => {}
            }
        }
        assert!(asked.len() <= 1);
        server.now += Duration::from_millis(10);
        if let Some(payload) = asked.pop() {
            server.feed(&ack(payload));
        }
        for frame in server.sent() {
            if let Frame::WindowUpdate(0, increment) = frame {
                window += increment as usize;
            }
        }
        server.conn.grant(key, 1 << 20);
    }
    assert_eq!(server.conn.connection_window(), 1 << 20);
}

#[test]
fn bandwidth_is_found_out_by_one_stream_that_fills_its_own_window() {
    // The connection would take a mebibyte, of which one stream can use a sixteenth in each round trip.
    let mut server = Raw::server();
    let key = server.open(1, false);
    let first = server.conn.stream_window();
    let mut rounds = 0;
    while server.conn.stream_window() < 8 * first {
        rounds += 1;
        assert!(rounds < 20, "{} bytes a round trip", server.conn.stream_window());
        // A round trip of 10 ms brings as much as a stream may have under way, and it is read at once.
        let window = server.conn.stream_window() as usize;
        let mut asked = Vec::new();
        for piece in vec![0; window].chunks(16 << 10) {
            server.feed(&raw::data(1, piece, false));
            assert!(server.conn.take_data(key).is_some());
            server.conn.grant(key, piece.len());
            asked.extend(pings(&mut server));
        }
        server.now += Duration::from_millis(10);
        for payload in asked {
            server.feed(&ack(payload));
        }
        let grown = server.conn.stream_window() as usize - window;
        server.conn.grant(key, grown);
        server.sent();
    }
    assert!(server.conn.connection_window() >= server.conn.stream_window());
}

#[test]
fn bandwidth_is_not_measured_without_data_or_without_growth() {
    let mut server = Raw::server();
    server.open(1, false);
    server.pass(100 * SECOND);
    assert_eq!(pings(&mut server), [] as [[u8; 8]; 0]);
    let mut asked = 0;
    for _ in 0..100 {
        server.feed(&raw::data(1, b"little", false));
        for payload in pings(&mut server) {
            asked += 1;
            server.now += Duration::from_millis(1);
            server.feed(&ack(payload));
        }
    }
    assert_eq!(asked, 2, "two rounds without growth, then none");
}

#[test]
fn an_age_beyond_all_time_is_no_limit() {
    let mut server = Raw::server_with(raw::config(|config| config.max_age = Some(Duration::MAX)));
    server.pass(Duration::from_secs(1 << 32));
    server.lives();
}
