//! S: requests that one party reads in another way than the next.

use std::time::Duration;

use crate::attack::Play::{Cases, Script};
use crate::attack::{Attack, Case, Halt, Rule};
use crate::hostile::Hostile;
use crate::wire;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("S1", "paths that are not /Service/Method", &[Cases(PATHS)]),
    Attack::new("S2", "an authority twice, or another host", &[Cases(AUTHORITIES)]),
    Attack::new("S3", "pseudo-header fields out of order", &[Cases(PSEUDO_FIELDS)]),
    Attack::new("S4", "octets that fields must not have", &[Cases(CHARACTERS)]),
    Attack::new("S5", "connection-specific fields", &[Cases(CONNECTION_FIELDS)]),
    Attack::new("S6", "a content-length that is not what comes", &[Cases(CONTENT_LENGTHS)]),
    Attack::new("S8", "HTTP/1, and its upgrade", &[Script(http1), Script(upgrade)]),
    Attack::new("S9", "fields amid a message, frames behind its end", &[Cases(TRAILERS)]),
];

/// RFC 9113 has each of these malformed, and a malformed request is refused (§8.1.1).
const fn malformed(what: &'static str, frames: fn(u32) -> Vec<u8>, section: &'static str) -> Case {
    Case { what, frames, rule: Rule::Refuse(section) }
}

/// What some refuse and some do not.
const fn doubtful(what: &'static str, frames: fn(u32) -> Vec<u8>) -> Case {
    Case { what, frames, rule: Rule::Doubt }
}

/// A call with a body and these fields.
fn greet(stream: u32, block: &[u8]) -> Vec<u8> {
    wire::with_body(stream, block, &wire::message(&wire::hello("you")))
}

/// A call with `lines` behind its fields.
fn greet_with(stream: u32, lines: &[wire::Line<'_>]) -> Vec<u8> {
    greet(stream, &wire::request_with(lines.iter().copied()))
}

fn path(stream: u32, path: &str) -> Vec<u8> {
    greet(stream, &wire::request_but(":path", Some(path)))
}

const PATHS: &[Case] = &[
    malformed("an empty :path", |stream| path(stream, ""), "RFC 9113 §8.3.1"),
    malformed(
        "a :path without a slash",
        |stream| path(stream, "helloworld.Greeter/SayHello"),
        "RFC 9113 §8.3.1",
    ),
    doubtful("a path with two slashes at first", |stream| path(stream, "//helloworld.Greeter/SayHello")),
    doubtful("a path with two slashes amid", |stream| path(stream, "/helloworld.Greeter//SayHello")),
    doubtful("a path with a slash at its end", |stream| path(stream, "/helloworld.Greeter/SayHello/")),
    doubtful("a path in percents", |stream| path(stream, "/helloworld.Greeter/%53ayHello")),
    doubtful("a path with dots", |stream| path(stream, "/x/../helloworld.Greeter/SayHello")),
    doubtful("a path with a query", |stream| path(stream, "/helloworld.Greeter/SayHello?a=b")),
    doubtful("a path in capitals", |stream| path(stream, "/HELLOWORLD.GREETER/SAYHELLO")),
];

const AUTHORITIES: &[Case] = &[
    malformed(
        ":authority twice",
        |stream| {
            let [method, scheme, path, authority, rest @ ..] = wire::REQUEST;
            let lines = [method, scheme, path, authority, authority];
            greet(stream, &wire::block(lines.into_iter().chain(rest)))
        },
        "RFC 9113 §8.3",
    ),
    // "SHOULD treat a request as malformed" (RFC 9113 §8.3.1).
    doubtful("a host that is another", |stream| greet_with(stream, &[("host", "elsewhere")])),
    doubtful("two hosts", |stream| greet_with(stream, &[("host", "localhost"), ("host", "elsewhere")])),
    // Nobody may send it, and nothing is said of who receives it.
    doubtful("an authority with a user", |stream| {
        greet(stream, &wire::request_but(":authority", Some("me@localhost")))
    }),
    doubtful("no authority at all", |stream| greet(stream, &wire::request_but(":authority", None))),
];

const PSEUDO_FIELDS: &[Case] = &[
    malformed(
        ":method twice",
        |stream| greet(stream, &wire::block([(":method", "POST")].into_iter().chain(wire::REQUEST))),
        "RFC 9113 §8.3",
    ),
    malformed(
        "an unknown pseudo-header field",
        |stream| greet(stream, &wire::block([(":unknown", "x")].into_iter().chain(wire::REQUEST))),
        "RFC 9113 §8.3",
    ),
    malformed(
        ":status in a request",
        |stream| greet(stream, &wire::block([(":status", "200")].into_iter().chain(wire::REQUEST))),
        "RFC 9113 §8.3",
    ),
    malformed(
        "a pseudo-header field behind another field",
        |stream| greet(stream, &wire::block([("x", "y")].into_iter().chain(wire::REQUEST))),
        "RFC 9113 §8.3",
    ),
    malformed("no :method", |stream| greet(stream, &wire::request_but(":method", None)), "RFC 9113 §8.3.1"),
    malformed("no :scheme", |stream| greet(stream, &wire::request_but(":scheme", None)), "RFC 9113 §8.3.1"),
    malformed("no :path", |stream| greet(stream, &wire::request_but(":path", None)), "RFC 9113 §8.3.1"),
    malformed(
        "CONNECT with scheme and path",
        |stream| greet(stream, &wire::request_but(":method", Some("CONNECT"))),
        "RFC 9113 §8.5",
    ),
    malformed(
        "a pseudo-header field in trailers",
        |stream| with_trailers(stream, &[(":path", wire::PATH)]),
        "RFC 9113 §8.1",
    ),
];

const CHARACTERS: &[Case] = &[
    malformed("a name in capitals", |stream| greet_with(stream, &[("Upper", "x")]), "RFC 9113 §8.2.1"),
    malformed("a name with a space", |stream| greet_with(stream, &[("a b", "x")]), "RFC 9113 §8.2.1"),
    malformed("a name with CR LF", |stream| greet_with(stream, &[("a\r\nb", "x")]), "RFC 9113 §8.2.1"),
    malformed("a name with a colon", |stream| greet_with(stream, &[("a:b", "x")]), "RFC 9113 §8.2.1"),
    malformed("a name beyond ASCII", |stream| greet_with(stream, &[("ä", "x")]), "RFC 9113 §8.2.1"),
    malformed("a value with CR LF", |stream| greet_with(stream, &[("a", "x\r\ny: z")]), "RFC 9113 §8.2.1"),
    malformed("a value with NUL", |stream| greet_with(stream, &[("a", "x\0y")]), "RFC 9113 §8.2.1"),
    malformed(
        "a value with a space at first",
        |stream| greet_with(stream, &[("a", " x")]),
        "RFC 9113 §8.2.1",
    ),
    malformed("a value with a tab at last", |stream| greet_with(stream, &[("a", "x\t")]), "RFC 9113 §8.2.1"),
];

const CONNECTION_FIELDS: &[Case] = &[
    malformed("connection", |stream| greet_with(stream, &[("connection", "close")]), "RFC 9113 §8.2.2"),
    malformed("keep-alive", |stream| greet_with(stream, &[("keep-alive", "1")]), "RFC 9113 §8.2.2"),
    malformed(
        "proxy-connection",
        |stream| greet_with(stream, &[("proxy-connection", "close")]),
        "RFC 9113 §8.2.2",
    ),
    malformed(
        "transfer-encoding",
        |stream| greet_with(stream, &[("transfer-encoding", "chunked")]),
        "RFC 9113 §8.2.2",
    ),
    malformed("upgrade", |stream| greet_with(stream, &[("upgrade", "h2c")]), "RFC 9113 §8.2.2"),
    malformed("te: gzip", |stream| greet(stream, &wire::request_but("te", Some("gzip"))), "RFC 9113 §8.2.2"),
    malformed(
        "connection in trailers",
        |stream| with_trailers(stream, &[("connection", "close")]),
        "RFC 9113 §8.2.2",
    ),
];

fn content_length(stream: u32, lengths: &[&str]) -> Vec<u8> {
    greet(stream, &wire::request_with(lengths.iter().map(|&length| ("content-length", length))))
}

/// Of [`greet`]'s body.
const LENGTH: &str = "10";

const CONTENT_LENGTHS: &[Case] = &[
    Case {
        what: "a content-length that is right",
        frames: |stream| content_length(stream, &[LENGTH]),
        rule: Rule::Serve,
    },
    malformed("a content-length too small", |stream| content_length(stream, &["9"]), "RFC 9113 §8.1.1"),
    malformed("a content-length too large", |stream| content_length(stream, &["11"]), "RFC 9113 §8.1.1"),
    malformed(
        "a content-length of a request without content",
        |stream| wire::headers(stream, &wire::request_with([("content-length", LENGTH)]), true),
        "RFC 9113 §8.1.1",
    ),
    malformed("two content-lengths", |stream| content_length(stream, &[LENGTH, "11"]), "RFC 9110 §8.6"),
    malformed("a content-length with a sign", |stream| content_length(stream, &["+10"]), "RFC 9110 §8.6"),
    malformed("an empty content-length", |stream| content_length(stream, &[""]), "RFC 9110 §8.6"),
    malformed(
        "a content-length of 2^64+10",
        |stream| content_length(stream, &["18446744073709551626"]),
        "RFC 9113 §8.1.1",
    ),
];

/// A call that ends with trailers.
fn with_trailers(stream: u32, lines: &[wire::Line<'_>]) -> Vec<u8> {
    let trailers = wire::block(lines.iter().copied());
    [unended(stream), wire::headers(stream, &trailers, true)].concat()
}

/// A call with its message, that goes on.
fn unended(stream: u32) -> Vec<u8> {
    [wire::call(stream), wire::data(stream, &wire::message(&wire::hello("you")), false)].concat()
}

const TRAILERS: &[Case] = &[
    malformed(
        "fields that do not end the stream",
        |stream| {
            let fields = wire::headers(stream, &wire::block([("a", "b")]), false);
            [unended(stream), fields, wire::data(stream, b"", true)].concat()
        },
        "RFC 9113 §8.1",
    ),
    malformed(
        "fields amid a message",
        |stream| {
            let message = wire::message(&wire::hello("you"));
            let (first, last) = message.split_at(7);
            let fields = wire::headers(stream, &wire::block([("a", "b")]), false);
            [wire::call(stream), wire::data(stream, first, false), fields, wire::data(stream, last, true)]
                .concat()
        },
        "RFC 9113 §8.1",
    ),
    // The call may have been answered before these come: what is behind its end is the fault.
    doubtful("DATA behind trailers", |stream| {
        [with_trailers(stream, &[("a", "b")]), wire::data(stream, b"x", false)].concat()
    }),
    doubtful("trailers behind trailers", |stream| {
        let trailers = wire::block([("a", "b")]);
        [with_trailers(stream, &[("a", "b")]), wire::headers(stream, &trailers, true)].concat()
    }),
];

fn http1(peer: &mut Hostile) -> Result<(), Halt> {
    peer.send(b"POST /helloworld.Greeter/SayHello HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")?;
    Ok(peer.pause(Duration::from_secs(1))?)
}

fn upgrade(peer: &mut Hostile) -> Result<(), Halt> {
    peer.send(
        b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n\
          http2-settings: AAMAAABkAAQAAP__\r\n\r\n",
    )?;
    Ok(peer.pause(Duration::from_secs(1))?)
}
