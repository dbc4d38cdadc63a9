//! The application that answers.

use unwired_core::grpc::{Batch, CallId, CallLimits, Metadata, Received, SendMessageError, Status};
use unwired_core::http2::ConnectionEnd;
use unwired_replay::grpc::server::{Connection, Event};

use crate::book::{Book, Way};
use crate::client::DROPS;
use crate::plan::{Answer, Kind};
use crate::random::Random;

struct Handler {
    id: CallId,
    number: usize,
    has_metadata: bool,
    reads: bool,
    waits: bool,
    received: usize,
    wants_room: bool,
    /// It has nothing to send any more: it answered, or the call is over and its event on the way.
    finished: bool,
    /// Its last event was seen.
    over: bool,
}

pub(crate) struct Server {
    pub(crate) conn: Connection,
    handlers: Vec<Handler>,
    pub(crate) end: Option<ConnectionEnd>,
}

/// What a handler does next.
#[derive(Clone, Copy)]
enum Step {
    Metadata,
    Read,
    Send,
    Answer,
    Leave,
}

impl Server {
    pub(crate) fn new(conn: Connection) -> Self {
        Self { conn, handlers: Vec::new(), end: None }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.handlers.is_empty()
    }

    /// Does the next thing of some handler that can go on. Answers whether there was one.
    pub(crate) fn turn(&mut self, random: &mut Random, book: &mut Book, drops: bool) -> bool {
        let count = self.handlers.len();
        let from = random.below(count);
        for n in 0..count {
            let nth = (from + n) % count;
            if let Some(step) = self.handlers[nth].next(book, random) {
                self.act(nth, step, random, book, drops);
                return true;
            }
        }
        false
    }

    fn act(&mut self, nth: usize, step: Step, random: &mut Random, book: &mut Book, drops: bool) {
        let handler = &mut self.handlers[nth];
        let (id, number) = (handler.id, handler.number);
        if drops && book.plan.calls[number].drops && random.chance(DROPS) {
            let entry = &mut book.calls[number];
            // An answer that was given whole leaves all the same.
            entry.dropped |= !entry.answered;
            book.tally.handlers_dropped += 1;
            return self.release(nth);
        }
        match step {
            Step::Leave => self.release(nth),
            Step::Metadata => {
                handler.has_metadata = true;
                let mut metadata = Metadata::new();
                metadata.insert("x-call", number.to_string()).unwrap();
                let _ = self.conn.send_metadata(id, &metadata);
            }
            Step::Read => self.read(nth, book),
            Step::Send => {
                handler.has_metadata = true;
                let sent = book.calls[number].sent_down;
                let (batch, messages) = book.batch(number, Way::Down, sent);
                match self.conn.send_messages(id, batch) {
                    Ok(()) => book.calls[number].sent_down += messages,
                    Err(SendMessageError::Full(back)) => {
                        assert_eq!(back.count(), messages, "all of it comes back");
                        book.tally.full += 1;
                        handler.wants_room = true;
                    }
                    Err(SendMessageError::Ended) => handler.finished = true,
                    Err(SendMessageError::TooLong(status)) => panic!("{status}"),
                }
            }
            Step::Answer => {
                handler.finished = true;
                let plan = book.plan(number);
                match plan.answer {
                    Answer::Well if plan.kind == Kind::Unary || plan.kind == Kind::ClientStreaming => {
                        let message = book.message(number, Way::Down, 0);
                        self.conn.respond(id, &Metadata::new(), message, &Status::OK);
                        book.calls[number].sent_down = 1;
                    }
                    Answer::Well => self.conn.finish(id, &Status::OK),
                    Answer::Fail(code) | Answer::FailEarly(code) => {
                        self.conn.finish(id, &Status::new(code, "as asked"));
                    }
                    Answer::Never => unreachable!("it never answers"),
                }
                book.calls[number].answered = true;
            }
        }
    }

    fn read(&mut self, nth: usize, book: &mut Book) {
        let handler = &mut self.handlers[nth];
        let received = if Book::takes_batches(handler.number) {
            self.conn.recv_messages(handler.id)
        } else {
            self.conn.recv_message(handler.id).map(Batch::from)
        };
        match received {
            Received::Message(batch) => {
                for message in batch {
                    book.check(handler.number, Way::Up, handler.received, &message.payload);
                    handler.received += 1;
                }
            }
            Received::Pending => handler.waits = true,
            Received::End => {
                handler.reads = false;
                // That the call was cut off is known here before its event is taken.
                let entry = &book.calls[handler.number];
                let whole = entry.half_closed && handler.received == entry.sent_up;
                assert!(
                    whole || handler.over || !self.conn.is_active(handler.id) || book.is_hostile(),
                    "the request of call {} ends after {} messages: {entry:?}",
                    handler.number,
                    handler.received
                );
            }
            Received::Failed(status) => {
                assert!(book.is_hostile(), "call {}: {status}", handler.number);
                (handler.reads, handler.finished) = (false, true);
                self.conn.finish(handler.id, &status);
            }
        }
    }

    fn release(&mut self, nth: usize) {
        let handler = self.handlers.swap_remove(nth);
        self.conn.release(handler.id);
        assert!(!self.conn.is_active(handler.id), "it names nothing now");
        assert!(self.conn.request(handler.id).is_none(), "it names nothing now");
    }

    pub(crate) fn take_events(&mut self, book: &Book) -> bool {
        let mut moved = false;
        while let Some(event) = self.conn.poll_event() {
            moved = true;
            assert!(self.end.is_none(), "{event:?} after the last event");
            match event {
                Event::Call { call } => self.accept(call, book),
                Event::Message { call } => {
                    // One message is waited for from the start.
                    goes_on(&mut self.handlers, call, "a message").waits = false;
                }
                Event::Writable { call } => {
                    assert!(
                        std::mem::take(&mut goes_on(&mut self.handlers, call, "room").wants_room),
                        "room that nobody asked for"
                    );
                }
                Event::Ended { call, .. } => {
                    let handler = goes_on(&mut self.handlers, call, "an end");
                    (handler.over, handler.waits) = (true, false);
                    assert!(!self.conn.is_active(call), "it ended");
                }
                Event::Closed(end) => {
                    assert!(self.handlers.iter().all(|handler| handler.over), "closed before its calls");
                    book.judge_end(&end);
                    self.end = Some(end);
                }
                _ => {}
            }
        }
        moved
    }

    fn accept(&mut self, id: CallId, book: &Book) {
        // A call may have ended before anybody looked, but it is there until it is released.
        let head = self.conn.request(id).expect("announced");
        let number = head.path().method.parse().ok().filter(|number| *number < book.calls.len());
        let Some(number) = number else {
            assert!(book.is_hostile(), "a call that nobody made: {}", head.path().method);
            return self.conn.release(id);
        };
        assert!(
            book.is_hostile() || self.handlers.iter().all(|handler| handler.number != number),
            "call {number} came twice"
        );
        self.conn.accept(id, book.plan(number).kind.request(), CallLimits::default());
        self.handlers.push(Handler {
            id,
            number,
            has_metadata: !book.plan(number).metadata_first,
            reads: true,
            waits: false,
            received: 0,
            wants_room: false,
            finished: false,
            over: false,
        });
    }

    /// The application is done with everything.
    pub(crate) fn give_up(&mut self) {
        while let Some(last) = self.handlers.len().checked_sub(1) {
            self.release(last);
        }
    }

    /// Who waits for what.
    pub(crate) fn describe(&self) -> String {
        let handlers = self.handlers.iter().map(|handler| {
            let waits = [
                (handler.waits, "a message"),
                (handler.wants_room, "room"),
                (handler.finished && !handler.over, "its end"),
            ];
            let waits: Vec<_> = waits.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
            format!("call {} at the server waits for {}", handler.number, waits.join(", "))
        });
        handlers.collect::<Vec<_>>().join("; ")
    }
}

/// The handler of an event: it is there, and its call has not had its last one.
fn goes_on<'a>(handlers: &'a mut [Handler], id: CallId, what: &str) -> &'a mut Handler {
    let handler = handlers.iter_mut().find(|handler| handler.id == id);
    let handler = handler.unwrap_or_else(|| panic!("{what} for a call that was released"));
    assert!(!handler.over, "{what} after the last event of call {}", handler.number);
    handler
}

impl Handler {
    /// What it can do now; nothing while it waits.
    fn next(&self, book: &Book, random: &mut Random) -> Option<Step> {
        if self.over {
            return Some(Step::Leave);
        }
        if self.finished {
            return None;
        }
        if !self.has_metadata {
            return Some(Step::Metadata);
        }
        let plan = book.plan(self.number);
        if matches!(plan.answer, Answer::FailEarly(_)) && (self.waits || random.chance(0.5)) {
            return Some(Step::Answer);
        }
        let one = matches!(plan.kind, Kind::Unary | Kind::ServerStreaming);
        let reads = self.reads && !(one && self.received == 1);
        // Both halves of a conversation go on by themselves.
        let streams = match plan.kind {
            Kind::Bidi => true,
            Kind::ServerStreaming => !reads,
            _ => false,
        };
        let sends =
            streams && plan.answer == Answer::Well && book.calls[self.number].sent_down < plan.down.len();
        let can_read = reads && !self.waits;
        let can_send = sends && !self.wants_room;
        if can_read && (!can_send || random.chance(0.5)) {
            Some(Step::Read)
        } else if can_send {
            Some(Step::Send)
        } else if !reads && !sends && plan.answer != Answer::Never {
            Some(Step::Answer)
        } else {
            None
        }
    }
}
