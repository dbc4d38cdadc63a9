//! A driver and the calls that share its connection: no command is left lying while the driver sleeps, and nobody who waits
//! for a call.

use std::sync::Arc;

use loom::thread;
use unwired_core::grpc::client::{Connection, NewCall};
use unwired_core::grpc::{Batch, CallId, Config, Message, Metadata, Received};
use unwired_core::{Instant, Outbox};

use crate::explore;
use crate::link::{Link, Protocol};
use crate::park::Parked;
use crate::transport::{Peer, RuntimeHandle};
use crate::wakers::wake_all;

/// A connection without bytes: what is told to it is sent when its driver has a turn; each thing sent is answered at once.
#[derive(Debug, Default)]
struct Toy {
    to_send: usize,
    sent: usize,
    answers: usize,
    deadline: Option<Instant>,
}

impl Protocol for Toy {
    fn handle_input(&mut self, _: Instant, _: &[u8]) -> usize {
        0
    }
    fn handle_eof(&mut self, _: Instant) {}
    fn handle_timeout(&mut self, _: Instant) {}
    fn handle_sent(&mut self, _: Instant, _: usize) {}
    fn poll_transmit(&mut self, _: Instant, _: &mut Outbox, _: usize) -> bool {
        self.sent += self.to_send;
        self.answers += std::mem::take(&mut self.to_send);
        false
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }
    fn wants_input(&self) -> bool {
        true
    }
    fn wants_transmit(&self) -> bool {
        self.to_send > 0
    }
    fn wants_shutdown(&self) -> bool {
        false
    }
    fn is_closed(&self) -> bool {
        false
    }
    fn close(&mut self, _: Instant) {}
    fn recv_messages(&mut self, _: CallId) -> Received<Batch> {
        if self.answers == 0 {
            return Received::Pending;
        }
        self.answers -= 1;
        Received::Message(Message::plain(Default::default()).into())
    }
    fn release(&mut self, _: CallId) {}
}

fn link() -> Arc<Link<Toy>> {
    Arc::new(Link::new(Toy::default(), RuntimeHandle, Peer))
}

/// The name of some call.
fn a_call() -> CallId {
    let mut connection = Connection::new(Config::client(), Instant::ZERO);
    connection.start(Instant::ZERO, &NewCall::new("here", "/a/b", &Metadata::new())).unwrap()
}

/// As `Driver` does it: turns until there is nothing to do, then sleep, until `is_done` of what the connection holds and of
/// the time until which it sleeps.
fn drive(link: &Link<Toy>, call: CallId, is_done: impl Fn(&Toy, Option<Instant>) -> bool) {
    let (parked, waker) = Parked::new();
    let mut woken = Vec::new();
    loop {
        // Reads and acts.
        link.lock().begin();
        // Encodes and writes.
        let mut shared = link.lock();
        shared.conn.poll_transmit(Instant::ZERO, &mut Outbox::new(), 0);
        if shared.conn.answers > 0 {
            woken.extend(shared.wakers.of(call).recv.take());
        }
        drop(shared);
        wake_all(&mut woken);
        // Settles.
        let mut shared = link.lock();
        if shared.conn.wants_transmit() {
            continue;
        }
        let until = shared.end(&waker);
        if is_done(&shared.conn, until) {
            return;
        }
        drop(shared);
        parked.sleep();
    }
}

#[test]
fn no_command_is_left_while_the_driver_sleeps() {
    explore(|| {
        let (link, call) = (link(), a_call());
        let commands: Vec<_> = (0..2)
            .map(|_| {
                let link = Arc::clone(&link);
                thread::spawn(move || link.with(|shared| shared.conn.to_send += 1))
            })
            .collect();
        drive(&link, call, |conn, _| conn.sent == 2);
        for command in commands {
            command.join().unwrap();
        }
    });
}

#[test]
fn no_earlier_deadline_is_overslept() {
    explore(|| {
        let (link, call) = (link(), a_call());
        let at = |nanos| Instant::ZERO + std::time::Duration::from_nanos(nanos);
        link.lock().conn.deadline = Some(at(3));
        let deadlines: Vec<_> = [2, 1]
            .map(|nanos| {
                let link = Arc::clone(&link);
                thread::spawn(move || {
                    link.with(|shared| shared.conn.deadline = shared.conn.deadline.min(Some(at(nanos))));
                })
            })
            .into();
        drive(&link, call, |_, until| until == Some(at(1)));
        for deadline in deadlines {
            deadline.join().unwrap();
        }
    });
}

#[test]
fn who_waits_for_a_message_is_woken_when_it_is_there() {
    explore(|| {
        let (link, call) = (link(), a_call());
        let driven = Arc::clone(&link);
        let driver = thread::spawn(move || drive(&driven, call, |conn, _| conn.sent == 1));
        let (parked, waker) = Parked::new();
        link.with(|shared| shared.conn.to_send += 1);
        while link.poll_messages(call, &waker).is_pending() {
            parked.sleep();
        }
        driver.join().unwrap();
    });
}
