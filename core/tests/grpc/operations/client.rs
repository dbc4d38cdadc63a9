use std::time::Duration;

use unwired_core::Instant;
use unwired_core::grpc::{Cardinality, Metadata, Received};
use unwired_replay::grpc::client::{self, NewCall, StartError};

use super::MOST_CALLS;
use super::call::{Call, Calls, LENGTHS, by_id, expect_peace, pick};

pub(super) struct Client {
    pub(super) connection: client::Connection,
    pub(super) calls: Calls,
    pub(super) starts: u32,
    pub(super) busy: bool,
    pub(super) closed: bool,
}

impl Client {
    pub(super) fn start(&mut self, now: Instant, unary: bool, how: usize) {
        // Before it knows the limit a client may be refused; more often than the limit allows is an offence.
        if !self.connection.is_ready() && self.starts >= 2 * MOST_CALLS {
            return;
        }
        let path = format!("/{}/{}", if unary { "one" } else { "many" }, self.starts);
        let metadata = Metadata::new();
        let call = NewCall {
            deadline: (how % 4 == 3).then(|| now + Duration::from_millis(how as u64)),
            response: if unary { Cardinality::One } else { Cardinality::Many },
            ..NewCall::new("localhost", &path, &metadata)
        };
        match self.connection.start(now, &call) {
            Ok(id) => {
                self.calls.insert(self.starts, Call::new(id, self.starts, unary));
                self.starts += 1;
            }
            Err(StartError::Busy) => self.busy = true,
            Err(StartError::GoingAway) => {}
            Err(StartError::Failed(status)) => panic!("{status}"),
        }
    }

    pub(super) fn send(&mut self, how: usize) {
        let Some(call) = pick(&mut self.calls, how) else { return };
        if !call.ended {
            let message = call.next_message(LENGTHS[how % LENGTHS.len()]);
            call.note_sent(self.connection.send_message(call.id, message));
        }
    }

    pub(super) fn half_close(&mut self, how: usize) {
        let Some(call) = pick(&mut self.calls, how) else { return };
        call.ended = true;
        let _ = self.connection.half_close(call.id);
    }

    /// Takes a message; answers whether there was one.
    pub(super) fn receive(connection: &mut client::Connection, call: &mut Call) -> bool {
        match connection.recv_message(call.id) {
            Received::Message(message) => call.check(&message),
            Received::Pending | Received::End | Received::Failed(_) => return false,
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
                client::Event::Metadata { call } => {
                    assert!(!by_id(&mut self.calls, call).over, "metadata after the last event");
                    assert!(self.connection.metadata(call).is_some());
                }
                client::Event::Message { call } | client::Event::Writable { call } => {
                    assert!(!by_id(&mut self.calls, call).over, "{event:?} after the last event");
                }
                client::Event::Done { call } => {
                    let known = by_id(&mut self.calls, call);
                    assert!(!std::mem::replace(&mut known.over, true), "a second last event");
                    assert!(self.connection.status(call).is_some(), "done without a status");
                }
                client::Event::CallsAvailable => self.busy = false,
                client::Event::Closed(end) => {
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
                let _ = self.connection.half_close(call.id);
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
