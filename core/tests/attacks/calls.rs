//! Attacks on the calls of gRPC, each as many times as a peer likes.

use bytes::Bytes;
use unwired_core::Instant;
use unwired_core::grpc::{
    CallId, CallLimits, Cardinality, Code, Config, Encoding, Message, Metadata, Received, SendMessageError,
    Status, compress, decompress,
};
use unwired_core::http2::{self, Abuse, Reason, StreamKey};
use unwired_replay::grpc::server::{Connection, Event};

use crate::bare::{Bare, REQUEST, fields, server};
use crate::siege::beside_a_neighbour;

type Lines<'a> = &'a [(&'a str, &'a str)];

/// Opens a stream with the usual head, some lines of it replaced or more of them.
fn open(bare: &mut Bare<Connection>, lines: Lines<'_>, end: bool) -> StreamKey {
    let mut head: Vec<_> =
        REQUEST.into_iter().filter(|line| lines.iter().all(|new| new.0 != line.0)).collect();
    let (pseudo, other): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.0.starts_with(':'));
    head.splice(0..0, pseudo);
    head.extend(other);
    let stream = bare.peer.open(fields(&head), end).expect("a stream");
    bare.settle();
    stream
}

/// The code of the answer; the stream is let go.
fn code(bare: &mut Bare<Connection>, stream: StreamKey) -> String {
    let mut code = String::new();
    while let Some(fields) = bare.peer.take_fields(stream) {
        if let Some(value) = fields.get(b"grpc-status") {
            code = String::from_utf8_lossy(value).into_owned();
        }
    }
    bare.peer.release(stream);
    bare.settle();
    code
}

fn calls(bare: &mut Bare<Connection>) -> Vec<CallId> {
    std::iter::from_fn(|| bare.grpc.poll_event())
        .filter_map(|event| match event {
            Event::Call { call } => Some(call),
            _ => None,
        })
        .collect()
}

/// Nothing is left of any call, and nobody was blamed.
#[track_caller]
fn is_over(bare: &Bare<Connection>) {
    assert_eq!((bare.grpc.active_calls(), bare.grpc.partial_bytes()), (0, 0));
    assert_eq!(bare.grpc.http2().stats().kills.total(), 0);
}

/// Requests that are no calls, with the status that each is answered with; no application hears of them.
#[track_caller]
fn rejected(requests: &[(Lines<'_>, Code)]) {
    beside_a_neighbour(0, || {
        let mut bare = server();
        for _ in 0..200 {
            for (lines, expected) in requests {
                let stream = open(&mut bare, lines, true);
                assert_eq!(code(&mut bare, stream), (*expected as u8).to_string(), "{lines:?}");
                assert_eq!(calls(&mut bare), [], "{lines:?}");
            }
            bare.seen.clear();
        }
        is_over(&bare);
    });
}

/// Threats: S1.
#[test]
fn paths_that_are_none() {
    let paths = [
        "test.Service/Method",
        "//Method",
        "/test.Service/",
        "/test.Service",
        "/test.Service/Method/",
        "/a/test.Service/Method",
        "//test.Service/Method",
        "/test.Service/Method?x",
        "/test.Service%2fMethod",
        "*",
    ];
    let unimplemented = Code::Unimplemented;
    let lines = paths.map(|path| [(":path", path)]);
    for line in &lines {
        // The first and the last are no path of HTTP either: their stream is reset.
        if line[0].1.starts_with('/') {
            rejected(&[(line, unimplemented)]);
        }
    }
}

/// Threats: G5.
#[test]
fn encodings_that_are_none() {
    let unimplemented = Code::Unimplemented;
    rejected(&[(&[("grpc-encoding", "br")], unimplemented), (&[("grpc-encoding", "")], unimplemented)]);
}

/// Threats: G6.
#[test]
fn timeouts_that_are_none() {
    const GLITCHES: u32 = 1000;
    let malformed = ["123456789S", "1", "S", "-1S", "1s"];
    beside_a_neighbour(0, || {
        let mut bare = server();
        for n in 0..GLITCHES {
            let stream = open(&mut bare, &[("grpc-timeout", malformed[n as usize % malformed.len()])], true);
            assert_eq!(code(&mut bare, stream), (Code::Internal as u8).to_string());
            assert_eq!(calls(&mut bare), []);
            bare.seen.clear();
        }
        is_over(&bare);
        // Each of them is a glitch, and there is an end to these.
        assert_eq!(bare.grpc.http2().stats().abuse.get(Abuse::Glitches), GLITCHES);
        let stream = open(&mut bare, &[("grpc-timeout", "1")], true);
        let stats = bare.grpc.http2().stats();
        assert_eq!((stats.kills.get(Abuse::Glitches), stats.kills.total()), (1, 1));
        let told = bare.seen.iter().any(|event| {
            matches!(event, http2::Event::GoAway { reason: Reason::ENHANCE_YOUR_CALM, debug, .. } if debug == "glitches")
        });
        assert!(told, "{:?}", bare.seen);
        bare.peer.release(stream);
    });
    // The longest is no deadline, or one so far off that it is none.
    let mut bare = server();
    let stream = open(&mut bare, &[("grpc-timeout", "99999999H")], true);
    let [call] = calls(&mut bare)[..] else { panic!("no call") };
    assert!(bare.grpc.deadline(call).is_none_or(|at| at > Instant::ZERO));
    bare.peer.release(stream);
}

/// Calls whose first octets are `data`: they end with `code`, and hold nothing.
#[track_caller]
fn refused(lines: Lines<'_>, data: &'static [u8], expected: Code) {
    beside_a_neighbour(0, || {
        let mut bare = server();
        for _ in 0..500 {
            let stream = open(&mut bare, lines, false);
            let [call] = calls(&mut bare)[..] else { panic!("no call") };
            bare.grpc.accept(call, Cardinality::Many, CallLimits::default());
            assert!(matches!(bare.grpc.recv_message(call), Received::Pending));
            bare.send(stream, data, false);
            let Received::Failed(status) = bare.grpc.recv_message(call) else { panic!("it was taken") };
            assert_eq!(status.code(), expected, "{status}");
            bare.grpc.finish(call, &status);
            bare.grpc.release(call);
            bare.settle();
            assert_eq!(code(&mut bare, stream), (expected as u8).to_string());
            while bare.grpc.poll_event().is_some() {}
            bare.seen.clear();
        }
        is_over(&bare);
    });
}

/// Threats: G1.
#[test]
fn messages_that_announce_too_much() {
    refused(&[], &[0, 0xff, 0xff, 0xff, 0xff], Code::ResourceExhausted);
    refused(&[], &[0, 0, 0x40, 0, 1], Code::ResourceExhausted);
}

/// Threats: G5.
#[test]
fn flags_that_there_are_none_of() {
    refused(&[], &[2, 0, 0, 0, 1, 0], Code::Internal);
    refused(&[], &[0xff, 0, 0, 0, 0], Code::Internal);
    // Compressed, and nobody said how.
    refused(&[], &[1, 0, 0, 0, 1, 0], Code::Internal);
    refused(&[("grpc-encoding", "identity")], &[1, 0, 0, 0, 1, 0], Code::Internal);
}

/// Threats: G1, G3.
#[test]
fn messages_that_announce_as_much_as_is_allowed() {
    // Of each the prefix comes, and nothing more: what is announced is not believed.
    beside_a_neighbour(0, || {
        let mut bare = server();
        let streams: Vec<_> = (0..128).map(|_| open(&mut bare, &[], false)).collect();
        let calls = calls(&mut bare);
        assert_eq!(calls.len(), 128);
        for (&call, &stream) in calls.iter().zip(&streams) {
            bare.grpc.accept(call, Cardinality::One, CallLimits::default());
            bare.send(stream, &[0, 0, 0x40, 0, 0], false);
            assert!(matches!(bare.grpc.recv_message(call), Received::Pending));
        }
        assert_eq!(bare.grpc.partial_bytes(), 0);
        for (&call, &stream) in calls.iter().zip(&streams) {
            bare.peer.release(stream);
            bare.settle();
            bare.grpc.release(call);
        }
        is_over(&bare);
    });
}

/// Threats: G2.
#[test]
fn messages_that_grow_when_they_are_decompressed() {
    const LIMIT: usize = 4 << 20;
    for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
        if !encoding.is_supported() {
            continue;
        }
        let bomb = compress(encoding, &vec![0; 64 << 20]).expect("a bomb");
        assert!(bomb.len() < 1 << 17, "{}", bomb.len());
        // The sink grows to the limit and not beyond; while it moves there are two of it.
        beside_a_neighbour(2 * LIMIT + (8 << 20), || {
            let mut bare = server();
            let stream = open(&mut bare, &[("grpc-encoding", encoding.name())], false);
            let [call] = calls(&mut bare)[..] else { panic!("no call") };
            bare.grpc.accept(call, Cardinality::One, CallLimits::default());
            let prefix = [&[1][..], &(bomb.len() as u32).to_be_bytes()].concat();
            bare.peer.send_data(stream, &prefix, bomb.clone(), true).expect("room");
            bare.settle();
            let Received::Message(message) = bare.grpc.recv_message(call) else { panic!("no message") };
            let refused = decompress(encoding, &message.payload, LIMIT).expect_err("a bomb");
            assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
            bare.grpc.finish(call, &refused);
            bare.grpc.release(call);
            bare.settle();
            assert_eq!(code(&mut bare, stream), "8");
            is_over(&bare);
        });
    }
}

/// Threats: G8.
#[test]
fn watches_without_end() {
    // As many calls as there may be, each answered for ever, and none of the answers read: each holds its own buffer, all
    // of them the connection's, and the next call is refused.
    const PIECE: usize = 1 << 10;
    let config = Config::server();
    let most = config.http2.limits.send_buffer_connection + 128 * 2 * PIECE;
    // What has left waits in the peer that reads nothing: its windows' worth.
    let peer = 128 * config.http2.initial_window as usize;
    beside_a_neighbour(most + peer, || {
        let mut bare = server();
        let streams: Vec<_> = (0..128).map(|_| open(&mut bare, &[], true)).collect();
        let calls_open = calls(&mut bare);
        assert_eq!(calls_open.len(), 128);
        for &call in &calls_open {
            bare.grpc.accept(call, Cardinality::Many, CallLimits::default());
        }
        let mut full = 0;
        for round in 0..200 {
            full = 0;
            for &call in &calls_open {
                let change = Message::plain(Bytes::from(vec![round; PIECE]));
                match bare.grpc.send_message(call, change) {
                    Ok(()) => {}
                    Err(SendMessageError::Full(_)) => full += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            bare.settle();
        }
        assert_eq!(full, 128, "each is told to wait");
        assert!(bare.grpc.http2().stats().buffered_to_send <= most);
        // The peer knows the limit; one that does not is refused.
        assert!(bare.peer.is_busy());
        assert_eq!(bare.grpc.active_calls(), 128);
        for (&call, &stream) in calls_open.iter().zip(&streams) {
            bare.peer.release(stream);
            bare.settle();
            bare.grpc.release(call);
        }
        is_over(&bare);
    });
}

/// Threats: H3.
#[test]
fn heads_as_large_as_may_be_without_a_message() {
    // Calls of one message whose message never comes: their heads may hold half a MiB, and the calls beyond are refused.
    const MOST: usize = 32;
    let usual: usize = REQUEST.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    let value = "v".repeat((16 << 10) - usual - 33);
    beside_a_neighbour(0, || {
        let mut bare = server();
        let mut streams: Vec<_> = (0..100).map(|_| open(&mut bare, &[("x", &value)], false)).collect();
        let waiting = calls(&mut bare);
        // Memory is what counts: a coded value had up to 8/5 of its room.
        assert!((MOST * 5 / 8..=MOST).contains(&waiting.len()), "{}", waiting.len());
        let resets = bare.seen.iter().filter_map(|event| match event {
            http2::Event::Reset { stream, error } if error.unprocessed => Some(*stream),
            _ => None,
        });
        let late = streams.split_off(waiting.len());
        assert_eq!(resets.collect::<Vec<_>>(), late, "each may be tried again");
        late.into_iter().for_each(|stream| bare.peer.release(stream));
        let refused = 100 - waiting.len() as u32;
        let stats = bare.grpc.http2().stats();
        assert_eq!(
            (stats.abuse.get(Abuse::StreamExcess), stats.streams_refused),
            (refused, u64::from(refused))
        );
        // Whose message comes is served, and makes room for another.
        bare.grpc.accept(waiting[0], Cardinality::One, CallLimits::default());
        bare.send(streams[0], b"\0\0\0\0\0", true);
        assert_eq!(bare.grpc.poll_event(), Some(Event::Message { call: waiting[0] }));
        assert_eq!(bare.grpc.take_metadata(waiting[0]).iter().count(), 1);
        open(&mut bare, &[("x", &value)], false);
        assert_eq!(calls(&mut bare).len(), 1);
        // Whoever goes on is ended.
        while bare.grpc.http2().stats().kills.total() == 0 {
            let stream = open(&mut bare, &[("x", &value)], false);
            bare.peer.release(stream);
            bare.seen.clear();
        }
        let stats = bare.grpc.http2().stats();
        assert_eq!((stats.kills.get(Abuse::StreamExcess), stats.kills.total()), (1, 1));
    });
}

/// Threats: S7.
#[test]
fn metadata_that_is_reserver() {
    let lines = [
        ("grpc-status", "0"),
        ("grpc-message", "fine"),
        ("grpc-whatever", "x"),
        ("grpc-internal-encoding-request", "gzip"),
        ("own", "kept"),
    ];
    beside_a_neighbour(0, || {
        let mut bare = server();
        for _ in 0..500 {
            let stream = open(&mut bare, &lines, true);
            let [call] = calls(&mut bare)[..] else { panic!("no call") };
            let metadata = bare.grpc.request(call).expect("a head").take_metadata();
            let seen: Vec<_> = metadata.iter().map(|(name, _)| name.to_owned()).collect();
            assert_eq!(seen, ["own"]);
            bare.grpc.finish(call, &Status::OK);
            bare.grpc.release(call);
            bare.settle();
            assert_eq!(code(&mut bare, stream), "0");
            while bare.grpc.poll_event().is_some() {}
            bare.seen.clear();
        }
        is_over(&bare);
    });
    let mut own = Metadata::new();
    for name in ["grpc-status", ":path", "te", "content-type", "connection", "two words"] {
        assert!(own.append(name, "x").is_err(), "{name}");
    }
}
