use std::thread;
use std::time::Duration;

use unwired::{Code, Request};
use unwired_blocking::{Pending, Workers};

use crate::service::{LONG, Serving, request};

#[test]
fn when_all_workers_are_busy_calls_queue_and_then_are_refused() {
    let server = Serving::with(&Workers::new().max_workers(2).max_queued(3));
    let client = server.client();
    let busy: Vec<_> = (0..2).map(|_| client.start_say_hello(request("wait"))).collect();
    server.gate.wait_for(2);
    // One more than there is room for.
    let mut queued: Vec<_> = (0..4).map(|_| client.start_say_hello(request("wait"))).collect();
    let refused = loop {
        if let Some(at) = queued.iter().position(Pending::is_done) {
            break queued.remove(at).wait().unwrap_err();
        }
        thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.message(), "all of 2 workers are busy, and 3 calls wait for one");
    assert_eq!(server.gate.has_seen(), 2);
    server.gate.open();
    for call in busy.into_iter().chain(queued) {
        assert_eq!(call.result(LONG).unwrap().unwrap().get_ref().reply, "waited");
    }
    assert_eq!(client.say_hello(request("me")).unwrap().get_ref().reply, "Hello, me");
}

#[test]
fn a_deadline_holds_in_the_queue_and_frees_the_place() {
    let server = Serving::with(&Workers::new().max_workers(1).max_queued(1));
    let client = server.client();
    let busy = client.start_say_hello(request("wait"));
    server.gate.wait_for(1);
    for _ in 0..5 {
        // Each finds the place that the one before has left.
        let mut queued = Request::new(request("wait"));
        queued.set_timeout(Duration::from_millis(20));
        let status = loop {
            let status = client.say_hello(queued).unwrap_err();
            if status.code() != Code::ResourceExhausted {
                break status;
            }
            // The client's clock was a little faster than the server's.
            thread::sleep(Duration::from_millis(5));
            queued = Request::new(request("wait"));
            queued.set_timeout(Duration::from_millis(20));
        };
        assert_eq!(status.code(), Code::DeadlineExceeded);
    }
    server.gate.open();
    busy.result(LONG).unwrap().unwrap();
    client.say_hello(request("me")).unwrap();
    // None of those that waited has come to a worker, but for the last at most, if the server's clock was behind.
    assert!(server.gate.has_seen() <= 2);
}
