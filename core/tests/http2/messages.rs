//! RFC 9113 §8: messages, well-formed and not.

use unwired_core::http2::{Abuse, Event, Reason};

use crate::raw::{self, Frame, Raw};

/// Threats: S9.
/// H2spec: http2/8.1/1.
/// Obligations: 37.
#[test]
fn second_headers_without_end_stream_end_the_stream() {
    // RFC 9113 §8.1
    let mut server = Raw::server();
    server.open(1, false);
    server.resets(&raw::headers(1, &raw::block(raw::TRAILERS), false), 1, Reason::PROTOCOL_ERROR);
    let mut client = Raw::client();
    client.open(1, true);
    client.feed(&raw::response(1, false));
    client.resets(&raw::response(1, false), 1, Reason::PROTOCOL_ERROR);
}

/// Threats: S3, S9.
/// H2spec: http2/8.1.2.1/3.
/// Obligations: 37.
#[test]
fn trailers_with_pseudo_fields_end_the_stream() {
    // RFC 9113 §8.1
    let mut server = Raw::server();
    server.open(1, false);
    server.resets(&raw::request(1, true), 1, Reason::PROTOCOL_ERROR);
    let mut client = Raw::client();
    client.open(1, true);
    client.feed(&raw::response(1, false));
    client.resets(&raw::response(1, true), 1, Reason::PROTOCOL_ERROR);
}

/// Threats: S9.
#[test]
fn data_and_trailers_after_trailers_end_the_stream() {
    // RFC 9113 §8.1
    let trailers = raw::headers(1, &raw::block(raw::TRAILERS), true);
    for wrong in [raw::data(1, b"a", true), trailers.clone()] {
        let mut server = Raw::server();
        server.open(1, false);
        server.feed(&trailers);
        server.resets(&wrong, 1, Reason::STREAM_CLOSED);
    }
}

#[test]
fn data_before_a_response_ends_the_stream() {
    // RFC 9113 §8.1
    let mut client = Raw::client();
    client.open(1, true);
    client.resets(&raw::data(1, b"a", true), 1, Reason::PROTOCOL_ERROR);
}

/// Obligations: 37.
#[test]
fn informational_responses_come_before_the_one_that_is_final() {
    // RFC 9113 §8.1
    let interim = |status, end| raw::headers(1, &raw::block([(":status", status)]), end);
    let mut client = Raw::client();
    let key = client.open(1, true);
    client.feed(&interim("100", false));
    client.feed(&interim("103", false));
    client.feed(&raw::response(1, true));
    assert_eq!(
        client.events(),
        [
            Event::Informational { stream: key, status: 100 },
            Event::Informational { stream: key, status: 103 },
            Event::Headers { stream: key, end_stream: true },
            Event::Finished { stream: key },
        ]
    );
    // RFC 9113 §8.6: 101 is not for HTTP/2; and none ends a stream.
    for wrong in [interim("101", false), interim("100", true)] {
        let mut client = Raw::client();
        client.open(1, true);
        client.resets(&wrong, 1, Reason::PROTOCOL_ERROR);
    }
    // After the final response they are trailers with a pseudo-field.
    let mut client = Raw::client();
    client.open(1, true);
    client.feed(&raw::response(1, false));
    client.resets(&interim("100", false), 1, Reason::PROTOCOL_ERROR);
}

#[test]
fn informational_responses_are_sent_before_the_final_one() {
    let mut server = Raw::server();
    let key = server.open(1, true);
    let interim = |status: &str| [(":status", status)].into_iter().collect();
    server.conn.send_headers(key, interim("103"), false).unwrap();
    assert!(server.conn.send_headers(key, interim("103"), true).is_err());
    assert!(server.conn.send_headers(key, interim("101"), false).is_err());
    server.respond(key, true);
    let sent = server.answers();
    let [Frame::Headers { end: false, .. }, Frame::Headers { end: true, .. }] = &sent[..] else {
        panic!("{sent:?}")
    };
}

/// Obligations: 38.
#[test]
fn early_answer_ends_the_request_with_no_error() {
    // RFC 9113 §8.1
    let mut server = Raw::server();
    let key = server.open(1, false);
    server.respond(key, false);
    server.send(key, 5, false);
    server.conn.send_trailers(key, raw::TRAILERS.into_iter().collect()).unwrap();
    let sent = server.answers();
    assert!(
        matches!(
            sent[..],
            [
                Frame::Headers { end: false, .. },
                Frame::Data { end: false, .. },
                Frame::Headers { end: true, .. },
                Frame::Reset(1, Reason::NO_ERROR)
            ]
        ),
        "{sent:?}"
    );
    assert_eq!(server.events(), [Event::Finished { stream: key }]);
    // What the client had sent by then is let pass.
    server.ignores(&raw::data(1, b"late", false));
    server.ignores(&raw::headers(1, &raw::block(raw::TRAILERS), true));
    assert_eq!(server.conn.stats().abuse.get(Abuse::Glitches), 0);
    assert_eq!(server.conn.active_streams(), 0);
}

/// Obligations: 38.
#[test]
fn early_answer_is_whole_at_the_client_whatever_resets_the_request() {
    // RFC 9113 §8.1
    let mut client = Raw::client();
    let key = client.open(1, false);
    client.send(key, 200_000, false);
    client.sent();
    client.feed(&raw::response(1, false));
    client.feed(&raw::data(1, b"whole", true));
    client.feed(&raw::rst(1, Reason::NO_ERROR));
    assert_eq!(
        client.events(),
        [
            Event::Headers { stream: key, end_stream: false },
            Event::Data { stream: key, end_stream: true },
            Event::Finished { stream: key },
        ]
    );
    assert_eq!(client.conn.take_data(key).unwrap(), &b"whole"[..]);
    assert_eq!(client.conn.stats().buffered_to_send, 0);
    // Also when all of it is heard of at once, and after a reset that is an error.
    let key = client.open(3, false);
    let bytes = [raw::response(3, false), raw::data(3, b"whole", true), raw::rst(3, Reason::CANCEL)].concat();
    client.feed(&bytes);
    let events = client.events();
    assert!(
        matches!(events[..], [
            Event::Headers { .. },
            Event::Data { end_stream: true, .. },
            Event::Reset { stream, .. }
        ] if stream == key),
        "{events:?}"
    );
    assert_eq!(client.conn.take_data(key).unwrap(), &b"whole"[..]);
}

/// Threats: S2, S3, S5.
/// H2spec: http2/8.1.2/1, http2/8.1.2.1/1, http2/8.1.2.1/2, http2/8.1.2.1/4, http2/8.1.2.2/1, http2/8.1.2.2/2,
/// http2/8.1.2.3/1, http2/8.1.2.3/2, http2/8.1.2.3/3, http2/8.1.2.3/4, http2/8.1.2.3/5, http2/8.1.2.3/6, http2/8.1.2.3/7.
/// Obligations: 39, 40.
#[test]
fn malformed_requests_are_reset_and_never_delivered() {
    // RFC 9113 §8.1.1, §8.2 and §8.3
    let base = raw::REQUEST;
    let with = |extra: &[(&'static str, &'static str)]| {
        base.into_iter().chain(extra.iter().copied()).collect::<Vec<_>>()
    };
    let without = |name: &str| base.into_iter().filter(|field| field.0 != name).collect::<Vec<_>>();
    let cases: Vec<Vec<(&str, &str)>> = vec![
        without(":method"),
        without(":scheme"),
        without(":path"),
        with(&[(":path", "/c")]),
        with(&[(":method", "GET")]),
        with(&[(":scheme", "http")]),
        with(&[(":status", "200")]),
        with(&[(":unknown", "a")]),
        with(&[("a", "b"), (":protocol", "c")]),
        with(&[("Upper", "a")]),
        with(&[("sp ace", "a")]),
        with(&[("", "a")]),
        with(&[("a", "cr\rlf")]),
        with(&[("a", "nul\0")]),
        with(&[("a", " leading")]),
        with(&[("a", "trailing\t")]),
        with(&[("connection", "close")]),
        with(&[("keep-alive", "1")]),
        with(&[("proxy-connection", "a")]),
        with(&[("transfer-encoding", "chunked")]),
        with(&[("upgrade", "h2c")]),
        with(&[("te", "gzip")]),
        with(&[("host", "elsewhere")]),
        with(&[("host", "localhost"), ("host", "localhost")]),
        with(&[("content-length", "+5")]),
        with(&[("content-length", "")]),
        with(&[("content-length", "5"), ("content-length", "6")]),
        with(&[("content-length", "99999999999999999999")]),
        without(":authority").into_iter().chain([("x", "y"), (":authority", "late")]).collect(),
        without(":path").into_iter().chain([(":path", "")]).collect(),
        without(":authority").into_iter().chain([(":authority", "user@host")]).collect(),
        vec![(":method", "CONNECT"), (":authority", "a"), (":path", "/"), (":scheme", "http")],
    ];
    let mut server = Raw::server();
    let mut stream = 1;
    for (n, case) in cases.iter().enumerate() {
        server.feed(&raw::headers(stream, &raw::block(case.iter().copied()), false));
        assert_eq!(server.answers(), [Frame::Reset(stream, Reason::PROTOCOL_ERROR)], "{case:?}");
        assert_eq!(server.events(), [], "{case:?}");
        assert_eq!(server.conn.stats().abuse.get(Abuse::Glitches), n as u32 + 1);
        stream += 2;
    }
    server.open(stream, true);
    assert_eq!(server.conn.active_streams(), 1);
}

#[test]
fn well_formed_oddities_are_delivered() {
    // RFC 9113 §8.2 and §8.3
    for extra in [
        [("te", "trailers")],
        [("host", "localhost")],
        [("host", "LOCALHOST")],
        [("cookie", "a=b; c=d")],
        [("a", "")],
        [("a", "in side\tit")],
        [("a", "\u{fc}")],
        [("content-length", "0")],
    ] {
        let mut server = Raw::server();
        server.feed(&raw::headers(1, &raw::block(raw::REQUEST.into_iter().chain(extra)), true));
        assert!(matches!(server.events()[..], [Event::Headers { .. }]), "{extra:?}");
    }
}

/// Obligations: 39, 40.
#[test]
fn malformed_responses_end_the_stream() {
    // RFC 9113 §8.3.2
    for case in [
        &[("a", "b")][..],
        &[(":status", "20")],
        &[(":status", "abc")],
        &[(":status", "200"), (":status", "200")],
        &[("a", "b"), (":status", "200")],
        &[(":status", "200"), (":path", "/")],
        &[(":status", "200"), ("connection", "close")],
    ] {
        let mut client = Raw::client();
        let key = client.open(1, true);
        let frame = raw::headers(1, &raw::block(case.iter().copied()), true);
        client.resets(&frame, 1, Reason::PROTOCOL_ERROR);
        client.reset_event(key);
    }
}

/// Threats: S6.
/// H2spec: http2/8.1.2.6/1, http2/8.1.2.6/2.
/// Obligations: 39.
#[test]
fn content_length_must_be_what_comes() {
    // RFC 9113 §8.1.1
    let request = |length, end| {
        raw::headers(1, &raw::block(raw::REQUEST.into_iter().chain([("content-length", length)])), end)
    };
    let trailers = raw::headers(1, &raw::block(raw::TRAILERS), true);
    for right in [
        vec![request("0", true)],
        vec![request("3", false), raw::data(1, b"abc", true)],
        vec![request("3", false), raw::data(1, b"ab", false), raw::padded(1, b"c", 9, true)],
        vec![request("3", false), raw::data(1, b"abc", false), trailers.clone()],
        vec![request("3", false), raw::data(1, b"abc", false), raw::data(1, b"", true)],
    ] {
        let mut server = Raw::server();
        server.feed(&right.concat());
        assert_eq!(server.answers(), []);
        server.lives();
    }
    for wrong in [
        vec![request("1", true)],
        vec![request("3", false), raw::data(1, b"ab", true)],
        vec![request("3", false), raw::data(1, b"abcd", false)],
        vec![request("3", false), raw::data(1, b"abc", false), raw::data(1, b"d", true)],
        vec![request("3", false), raw::data(1, b"ab", false), trailers],
        vec![request("0", false), raw::padded(1, b"abc", 3, false)],
    ] {
        for byte_by_byte in [false, true] {
            let mut server = Raw::server();
            let bytes = wrong.concat();
            for piece in bytes.chunks(if byte_by_byte { 1 } else { usize::MAX }) {
                server.feed(piece);
            }
            assert_eq!(server.answers(), [Frame::Reset(1, Reason::PROTOCOL_ERROR)]);
            server.lives();
        }
    }
}

#[test]
fn content_length_of_an_answer_to_head_describes_what_does_not_come() {
    // RFC 9110 §8.6
    let answer = |status| raw::headers(1, &raw::block([(":status", status), ("content-length", "5")]), true);
    let mut client = Raw::client();
    let fields = raw::REQUEST.map(|(name, value)| (name, if value == "POST" { "HEAD" } else { value }));
    client.conn.open(fields.into_iter().collect(), true).unwrap();
    client.sent();
    client.feed(&answer("200"));
    assert!(matches!(client.events()[..], [Event::Headers { .. }, Event::Finished { .. }]));
    let mut client = Raw::client();
    client.open(1, true);
    client.feed(&answer("304"));
    assert!(matches!(client.events()[..], [Event::Headers { .. }, Event::Finished { .. }]));
    let mut client = Raw::client();
    client.open(1, true);
    client.resets(&answer("200"), 1, Reason::PROTOCOL_ERROR);
}

/// Threats: S4, F8.
/// Obligations: 40.
#[test]
fn field_bytes_are_judged_one_by_one() {
    // RFC 9113 §8.2.1: every octet in a name, and inside, before and behind a value.
    let mut server = Raw::server_with(raw::config(|config| {
        config.limits.glitch_burst = 10_000;
        config.limits.reset_burst = 10_000;
        config.limits.max_concurrent_streams = 1 << 20;
    }));
    let mut stream = 1;
    let mut is_taken = |name: &[u8], value: &[u8]| {
        let mut block = raw::block(raw::REQUEST);
        block.extend([0, name.len() as u8]);
        block.extend(name);
        block.push(value.len() as u8);
        block.extend(value);
        server.feed(&raw::headers(stream, &block, true));
        let answers = server.answers();
        let taken = !server.events().is_empty();
        assert_eq!(taken, answers.is_empty());
        stream += 2;
        taken
    };
    for octet in 0..=255u8 {
        let token =
            octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&octet);
        assert_eq!(is_taken(&[b'x', octet], b"v"), token, "name {octet:#x}");
        let inside = !matches!(octet, 0 | b'\r' | b'\n');
        let control = (octet < 0x20 && octet != b'\t') || octet == 0x7f;
        assert!(!is_taken(b"x", &[b'v', octet, b'v']) || inside, "value {octet:#x}");
        if !control {
            assert!(is_taken(b"x", &[b'v', octet, b'v']), "value {octet:#x}");
        }
        let edge = !control && !matches!(octet, b' ' | b'\t');
        assert!(!is_taken(b"x", &[octet, b'v']) || inside && !matches!(octet, b' ' | b'\t'));
        if edge {
            assert!(is_taken(b"x", &[octet, b'v']) && is_taken(b"x", &[b'v', octet]), "edge {octet:#x}");
        }
    }
}

/// Threats: S4.
#[test]
fn senders_are_held_to_the_same_rules() {
    // RFC 9113 §8.2: what a peer would refuse is not sent.
    let mut client = Raw::client();
    for extra in [("Upper", "a"), ("connection", "close"), ("a", "b\r\nc"), ("te", "gzip"), (":path", "/")] {
        let fields = raw::REQUEST.into_iter().chain([extra]).collect();
        assert!(client.conn.open(fields, true).is_err(), "{extra:?}");
    }
    let key = client.open(1, false);
    for wrong in [("Upper", "a"), (":status", "200"), ("transfer-encoding", "chunked")] {
        assert!(client.conn.send_trailers(key, [wrong].into_iter().collect()).is_err(), "{wrong:?}");
    }
    assert_eq!(client.answers(), []);
    let mut server = Raw::server();
    let key = server.open(1, true);
    for wrong in [("a", "b"), (":status", "9"), (":path", "/")] {
        assert!(server.conn.send_headers(key, [wrong].into_iter().collect(), true).is_err(), "{wrong:?}");
    }
    server.respond(key, true);
    assert_eq!(server.answers().len(), 1);
}

/// Obligations: 43.
#[test]
fn header_list_over_our_limit_is_answered_with_431() {
    // RFC 9113 §10.5.1
    let mut server = Raw::server_with(raw::config(|config| {
        config.fields_too_large = [("grpc-status", "8")].into_iter().collect();
    }));
    let value = "v".repeat(17 << 10);
    let block = raw::block(raw::REQUEST.into_iter().chain([("x-long", &*value)]));
    let (head, rest) = block.split_at(10_000);
    for (stream, end) in [(1, true), (3, false)] {
        let flags = if end { 1 } else { 0 };
        server.feed(&raw::frame(raw::HEADERS, flags, stream, head));
        server.feed(&raw::frame(raw::CONTINUATION, 4, stream, rest));
        let sent = server.answers();
        let Frame::Headers { fields, end: true, .. } = &sent[0] else { panic!("{sent:?}") };
        assert_eq!(*fields, [(":status", "431"), ("grpc-status", "8")].into_iter().collect());
        if end {
            assert_eq!(sent.len(), 1);
        } else {
            assert_eq!(sent[1..], [Frame::Reset(stream, Reason::NO_ERROR)]);
        }
    }
    assert_eq!(server.events(), []);
    assert_eq!(server.conn.active_streams(), 0);
    assert_eq!(server.conn.stats().abuse.get(Abuse::FieldsTooLarge), 2);
    server.lives();
}

/// Obligations: 43.
#[test]
fn header_list_over_our_limit_resets_the_stream_of_a_client() {
    // RFC 9113 §10.5.1
    let mut client = Raw::client();
    let key = client.open(1, true);
    let value = "v".repeat(16 << 10);
    let block = raw::block(raw::RESPONSE.into_iter().chain([("x-long", &*value)]));
    let (head, rest) = block.split_at(10_000);
    client.feed(&raw::frame(raw::HEADERS, 1, 1, head));
    client.resets(&raw::frame(raw::CONTINUATION, 4, 1, rest), 1, Reason::CANCEL);
    assert_eq!(client.reset_event(key).reason, Reason::ENHANCE_YOUR_CALM);
}
