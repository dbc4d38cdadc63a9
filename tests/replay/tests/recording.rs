//! What is recorded is played to the same outcomes, and differences are found where they are.

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use bytes::{Buf, Bytes};
use unwired_core::grpc::{CallLimits, Cardinality, Config, Message, Metadata, Received, Status};
use unwired_core::{Instant, Outbox, http2 as core_http2};
use unwired_replay::grpc::{client, server};
use unwired_replay::{Keeper, Kind, PlayError, http2, keep, play, play_anyhow, play_back, record};

fn new_call<'a>(path: &'a str, metadata: &'a Metadata) -> client::NewCall<'a> {
    client::NewCall {
        previous_attempts: 2,
        deadline: Some(Instant::ZERO + Duration::from_secs(5)),
        response: Cardinality::Many,
        ..client::NewCall::new("localhost", path, metadata)
    }
}

/// A call that is answered, one that is cancelled, one that is refused.
fn conversation() {
    let clock = Cell::new(Instant::ZERO);
    let now = clock.get();
    let mut config = Config::server();
    config.http2.limits.max_concurrent_streams = 2;
    let mut client = client::Connection::new(Config::client(), now);
    let mut server = server::Connection::new(config, now);
    let mut metadata = Metadata::new();
    metadata.insert("x-who", "me").unwrap();
    metadata.insert_secret("authorization", "opensesame").unwrap();
    let carry = |client: &mut client::Connection, server: &mut server::Connection| {
        for _ in 0..4 {
            clock.set(clock.get() + Duration::from_millis(3));
            let now = clock.get();
            let mut out = Outbox::new();
            client.poll_transmit(now, &mut out, 1 << 16);
            let bytes = out.copy_to_bytes(out.len());
            client.handle_sent(now, 0);
            for piece in bytes.chunks(1_000) {
                assert_eq!(server.handle_input(now, piece), piece.len());
            }
            server.poll_transmit(now, &mut out, 1 << 16);
            let bytes = out.copy_to_bytes(out.len());
            assert_eq!(client.handle_input(now, &bytes), bytes.len());
            while client.poll_event().is_some() {}
        }
    };
    carry(&mut client, &mut server);
    let now = clock.get();
    let first = client.start(now, &new_call("/a/b", &metadata)).unwrap();
    let second = client.start(now, &new_call("/a/c", &metadata)).unwrap();
    client.start(now, &new_call("/a/d", &metadata)).unwrap_err();
    client.send_message(first, Message::plain(Bytes::from(vec![7; 30_000]))).unwrap();
    client.half_close(first).unwrap();
    carry(&mut client, &mut server);
    client.cancel(second);
    let mut calls = Vec::new();
    while let Some(event) = server.poll_event() {
        if let server::Event::Call { call } = event {
            server.accept(call, Cardinality::Many, CallLimits::default());
            calls.push(call);
        }
    }
    assert!(matches!(server.recv_message(calls[0]), Received::Message(_)));
    server.send_message(calls[0], Message::plain(Bytes::from_static(b"answer"))).unwrap();
    server
        .finish(calls[0], &Status::with_metadata(unwired_core::grpc::Code::Aborted, "so", metadata.clone()));
    carry(&mut client, &mut server);
    assert!(matches!(client.recv_message(first), Received::Message(_)));
    assert_eq!(client.status(first).unwrap().message(), "so");
    client.release(first);
    client.handle_eof(now);
    server.handle_timeout(now + Duration::from_secs(100));
    server.close(now, unwired_core::http2::Reason::NO_ERROR, "bye");
}

#[test]
fn a_recording_is_played_to_the_same_outcomes() {
    let ((), recordings) = record(conversation);
    let kinds: Vec<_> = recordings.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Kind::Client, Kind::Server]);
    for (kind, recording) in recordings {
        let played = play(&recording).unwrap();
        assert_eq!((played.kind, &played.recording), (kind, &recording));
        assert!(played.operations > 20, "{}", played.operations);
        assert!(recording.len() < 2_000, "{} octets", recording.len());
    }
}

#[test]
fn what_answers_differently_is_found_where_it_begins() {
    let ((), recordings) = record(conversation);
    let (_, mut recording) = recordings.into_iter().next().unwrap();
    let operations = play(&recording).unwrap().operations;
    // Another path: the bytes that leave differ.
    let path = recording.windows(4).position(|octets| octets == b"/a/c").unwrap();
    recording[path + 3] = b'X';
    let Err(PlayError::Diverged(played)) = play(&recording) else { panic!("nothing was noticed") };
    let at = played.diverged.unwrap();
    assert!(at > 10 && at < operations, "{at} of {operations}");
    // Written anew, it is what the connection does now.
    assert_eq!(play(&played.recording).unwrap().operations, operations);
    assert!(PlayError::Diverged(played).to_string().contains("from operation"));
}

#[test]
fn what_is_no_recording_is_refused_and_one_that_broke_off_is_played() {
    let ((), recordings) = record(conversation);
    for (_, recording) in recordings {
        for garbage in [&b""[..], b"PRI * HTTP/2.0", &recording[..9], &[&recording[..8], &[9]].concat()] {
            assert!(matches!(play(garbage), Err(PlayError::Malformed(_))), "{garbage:?}");
        }
        let unknown = [&recording[..recording.len() - 9], &[0xee]].concat();
        assert!(play(&unknown).is_err());
        // Where the core panicked, the last operation has no outcome.
        let cut = recording.len() - 9 - 2;
        assert!(play(&recording[..cut]).is_ok());
    }
}

#[test]
fn http2_alone_is_recorded_as_well() {
    let run = || {
        let now = Instant::ZERO;
        let mut client = http2::Connection::client(core_http2::Config::default(), now);
        let mut server = http2::Connection::server(core_http2::Config::default(), now);
        let head = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
        let stream = client.open(head.into_iter().collect(), false).unwrap();
        client.send_data(stream, b"head", Bytes::from_static(b"body"), false).unwrap();
        client.send_trailers(stream, [("x", "y")].into_iter().collect()).unwrap();
        let mut out = Outbox::new();
        client.poll_transmit(now, &mut out, 1 << 16);
        let bytes = out.copy_to_bytes(out.len());
        server.handle_input(now, &bytes);
        while let Some(event) = server.poll_event() {
            let core_http2::Event::Headers { stream, .. } = event else { continue };
            assert!(server.take_fields(stream).is_some());
            assert_eq!(server.take_data(stream).as_deref(), Some(&b"headbody"[..]));
            server.grant(stream, 8);
            server.send_headers(stream, [(":status", "200")].into_iter().collect(), false).unwrap();
            server.abandon_data(stream);
            server.hold(stream);
            server.reset(stream, core_http2::Reason::CANCEL);
            server.release(stream);
        }
        server.poll_transmit(now, &mut out, 1 << 16);
        server.check_invariants();
    };
    let ((), recordings) = record(run);
    assert_eq!(recordings.len(), 2);
    recordings.iter().for_each(|(_, recording)| drop(play(recording).unwrap()));
}

/// Events of what was released are dropped when the next one is asked for, also where there is none: until then they take
/// the place of others, and less input is acted on.
#[test]
fn asking_for_events_is_recorded_where_there_is_none() {
    let connections = play_back(|| {
        let now = Instant::ZERO;
        let mut client = http2::Connection::client(core_http2::Config::default(), now);
        let mut server = http2::Connection::server(core_http2::Config::default(), now);
        let head = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
        let mut out = Outbox::new();
        let mut carry = |client: &mut http2::Connection, server: &mut http2::Connection| {
            client.poll_transmit(now, &mut out, 1 << 16);
            let bytes = out.copy_to_bytes(out.len());
            (server.handle_input(now, &bytes), bytes.len())
        };
        let streams: Vec<_> =
            (0..60).map(|_| client.open(head.into_iter().collect(), false).unwrap()).collect();
        carry(&mut client, &mut server);
        let mut requests = Vec::new();
        while let Some(event) = server.poll_event() {
            if let core_http2::Event::Headers { stream, .. } = event {
                requests.push(stream);
            }
        }
        assert_eq!(requests.len(), streams.len());
        // Their events are heard of by nobody: they are released before.
        for &stream in &streams {
            client.send_data(stream, b"", Bytes::from_static(b"body"), false).unwrap();
        }
        carry(&mut client, &mut server);
        requests.into_iter().for_each(|stream| server.release(stream));
        assert_eq!(server.poll_event(), None);
        for _ in 0..20 {
            client.open(head.into_iter().collect(), true).unwrap();
        }
        let (taken, given) = carry(&mut client, &mut server);
        assert_eq!(taken, given, "there is room for the events of others");
    });
    assert_eq!(connections, 2);
}

#[test]
fn what_does_not_panic_leaves_nothing() {
    keep("never-written", conversation);
    assert!(play_anyhow(&record(|| ()).1.pop().map(|(_, recording)| recording).unwrap_or_default()).is_err());
}

/// A process of its own, as the variable holds for all of it.
#[test]
fn a_keeper_leaves_the_recordings_of_a_test_that_panics() {
    const NAME: &str = "a_keeper_leaves_the_recordings_of_a_test_that_panics";
    if std::env::var_os("UNWIRED_TEST_PANICS").is_some() {
        let _keeper = Keeper::new();
        conversation();
        panic!("what was to fail");
    }
    let folder = std::env::temp_dir().join(format!("unwired-keeper-{}", std::process::id()));
    let test = std::env::current_exe().unwrap();
    let ran = Command::new(test)
        .args(["--exact", NAME, "--test-threads", "2"])
        .env("UNWIRED_RECORD", &folder)
        .env("UNWIRED_TEST_PANICS", "1")
        .output()
        .unwrap();
    assert!(!ran.status.success());
    for file in [format!("{NAME}-1.client"), format!("{NAME}-2.server")] {
        let recording = std::fs::read(folder.join(file)).unwrap();
        assert_eq!(play_anyhow(&recording).unwrap().diverged, None);
    }
    std::fs::remove_dir_all(folder).unwrap();
}
