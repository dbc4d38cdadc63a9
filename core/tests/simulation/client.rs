//! The application that calls.

use unwired_core::Instant;
use unwired_core::grpc::{Batch, CallId, Code, Metadata, Received, SendMessageError};
use unwired_core::http2::ConnectionEnd;
use unwired_replay::grpc::client::{Connection, Event, NewCall, StartError};

use crate::book::{Book, Way};
use crate::random::Random;

/// Handles that are dropped: one poll in so many.
pub(crate) const DROPS: f64 = 0.03;

struct Call {
    id: CallId,
    number: usize,
    deadline: Option<Instant>,
    /// The server's limits were not known when it was started.
    is_early: bool,
    sends: bool,
    wants_room: bool,
    reads: bool,
    waits: bool,
    received: usize,
    cancelled: bool,
    /// Its last event was seen.
    over: bool,
}

pub(crate) struct Client {
    pub(crate) conn: Connection,
    calls: Vec<Call>,
    /// Which call is started next.
    next: usize,
    early: u32,
    busy: bool,
    going_away: bool,
    pub(crate) end: Option<ConnectionEnd>,
}

impl Client {
    pub(crate) fn new(conn: Connection) -> Self {
        Self { conn, calls: Vec::new(), next: 0, early: 0, busy: false, going_away: false, end: None }
    }

    /// Whether all calls were made and have ended.
    pub(crate) fn is_done(&self, book: &Book) -> bool {
        self.calls.is_empty() && (self.next == book.calls.len() || self.going_away)
    }

    /// Does the next thing of some call that can go on. Answers whether there was one.
    pub(crate) fn turn(&mut self, now: Instant, random: &mut Random, book: &mut Book, drops: bool) -> bool {
        let from = random.below(self.calls.len() + 1);
        for n in 0..=self.calls.len() {
            let nth = (from + n) % (self.calls.len() + 1);
            if nth == self.calls.len() {
                if self.may_start(book) {
                    self.start(now, book);
                    return true;
                }
            } else if self.calls[nth].can_go_on() {
                self.go_on(nth, random, book, drops);
                return true;
            }
        }
        false
    }

    fn may_start(&self, book: &Book) -> bool {
        // As many as the server may refuse before it takes them for an attack.
        let early =
            self.conn.is_ready() || self.early < 2 * book.plan.server.http2.limits.max_concurrent_streams;
        self.next < book.calls.len()
            && self.calls.len() < book.plan.at_once
            && !self.busy
            && !self.going_away
            && early
    }

    fn start(&mut self, now: Instant, book: &mut Book) {
        let number = self.next;
        let plan = book.plan(number);
        let deadline = plan.timeout.map(|timeout| now + timeout);
        let path = format!("/s/{number}");
        let metadata = Metadata::new();
        let response = plan.kind.response();
        let call = NewCall { deadline, response, ..NewCall::new("localhost", &path, &metadata) };
        let is_early = !self.conn.is_ready();
        match self.conn.start(now, &call) {
            Ok(id) => {
                self.next += 1;
                self.early += u32::from(is_early);
                book.tally.calls += 1;
                self.calls.push(Call {
                    id,
                    number,
                    deadline,
                    is_early,
                    sends: true,
                    wants_room: false,
                    reads: true,
                    waits: false,
                    received: 0,
                    cancelled: false,
                    over: false,
                });
            }
            Err(StartError::Busy) => {
                book.tally.busy += 1;
                self.busy = true;
            }
            Err(StartError::GoingAway) => {
                assert!(
                    book.cut || book.is_hostile() || book.jumps(),
                    "nobody told the connection to go away"
                );
                self.going_away = true;
            }
            Err(StartError::Failed(status)) => {
                // A spoiled SETTINGS may allow no request at all.
                assert!(book.is_hostile(), "{status}");
                self.next += 1;
            }
        }
    }

    fn go_on(&mut self, nth: usize, random: &mut Random, book: &mut Book, drops: bool) {
        let call = &mut self.calls[nth];
        if drops && book.plan.calls[call.number].drops && random.chance(DROPS) {
            if random.chance(0.5) || call.cancelled {
                let call = self.calls.swap_remove(nth);
                self.conn.release(call.id);
                assert!(
                    !self.conn.is_active(call.id) && self.conn.status(call.id).is_none(),
                    "it names nothing now"
                );
                book.tally.released += 1;
                book.gave_up = true;
                return;
            }
            self.conn.cancel(call.id);
            book.gave_up = true;
            call.cancelled |= !call.over;
            return;
        }
        if call.over && !call.reads {
            let call = self.calls.swap_remove(nth);
            self.judge(&call, book);
            self.conn.release(call.id);
            return;
        }
        let can_send = call.can_send();
        if can_send && (!call.can_read() || random.chance(0.5)) {
            self.send(nth, book);
        } else {
            self.read(nth, book);
        }
    }

    fn send(&mut self, nth: usize, book: &mut Book) {
        let call = &mut self.calls[nth];
        let entry = &book.calls[call.number];
        if entry.sent_up == book.plan(call.number).up.len() {
            let closed = self.conn.half_close(call.id);
            book.calls[call.number].half_closed = closed.is_ok();
            call.sends = false;
            return;
        }
        let (batch, messages) = book.batch(call.number, Way::Up, entry.sent_up);
        match self.conn.send_messages(call.id, batch) {
            Ok(()) => book.calls[call.number].sent_up += messages,
            Err(SendMessageError::Full(back)) => {
                assert_eq!(back.count(), messages, "all of it comes back");
                book.tally.full += 1;
                call.wants_room = true;
            }
            Err(SendMessageError::Ended) => call.sends = false,
            Err(SendMessageError::TooLong(status)) => panic!("{status}"),
        }
    }

    fn read(&mut self, nth: usize, book: &mut Book) {
        let call = &mut self.calls[nth];
        let received = if Book::takes_batches(call.number) {
            self.conn.recv_messages(call.id)
        } else {
            self.conn.recv_message(call.id).map(Batch::from)
        };
        match received {
            Received::Message(batch) => {
                for message in batch {
                    book.check(call.number, Way::Down, call.received, &message.payload);
                    call.received += 1;
                }
            }
            Received::Pending => {
                assert!(!call.over, "what is over is waited for");
                call.waits = true;
            }
            Received::End => call.reads = false,
            Received::Failed(status) => {
                assert!(book.is_hostile(), "call {}: {status}", call.number);
                call.reads = false;
                self.conn.fail(call.id, status);
            }
        }
    }

    /// Whether the end is the right one.
    fn judge(&self, call: &Call, book: &mut Book) {
        let status = self.conn.status(call.id).expect("what is over has a status");
        let (entry, plan) = (&book.calls[call.number], &book.plan.calls[call.number]);
        use crate::plan::Answer;
        let is_asked = status.message() == "as asked" && entry.answered;
        let explained = match (status.code(), plan.answer) {
            (Code::Ok, Answer::Well) => entry.answered && call.received == plan.down.len(),
            (code, Answer::Fail(asked) | Answer::FailEarly(asked)) if code == asked => is_asked,
            // A server whose clock was put back meets the deadline sooner, and may have to cut a message then.
            (Code::Cancelled, _) => {
                call.cancelled || entry.dropped || (book.jumps() && call.deadline.is_some())
            }
            // The server counts the time from when it heard of the call: sooner, if its clock was put back.
            (Code::DeadlineExceeded, _) => {
                call.deadline.is_some_and(|deadline| deadline <= book.latest || book.jumps())
            }
            (Code::Unavailable, _) => {
                let refused = self.conn.is_unprocessed(call.id);
                book.cut || book.jumps() || (refused && (call.is_early || book.gave_up))
            }
            _ => false,
        };
        assert!(
            explained || book.is_hostile(),
            "call {} ends with {status}, {} of {} messages, and nothing explains it: {entry:?}",
            call.number,
            call.received,
            plan.down.len(),
        );
        let tally = &mut book.tally;
        *match status.code() {
            Code::Ok => &mut tally.ok,
            Code::Cancelled => &mut tally.cancelled,
            Code::DeadlineExceeded => &mut tally.late,
            Code::Unavailable => &mut tally.unavailable,
            Code::NotFound | Code::Aborted | Code::DataLoss => &mut tally.failed,
            _ => &mut tally.otherwise,
        } += 1;
    }

    pub(crate) fn take_events(&mut self, book: &mut Book) -> bool {
        let mut moved = false;
        while let Some(event) = self.conn.poll_event() {
            moved = true;
            assert!(self.end.is_none(), "{event:?} after the last event");
            match event {
                Event::Metadata { call: id } => {
                    goes_on(&mut self.calls, id, "metadata");
                    assert!(self.conn.metadata(id).is_some(), "announced");
                }
                Event::Message { call: id } => {
                    let waited = std::mem::take(&mut goes_on(&mut self.calls, id, "a message").waits);
                    assert!(waited || book.is_hostile(), "a message that nobody waits for");
                }
                Event::Writable { call: id } => {
                    assert!(
                        std::mem::take(&mut goes_on(&mut self.calls, id, "room").wants_room),
                        "room that nobody asked for"
                    );
                }
                Event::Done { call: id } => {
                    let call = goes_on(&mut self.calls, id, "an end");
                    (call.over, call.waits, call.sends) = (true, false, false);
                    let status = self.conn.status(id).expect("it ended");
                    assert!(!self.conn.is_active(id), "it ended");
                    book.gave_up |= !status.is_ok();
                }
                Event::CallsAvailable => {
                    assert!(std::mem::take(&mut self.busy), "calls that nobody asked for");
                }
                Event::GoingAway { .. } => {}
                Event::Closed(end) => {
                    assert!(self.calls.iter().all(|call| call.over), "closed before its calls");
                    book.judge_end(&end);
                    self.going_away = true;
                    self.end = Some(end);
                }
                _ => {}
            }
        }
        moved
    }

    /// The application is done with everything.
    pub(crate) fn give_up(&mut self) {
        for call in self.calls.drain(..) {
            self.conn.release(call.id);
        }
        self.going_away = true;
    }

    /// Who waits for what.
    pub(crate) fn describe(&self) -> String {
        let calls = self.calls.iter().map(|call| {
            let waits = [(call.waits, "a message"), (call.wants_room, "room"), (!call.over, "its end")];
            let waits: Vec<_> = waits.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
            format!("call {} at the client waits for {}", call.number, waits.join(", "))
        });
        let next = (self.busy).then(|| format!("call {} waits for its turn", self.next));
        calls.chain(next).collect::<Vec<_>>().join("; ")
    }
}

/// The call of an event: it is there, and has not had its last one.
fn goes_on<'a>(calls: &'a mut [Call], id: CallId, what: &str) -> &'a mut Call {
    let call = calls.iter_mut().find(|call| call.id == id);
    let call = call.unwrap_or_else(|| panic!("{what} for a call that was released"));
    assert!(!call.over, "{what} after the last event of call {}", call.number);
    call
}

impl Call {
    fn can_send(&self) -> bool {
        self.sends && !self.wants_room && !self.over
    }

    fn can_read(&self) -> bool {
        self.reads && !self.waits
    }

    fn can_go_on(&self) -> bool {
        self.can_send() || self.can_read() || (self.over && !self.reads)
    }
}
