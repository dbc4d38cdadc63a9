//! Messages that one peer reads in one way and the next in another: none of them reaches an application.

use unwired_core::http2::{Abuse, Connection, Event, Reason};
use unwired_core::{Instant, Outbox};

use bytes::Buf;

use crate::raw::{self, Frame, Raw};
use crate::resets::stream;
use crate::siege::{Siege, beside_a_neighbour, besiege, holds};

/// Each request with these fields is reset unseen, costs a reset and a glitch, and so many of them end the connection.
#[track_caller]
fn malformed(fields: &[(&str, &str)], end: bool) {
    let block = raw::block(fields.iter().copied());
    besiege(Raw::server, 1000, Abuse::MadeYouReset, |round| raw::headers(stream(round), &block, end));
    let mut server = Raw::server();
    server.resets(&raw::headers(1, &block, end), 1, Reason::PROTOCOL_ERROR);
    assert_eq!(server.events(), [], "{fields:?} reaches an application");
    assert_eq!(server.conn.stats().abuse.get(Abuse::Glitches), 1);
}

/// A request with more lines.
fn with(lines: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    raw::REQUEST.into_iter().chain(lines.iter().copied()).collect()
}

/// A request without the line of that name, and with more.
fn without(name: &str, lines: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut request = with(lines);
    request.retain(|line| line.0 != name);
    request
}

/// Threats: S2.
#[test]
fn authorities() {
    malformed(&with(&[("host", "elsewhere")]), true);
    malformed(&with(&[("host", "localhost"), ("host", "localhost")]), true);
    malformed(&without(":authority", &[("host", "a"), ("host", "b")]), true);
    let user = [(":method", "POST"), (":scheme", "http"), (":authority", "me@localhost"), (":path", "/a/b")];
    malformed(&user, true);
    // None at all is nobody's fault.
    let block = raw::block(without(":authority", &[]));
    holds(
        Raw::server,
        0,
        100,
        |round| raw::headers(stream(round), &block, true),
        |server, _| {
            let events = server.events();
            let [Event::Headers { stream, .. }] = events[..] else { panic!("{events:?}") };
            server.respond(stream, true);
            server.conn.release(stream);
            server.sent();
        },
    );
}

/// Threats: S3.
#[test]
fn pseudo_header_fields() {
    for (name, value) in raw::REQUEST {
        malformed(&with(&[(name, value)]), true);
        if name != ":authority" {
            malformed(&without(name, &[]), true);
        }
    }
    let late: Vec<_> = [("a", "b")].into_iter().chain(raw::REQUEST).collect();
    malformed(&late, true);
    malformed(&[(":status", "200")], true);
    let first: Vec<_> = [(":unknown", "x")].into_iter().chain(raw::REQUEST).collect();
    malformed(&first, true);
    malformed(&[(":method", "CONNECT"), (":authority", "a:1"), (":scheme", "http"), (":path", "/")], true);
}

/// Threats: S4.
#[test]
fn octets_that_fields_must_not_have() {
    for name in ["Upper", "with space", "tab\t", "nul\0", "cr\r", "lf\n", "colon:", "latin\u{e9}", "\x7f"] {
        malformed(&with(&[(name, "x")]), true);
    }
    for value in ["nul\0nul", "cr\rcr", "lf\nlf", " ahead", "behind ", "\tahead", "x\r\nx: y"] {
        malformed(&with(&[("x", value)]), true);
    }
}

/// Threats: S5.
#[test]
fn fields_of_another_version() {
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
        malformed(&with(&[(name, "x")]), true);
    }
    malformed(&with(&[("te", "gzip")]), true);
    malformed(&with(&[("te", "trailers, deflate")]), true);
}

/// Threats: S6.
#[test]
fn lengths_that_are_none() {
    for length in ["+5", "-1", "", " 5", "0x5", "5,5", "18446744073709551616"] {
        malformed(&with(&[("content-length", length)]), false);
    }
    malformed(&with(&[("content-length", "5"), ("content-length", "6")]), false);
    malformed(&with(&[("content-length", "5")]), true);
}

/// Threats: S6.
#[test]
fn content_that_is_not_as_long_as_it_says() {
    let head = raw::block(with(&[("content-length", "3")]));
    let bodies: [fn(u32) -> Vec<u8>; 4] = [
        |stream| raw::data(stream, b"four", false),
        |stream| raw::data(stream, b"2.", true),
        |stream| raw::headers(stream, &raw::block(raw::TRAILERS), true),
        |stream| [raw::data(stream, b"one", false), raw::padded(stream, b"x", 9, true)].concat(),
    ];
    for body in bodies {
        besiege(Raw::server, 1000, Abuse::MadeYouReset, |round| {
            [raw::headers(stream(round), &head, false), body(stream(round))].concat()
        });
    }
}

/// Threats: S3, S9.
#[test]
fn sections_at_the_wrong_place() {
    let behind: [fn(u32) -> Vec<u8>; 4] = [
        // A head amid a message; trailers with what only a head has; DATA, and trailers, after trailers.
        |stream| raw::headers(stream, &raw::block(raw::TRAILERS), false),
        |stream| raw::headers(stream, &raw::block(raw::REQUEST), true),
        |stream| {
            let trailers = raw::headers(stream, &raw::block(raw::TRAILERS), true);
            [trailers, raw::data(stream, b"late", false)].concat()
        },
        |stream| raw::headers(stream, &raw::block(raw::TRAILERS), true).repeat(2),
    ];
    for behind in behind {
        besiege(Raw::server, 1000, Abuse::MadeYouReset, |round| {
            [raw::request(stream(round), false), raw::data(stream(round), b"x", false), behind(stream(round))]
                .concat()
        });
    }
}

/// Threats: S3, S5, S9.
#[test]
fn responses_that_are_malformed() {
    // A client resets, and nobody takes the call for a success; a server that sends nothing else is left.
    let responses: [&[(&str, &str)]; 6] = [
        &[("a", "b")],
        &[(":status", "20")],
        &[(":status", "200"), (":status", "200")],
        &[(":status", "101")],
        &[(":status", "200"), (":path", "/")],
        &[(":status", "200"), ("connection", "close")],
    ];
    for response in responses {
        let block = raw::block(response.iter().copied());
        holds(
            Raw::client,
            0,
            500,
            |_| Vec::new(),
            |client, round| {
                let key = client.open(stream(round), true);
                client.feed(&raw::headers(stream(round), &block, true));
                assert_eq!(client.answers(), [Frame::Reset(stream(round), Reason::PROTOCOL_ERROR)]);
                let events = client.events();
                assert!(matches!(events[..], [Event::Reset { stream, .. }] if stream == key), "{events:?}");
                client.conn.release(key);
            },
        );
    }
    fn asking() -> Raw {
        let mut client = Raw::client();
        for n in 0..1001 {
            client.open(stream(n), true);
        }
        client
    }
    let siege = Siege { begin: asking, budget: 1000, abuse: Abuse::Glitches, acts: 1001 };
    siege.ends(|round| raw::headers(stream(round), &raw::block([("a", "b")]), true));
}

/// Threats: S8.
#[test]
fn another_version_on_the_port() {
    let upgrade = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n";
    for request in [&upgrade[..], b"POST /a/b HTTP/1.0\r\n\r\n"] {
        beside_a_neighbour(0, || {
            let mut server = Connection::server(raw::config(|_| {}), Instant::ZERO);
            // The preface that an upgrade would be followed by changes nothing.
            let input = [request, raw::PREFACE, &raw::settings(&[]), &raw::request(1, true)].concat();
            assert_eq!(server.handle_input(Instant::ZERO, &input), input.len());
            let mut out = Outbox::new();
            while server.poll_transmit(Instant::ZERO, &mut out, 1 << 14) {}
            let answer = out.copy_to_bytes(out.len());
            assert!(answer.starts_with(b"HTTP/1.1 505 "), "{answer:?}");
            assert!(server.wants_shutdown());
            let events: Vec<_> = std::iter::from_fn(|| server.poll_event()).collect();
            assert!(matches!(events[..], [Event::Closed(_)]), "{events:?}");
            let stats = server.stats();
            assert_eq!((stats.kills.get(Abuse::Http1), stats.kills.total()), (1, 1));
            assert_eq!((stats.abuse.get(Abuse::Http1), stats.frames_received), (1, 0));
        });
    }
}
