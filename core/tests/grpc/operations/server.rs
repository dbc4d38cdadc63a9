use unwired_core::grpc::{CallId, CallLimits, Cardinality, Metadata, Received, Status};
use unwired_replay::grpc::server;

use super::call::{Call, Calls, LENGTHS, by_id, expect_peace, pick};

pub(super) struct Server {
    pub(super) connection: server::Connection,
    pub(super) calls: Calls,
    pub(super) closed: bool,
}

impl Server {
    pub(super) fn accept(&mut self, id: CallId) {
        let head = self.connection.request(id).expect("announced");
        let path = head.path();
        let unary = path.service == "one";
        let number = path.method.parse().expect("our client's");
        self.connection.accept(id, Cardinality::Many, CallLimits::default());
        self.calls.insert(number, Call::new(id, number, unary));
    }

    pub(super) fn send(&mut self, how: usize) {
        let Some(call) = pick(&mut self.calls, how) else { return };
        let message = call.next_message(LENGTHS[how % LENGTHS.len()]);
        if call.ended {
            return;
        }
        if call.unary {
            call.ended = true;
            self.connection.respond(call.id, &Metadata::new(), message, &Status::ok(""));
        } else {
            call.note_sent(self.connection.send_message(call.id, message));
        }
    }

    pub(super) fn send_metadata(&mut self, how: usize) {
        if let Some(call) = pick(&mut self.calls, how) {
            let _ = self.connection.send_metadata(call.id, &Metadata::new());
        }
    }

    pub(super) fn finish(&mut self, how: usize) {
        let Some(call) = pick(&mut self.calls, how) else { return };
        call.ended = true;
        self.connection.finish(call.id, &Status::aborted("by the application"));
    }

    /// Takes a message; answers whether there was one.
    pub(super) fn receive(connection: &mut server::Connection, call: &mut Call) -> bool {
        match connection.recv_message(call.id) {
            Received::Message(message) => call.check(&message),
            Received::Pending | Received::End => return false,
            Received::Failed(status) => {
                call.ended = true;
                connection.finish(call.id, &status);
                return false;
            }
        }
        true
    }

    pub(super) fn release(&mut self, how: usize) {
        let Some(number) = pick(&mut self.calls, how).map(|call| call.number) else { return };
        if let Some(call) = self.calls.remove(&number) {
            self.connection.release(call.id);
        }
    }

    pub(super) fn take_events(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.connection.poll_event() {
            moved = true;
            assert!(!self.closed, "{event:?} after the last event");
            match event {
                server::Event::Call { call } => self.accept(call),
                server::Event::Message { call } | server::Event::Writable { call } => {
                    assert!(!by_id(&mut self.calls, call).over, "{event:?} after the last event");
                }
                server::Event::Ended { call, .. } => {
                    let known = by_id(&mut self.calls, call);
                    assert!(!std::mem::replace(&mut known.over, true), "a second last event");
                }
                server::Event::Closed(end) => {
                    expect_peace(&end);
                    assert!(self.calls.values().all(|call| call.over), "closed before its calls");
                    self.closed = true;
                }
                _ => {}
            }
        }
        moved
    }

    /// Ends and reads whatever there is; answers whether a call went away.
    pub(super) fn wind_up(&mut self) -> bool {
        let before = self.calls.len();
        for call in self.calls.values_mut() {
            while Self::receive(&mut self.connection, call) {}
            if !std::mem::replace(&mut call.ended, true) {
                self.connection.finish(call.id, &Status::ok(""));
            }
        }
        self.calls.retain(|_, call| {
            if call.over {
                self.connection.release(call.id);
            }
            !call.over
        });
        self.calls.len() < before
    }
}
