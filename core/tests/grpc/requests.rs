//! What clients ask, and how a server answers what is no call.

use unwired_core::grpc::{CallId, CallLimits, Cardinality, Code, Message, Metadata, Received, Status};
use unwired_core::http2::{self, Abuse, Fields, StreamKey};
use unwired_replay::grpc::server::{Connection, Event};

use crate::bare::{Bare, REQUEST, fields, server, server_for};

/// The usual head with some of its lines replaced, or more of them.
fn head(changes: &[(&'static str, &'static str)]) -> Fields {
    let mut lines = REQUEST.to_vec();
    for &(name, value) in changes {
        match lines.iter_mut().find(|line| line.0 == name) {
            Some(line) => line.1 = value,
            None => lines.push((name, value)),
        }
    }
    fields(&lines)
}

/// A request and the last section of its answer.
fn answer(bare: &mut Bare<Connection>, request: Fields) -> Vec<(String, String)> {
    let stream = bare.peer.open(request, true).unwrap();
    bare.settle();
    last_fields(bare, stream)
}

fn last_fields(bare: &mut Bare<Connection>, stream: StreamKey) -> Vec<(String, String)> {
    let sections: Vec<_> = std::iter::from_fn(|| bare.peer.take_fields(stream)).collect();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let last = sections.last().expect("an answer");
    last.iter().map(|field| (text(field.name), text(field.value))).collect()
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|field| field.0 == name).map(|field| field.1.as_str())
}

/// The call that came.
fn call(bare: &mut Bare<Connection>) -> CallId {
    std::iter::from_fn(|| bare.grpc.poll_event())
        .find_map(|event| match event {
            Event::Call { call } => Some(call),
            _ => None,
        })
        .expect("a call")
}

/// Threats: S1, G5, G6.
/// Obligations: 55.
#[test]
fn what_is_no_call_is_answered_and_goes_no_further() {
    let mut bare = server();
    for (change, http, grpc) in [
        ((":method", "GET"), "405", Some("12")),
        (("content-type", "text/html"), "415", None),
        (("content-type", "application/grpc-web"), "415", None),
        ((":path", "/Method"), "200", Some("12")),
        (("grpc-timeout", "1x"), "200", Some("13")),
        (("grpc-encoding", "snappy"), "200", Some("12")),
    ] {
        let answer = answer(&mut bare, head(&[change]));
        assert_eq!(value(&answer, ":status"), Some(http), "{change:?}");
        if grpc.is_some() {
            assert_eq!(value(&answer, "grpc-status"), grpc, "{change:?}");
        }
        assert_eq!(value(&answer, "content-type"), Some("application/grpc"));
        assert!(value(&answer, "grpc-message").is_some_and(|message| !message.is_empty()));
        assert_eq!(value(&answer, "grpc-accept-encoding").is_some(), change.0 == "grpc-encoding");
    }
    let events: Vec<_> = std::iter::from_fn(|| bare.grpc.poll_event()).collect();
    assert_eq!(events, [Event::Ready], "no application hears of it");
    // No client means a timeout that is none; all the rest is what a stranger may well ask.
    let abuse = bare.grpc.http2().stats().abuse;
    assert_eq!((bare.grpc.active_calls(), abuse.get(Abuse::Glitches), abuse.total()), (0, 1, 1));
}

/// Obligations: 55.
#[test]
fn content_types_and_a_missing_te_are_taken_as_other_servers_do() {
    for content_type in
        ["application/grpc", "application/grpc+proto", "application/grpc+json", "application/grpc;x=1"]
    {
        let mut bare = server();
        bare.peer.open(head(&[("content-type", content_type)]), true).unwrap();
        bare.settle();
        call(&mut bare);
    }
    let mut bare = server();
    let lines: Vec<_> = REQUEST.into_iter().filter(|line| line.0 != "te").collect();
    bare.peer.open(fields(&lines), true).unwrap();
    bare.settle();
    call(&mut bare);
    assert_eq!(bare.grpc.stats().calls_without_te, 1);
}

/// What the application finds in a request.
fn found(data: &'static [u8], end: bool, request: Cardinality) -> Option<Code> {
    let mut bare = server();
    let stream = bare.peer.open(head(&[]), false).unwrap();
    bare.send(stream, data, end);
    let call = call(&mut bare);
    bare.grpc.accept(call, request, CallLimits::default());
    loop {
        match bare.grpc.recv_message(call) {
            Received::Message(_) => {}
            Received::End => return Some(Code::Ok),
            Received::Pending => return None,
            Received::Failed(status) => {
                // The rule is broken: the application answers, and the neighbours do not notice.
                bare.grpc.finish(call, &status);
                bare.grpc.release(call);
                bare.settle();
                assert_eq!(
                    value(&last_fields(&mut bare, stream), "grpc-status"),
                    Some(&*(status.code() as u8).to_string())
                );
                bare.peer.open(head(&[]), true).unwrap();
                bare.settle();
                self::call(&mut bare);
                return Some(status.code());
            }
        }
    }
}

/// Obligations: 52.
#[test]
fn one_message_where_one_belongs_and_no_more() {
    const EMPTY: &[u8] = &[0; 5];
    const TWO: &[u8] = &[0; 10];
    assert_eq!(found(b"", true, Cardinality::One), Some(Code::Unimplemented));
    assert_eq!(found(EMPTY, true, Cardinality::One), Some(Code::Ok));
    assert_eq!(found(EMPTY, false, Cardinality::One), None, "another one may follow");
    assert_eq!(found(TWO, false, Cardinality::One), Some(Code::Unimplemented), "and here it is");
    assert_eq!(found(TWO, true, Cardinality::Many), Some(Code::Ok));
    assert_eq!(found(b"", true, Cardinality::Many), Some(Code::Ok));
}

#[test]
fn a_call_that_ended_before_it_was_accepted_has_had_its_last_event() {
    let mut bare = server();
    let stream = bare.peer.open(head(&[]), false).unwrap();
    bare.send(stream, &[0; 5], false);
    bare.settle();
    bare.peer.reset(stream, http2::Reason::CANCEL);
    bare.settle();
    let call = call(&mut bare);
    bare.grpc.accept(call, Cardinality::One, CallLimits::default());
    let events: Vec<_> = std::iter::from_fn(|| bare.grpc.poll_event()).collect();
    assert!(matches!(events[..], [Event::Ended { .. }]), "{events:?}");
    assert!(matches!(bare.grpc.recv_message(call), Received::End));
    assert_eq!(bare.grpc.partial_bytes(), 0);
}

/// Threats: G1, G5.
/// Obligations: 52.
#[test]
fn a_broken_message_ends_its_call_alone() {
    assert_eq!(found(&[0, 0, 0, 0, 9, 1], true, Cardinality::Many), Some(Code::Internal));
    assert_eq!(found(&[1, 0, 0, 0, 0], false, Cardinality::Many), Some(Code::Internal));
    assert_eq!(found(&[7, 0, 0, 0, 0], false, Cardinality::Many), Some(Code::Internal));
    assert_eq!(found(&[0, 0, 0x40, 0, 1], false, Cardinality::Many), Some(Code::ResourceExhausted));
}

#[test]
fn a_call_whose_client_takes_no_status_ends_all_the_same() {
    let mut client = http2::Config::default();
    client.limits.max_header_list_size = 1;
    let mut bare = server_for(client);
    for responds in [false, true] {
        bare.peer.open(head(&[]), true).unwrap();
        bare.settle();
        let call = call(&mut bare);
        if responds {
            bare.grpc.respond(call, &Metadata::new(), Message::plain("late".into()), &Status::OK);
        } else {
            bare.grpc.finish(call, &Status::OK);
        }
        let events: Vec<_> = std::iter::from_fn(|| bare.grpc.poll_event()).collect();
        assert!(matches!(events[..], [Event::Ended { .. }]), "{events:?}");
        bare.grpc.release(call);
        bare.settle();
        assert_eq!(bare.grpc.active_calls(), 0);
    }
}

#[test]
fn a_status_that_is_more_than_the_client_takes_keeps_its_code() {
    let mut client = http2::Config::default();
    client.limits.max_header_list_size = 600;
    let mut bare = server_for(client);
    let mut large = Metadata::new();
    large.insert("x-large", "x".repeat(1000)).unwrap();
    let long_message = "m".repeat(1000);
    let short = |message: &str| message == "short";
    let replaced = |message: &str| message.contains("more than the client accepts");
    type Check<'a> = &'a dyn Fn(&str) -> bool;
    let cases: [(Status, Check<'_>); 3] = [
        (Status::with_metadata(Code::Aborted, "short", large), &short),
        (Status::with_details(Code::Aborted, "short", vec![1; 1000]), &short),
        (Status::new(Code::Aborted, long_message), &replaced),
    ];
    for (status, is_expected) in cases {
        for head_first in [false, true] {
            let stream = bare.peer.open(head(&[]), true).unwrap();
            bare.settle();
            let call = call(&mut bare);
            if head_first {
                bare.grpc.send_metadata(call, &Metadata::new()).unwrap();
            }
            bare.grpc.finish(call, &status);
            bare.grpc.release(call);
            bare.settle();
            let trailers = last_fields(&mut bare, stream);
            assert_eq!(value(&trailers, "grpc-status"), Some("10"));
            assert!(
                is_expected(value(&trailers, "grpc-message").unwrap().replace("%20", " ").as_str()),
                "{trailers:?}"
            );
        }
    }
}

#[test]
fn a_server_that_takes_no_new_calls_says_unavailable() {
    let mut bare = server();
    bare.grpc.refuse_new(true);
    assert_eq!(value(&answer(&mut bare, head(&[])), "grpc-status"), Some("14"));
    bare.grpc.refuse_new(false);
    bare.peer.open(head(&[]), true).unwrap();
    bare.settle();
    call(&mut bare);
}
