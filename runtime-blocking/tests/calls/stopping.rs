use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use unwired::Code;
use unwired_blocking::Workers;

use crate::service::{LONG, Serving, request};

#[test]
fn calls_under_way_end_when_a_server_stops() {
    let server = Serving::new();
    let client = server.client();
    let call = client.start_say_hello(request("wait"));
    server.gate.wait_for(1);
    let stop = server.running.stopper();
    stop.stop(LONG);
    server.gate.open();
    assert_eq!(call.result(LONG).unwrap().unwrap().get_ref().reply, "waited");
    server.running.wait().unwrap();
    assert_eq!(client.say_hello(request("me")).unwrap_err().code(), Code::Unavailable);
}

#[test]
fn after_its_grace_a_server_waits_for_nobody() {
    let server = Serving::new();
    let call = server.client().start_say_hello(request("wait"));
    server.gate.wait_for(1);
    server.running.shutdown(Duration::from_millis(10)).unwrap();
    assert_eq!(call.result(LONG).unwrap().unwrap_err().code(), Code::Unavailable);
    server.gate.open();
}

#[test]
fn a_channel_connects_again() {
    let server = Serving::new();
    let (client, address) = (server.client(), server.running.local_addr().unwrap());
    client.say_hello(request("me")).unwrap();
    server.running.shutdown(Duration::ZERO).unwrap();
    let again = Serving::at(SocketAddr::from(([127, 0, 0, 1], address.port())), &Workers::new());
    // A try may have failed in between, and the next one waits its time.
    let reply = loop {
        match client.say_hello(request("me")) {
            Ok(reply) => break reply,
            Err(status) => assert_eq!(status.code(), Code::Unavailable),
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(reply.get_ref().reply, "Hello, me");
    drop(again);
}
