use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use unwired::{Code, Request};

use crate::service::{Serving, request};

#[test]
fn one_message_there_and_one_back_with_metadata() {
    let server = Serving::new();
    let mut hello = Request::new(request("you"));
    hello.metadata_mut().insert("echo", "value").unwrap();
    let reply = server.client().say_hello(hello).unwrap();
    assert_eq!(reply.get_ref().reply, "Hello, you");
    assert_eq!(reply.metadata().get("echo"), Some("value"));
    assert_eq!(reply.trailers().get("echo-end"), Some("value"));
    let failed = server.client().say_hello(request("fail")).unwrap_err();
    assert_eq!((failed.code(), failed.message()), (Code::NotFound, "nobody of that name"));
}

#[test]
fn many_messages_back() {
    let server = Serving::new();
    // More than any window holds: the writer waits for the reader.
    let replies = server.client().lots_of_replies(request("5000")).unwrap().into_inner();
    let replies: Vec<_> = replies.map(|reply| reply.unwrap().reply).collect();
    assert_eq!(replies.len(), 5000);
    for (n, reply) in replies.iter().enumerate() {
        assert_eq!(reply.split(' ').next(), Some(n.to_string().as_str()));
    }
}

#[test]
fn many_messages_there() {
    let server = Serving::new();
    let client = server.client();
    let reply = client.lots_of_greetings(["a", "b", "c"].map(request)).unwrap();
    assert_eq!(reply.get_ref().reply, "a,b,c");
    // The handler answers before it has read all, and without end the iterator ends with the call.
    let failed = client.lots_of_greetings(std::iter::repeat_with(|| request("fail"))).unwrap_err();
    assert_eq!(failed.message(), "this is no greeting");
    let (mut outgoing, answer) = client.lots_of_greetings_halves(Request::new(())).unwrap();
    outgoing.send(request("x")).unwrap();
    outgoing.send(request("y")).unwrap();
    outgoing.finish();
    assert_eq!(answer.response().unwrap().get_ref().reply, "x,y");
}

#[test]
fn many_messages_each_way_in_two_threads() {
    let server = Serving::new();
    let (mut outgoing, mut incoming) = server.client().bidi_hello_halves(Request::new(())).unwrap();
    let (go_on, may_go_on) = mpsc::channel();
    thread::scope(|threads| {
        threads.spawn(move || {
            for n in 0..100 {
                outgoing.send(request(n.to_string())).unwrap();
                // Not before the answer to this one was received by the other thread.
                may_go_on.recv().unwrap();
            }
        });
        for n in 0..100 {
            assert_eq!(incoming.message().unwrap().unwrap().reply, format!("Hello, {n}"));
            go_on.send(()).unwrap();
        }
        assert_eq!(incoming.message().unwrap(), None);
    });
    let replies = server.client().bidi_hello((0..100).map(|n| request(n.to_string()))).unwrap();
    let replies: Vec<_> = replies.into_inner().map(|reply| reply.unwrap().reply).collect();
    assert_eq!(replies, (0..100).map(|n| format!("Hello, {n}")).collect::<Vec<_>>());
}

#[test]
fn a_deadline_holds_while_a_thread_is_blocked() {
    let server = Serving::new();
    let mut late = Request::new(request("wait"));
    late.set_timeout(Duration::from_millis(50));
    let status = server.client().say_hello(late).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    server.gate.open();
    let mut endless = Request::new(());
    endless.set_timeout(Duration::from_millis(50));
    let (_outgoing, mut incoming) = server.client().bidi_hello_halves(endless).unwrap();
    assert_eq!(incoming.message().unwrap_err().code(), Code::DeadlineExceeded);
}

#[test]
fn a_stream_that_is_dropped_is_cancelled_although_no_thread_waits() {
    let server = Serving::new();
    let mut replies = server.client().lots_of_replies(request("without end")).unwrap().into_inner();
    replies.message().unwrap().unwrap();
    drop(replies);
    // This waits for the handler, and nothing here drives the client.
    server.cancelled.wait_for(1);
}

#[test]
fn a_panic_is_its_own_calls_affair() {
    let server = Serving::with(&unwired_blocking::Workers::new().max_workers(1));
    let client = server.client();
    for _ in 0..3 {
        let status = client.say_hello(request("panic")).unwrap_err();
        assert_eq!(status.code(), Code::Unknown);
        assert!(status.message().contains("the handler of the call panicked"), "{status}");
    }
    assert_eq!(client.say_hello(request("me")).unwrap().get_ref().reply, "Hello, me");
}
