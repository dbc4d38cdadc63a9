use std::sync::mpsc;
use std::time::Duration;

use unwired::Code;

use crate::service::{LONG, Serving, request};

#[test]
fn calls_that_are_only_started_go_on_by_themselves() {
    let server = Serving::new();
    let client = server.client();
    let waiting = client.start_say_hello(request("wait"));
    // Nothing here drives the client.
    server.gate.wait_for(1);
    assert!(!waiting.is_done());
    let waiting = waiting.result(Duration::from_millis(10)).unwrap_err();
    server.gate.open();
    assert_eq!(waiting.result(LONG).unwrap().unwrap().get_ref().reply, "waited");

    let calls: Vec<_> = (0..50).map(|n| client.start_say_hello(request(n.to_string()))).collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.wait().unwrap().get_ref().reply, format!("Hello, {n}"));
    }
    let sum = client.start_lots_of_greetings(["a", "b"].map(request));
    assert_eq!(sum.wait().unwrap().get_ref().reply, "a,b");
}

#[test]
fn who_is_told_needs_not_wait() {
    let server = Serving::new();
    let client = server.client();
    let (tell, told) = mpsc::channel();
    let tell_too = tell.clone();
    client.start_say_hello(request("me")).on_done(move |outcome| tell.send(outcome).unwrap());
    assert_eq!(told.recv_timeout(LONG).unwrap().unwrap().get_ref().reply, "Hello, me");
    client.start_say_hello(request("fail")).on_done(move |outcome| tell_too.send(outcome).unwrap());
    assert_eq!(told.recv_timeout(LONG).unwrap().unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_pending_call_is_cancelled() {
    let server = Serving::new();
    let call = server.client().start_say_hello(request("until cancelled"));
    server.gate.wait_for(1);
    server.gate.open();
    server.cancelled.open();
    call.cancel();
    server.cancelled.wait_for(1);
}
