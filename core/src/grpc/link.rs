//! What a connection of either side does with its calls: keeps them, feeds their receiving halves, and turns wishes into
//! credit.

use bytes::BytesMut;

use super::credit::{Account, Credit};
use super::deadlines::Deadlines;
use super::receiving::{Received, Receiving};
use super::table::Table;
use super::{Batch, CallId, Config, Stats, meaning};
use crate::Instant;
use crate::http2::{self, StreamKey};

/// The per-call machine of either side.
pub(crate) trait Machine {
    fn receiving(&mut self) -> &mut Receiving;
    fn deadline(&self) -> Option<Instant>;
}

#[derive(Debug)]
pub(crate) struct Entry<C> {
    pub(crate) call: C,
    account: Account,
    /// Octets of the batch that was taken last: their credit goes back when the next is asked for, since until then the
    /// application still has some of them.
    owed: usize,
    /// The call has had its last event.
    pub(crate) ended: bool,
}

#[derive(Debug)]
pub(crate) struct Link<C> {
    pub(crate) http2: http2::Connection,
    pub(crate) calls: Table<Entry<C>>,
    pub(crate) credit: Credit,
    pub(crate) deadlines: Deadlines,
    /// Calls that go on no more.
    pub(crate) calls_ended: u64,
}

impl<C: Machine> Link<C> {
    pub(crate) fn new(mut http2: http2::Connection, config: &Config) -> Self {
        http2.set_meaning(meaning::of);
        let base = http2.config().initial_window as usize;
        Self {
            http2,
            calls: Table::new(),
            credit: Credit::new(config.partial_message_budget, base),
            deadlines: Deadlines::default(),
            calls_ended: 0,
        }
    }

    pub(crate) fn insert(&mut self, stream: StreamKey, call: C) -> CallId {
        let id = CallId(stream);
        if let Some(deadline) = call.deadline() {
            self.deadlines.add(deadline, id);
        }
        self.calls.insert(id, Entry { call, account: Account::default(), owed: 0, ended: false });
        id
    }

    /// The next message, or the wish for it.
    pub(crate) fn recv_message(&mut self, id: CallId) -> Received {
        self.take(id, 0, Receiving::receive)
    }

    /// The next messages, or the wish for one. While they are read the peer may send the other half of its window.
    pub(crate) fn recv_messages(&mut self, id: CallId) -> Received<Batch> {
        let max = self.http2.stream_window() as usize / 2;
        self.take(id, usize::MAX, |receiving, data| receiving.receive_batch(data, max))
    }

    /// Takes what `receive` takes. Of the credit for it up to `kept` octets wait until the next time.
    fn take<M>(
        &mut self,
        id: CallId,
        kept: usize,
        receive: impl FnOnce(&mut Receiving, &mut BytesMut) -> Received<M>,
    ) -> Received<M> {
        let Some(entry) = self.calls.get_mut(id) else { return Received::End };
        let Some(data) = self.http2.recv_data(id.0) else { return Received::End };
        let before = data.len();
        let received = receive(entry.call.receiving(), data);
        let taken = before.saturating_sub(data.len());
        let kept = taken.min(kept);
        let used_up = core::mem::replace(&mut entry.owed, kept).saturating_add(taken.saturating_sub(kept));
        if used_up > 0 {
            let grant = self.credit.took(&mut entry.account, used_up, data.capacity());
            self.http2.grant(id.0, grant);
        }
        if taken > 0 {
            self.http2.tidy_data(id.0);
            self.credit.unqueue(id, &mut entry.account);
        }
        if taken > 0 || used_up > 0 {
            self.serve_waiting();
        }
        if matches!(received, Received::Pending) {
            self.wish(id);
        }
        received
    }

    /// DATA has come, or the end. Answers whether somebody waits for the call and need not any longer.
    pub(crate) fn on_data(&mut self, id: CallId) -> bool {
        let Some(entry) = self.calls.get_mut(id) else { return false };
        let Some(data) = self.http2.recv_data(id.0) else { return false };
        let receiving = entry.call.receiving();
        if receiving.satisfies_wish(data) {
            self.credit.unqueue(id, &mut entry.account);
            self.serve_waiting();
            return true;
        }
        self.wish(id);
        false
    }

    /// Somebody waits for the call: the peer may need credit to go on.
    pub(crate) fn wish(&mut self, id: CallId) {
        if self.ask(id) {
            self.serve_waiting();
        }
    }

    /// Gives the call what it needs, as far as that may be. Answers whether it made place in the queue for others.
    fn ask(&mut self, id: CallId) -> bool {
        let Some(entry) = self.calls.get_mut(id) else { return false };
        let outstanding = self.http2.recv_credit(id.0);
        let window = self.http2.stream_window();
        let Some(data) = self.http2.recv_data(id.0) else { return false };
        let receiving = entry.call.receiving();
        if !receiving.is_wished() {
            return false;
        }
        let has_many = receiving.has_many();
        let was_queued = entry.account.is_queued();
        let grant = match receiving.wished(data) {
            Some(wished) => self.credit.wish(id, &mut entry.account, wished, outstanding, window as usize),
            // What has come is no message, or nothing more comes.
            None => {
                self.credit.leave_queue(id, &mut entry.account);
                0
            }
        };
        let left = was_queued && !entry.account.is_queued();
        // Those who keep up may have as much under way as arrives in a round trip; where there is one message, that it is
        // waited for was enough.
        let grant = if grant == 0 && has_many && window > self.http2.config().initial_window {
            self.credit.widen(&mut entry.account, window as usize, outstanding)
        } else {
            grant
        };
        self.http2.grant(id.0, grant);
        left
    }

    /// Credit has come back, or the queue has a new oldest: those who wait get theirs, the oldest first.
    fn serve_waiting(&mut self) {
        let mut nth = 0;
        while let Some(id) = self.credit.waiting(nth) {
            // Who has enough leaves the queue, and the next one stands in that place.
            nth = nth.saturating_add(usize::from(!self.ask(id)));
        }
    }

    /// Nothing more comes for the call: its credit goes back, and with `give_up` what was received is dropped.
    pub(crate) fn close(&mut self, id: CallId, give_up: bool) {
        let Some(entry) = self.calls.get_mut(id) else { return };
        self.credit.close(id, &mut entry.account);
        if give_up {
            entry.call.receiving().give_up();
            if let Some(data) = self.http2.recv_data(id.0) {
                *data = BytesMut::new();
            }
        }
        if !core::mem::replace(&mut entry.ended, true) {
            self.calls_ended = self.calls_ended.saturating_add(1);
            if entry.call.deadline().is_some() {
                let calls = &self.calls;
                self.deadlines.forget_one(|id| calls.get(id).is_some_and(|entry| !entry.ended));
            }
        }
        self.serve_waiting();
    }

    pub(crate) fn release(&mut self, id: CallId) {
        self.close(id, false);
        self.calls.remove(id);
        self.http2.release(id.0);
    }

    /// The call whose deadline is due, if it goes on.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<CallId> {
        loop {
            let id = self.deadlines.expire(now)?;
            if self.calls.get(id).is_some_and(|entry| !entry.ended) {
                return Some(id);
            }
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            http2: self.http2.stats().clone(),
            active_calls: self.http2.active_streams(),
            partial_bytes: self.credit.used(),
            ..Stats::default()
        }
    }

    /// Gives back the memory of a burst.
    pub(crate) fn shrink(&mut self) {
        self.calls.shrink();
        self.deadlines.shrink();
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.http2.poll_timeout(), self.deadlines.next()].into_iter().flatten().min()
    }
}

/// The methods that a connection of gRPC has in common with the HTTP/2 below it.
macro_rules! delegate_to_http2 {
    () => {
        /// Moves what is to be sent to `out`; see [`http2::Connection::poll_transmit`].
        pub fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool {
            let more = self.link.http2.poll_transmit(now, out, budget);
            self.take_events(now);
            more
        }

        /// The socket did not take `unsent` bytes of what was transmitted; see [`http2::Connection::handle_sent`].
        pub fn handle_sent(&mut self, now: Instant, unsent: usize) {
            self.link.http2.handle_sent(now, unsent);
        }

        /// Bytes from the socket, split anywhere; see [`http2::Connection::handle_input`].
        #[expect(clippy::arithmetic_side_effects, reason = "no more than `input` has")]
        pub fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize {
            let mut taken = 0;
            loop {
                let rest = input.get(taken..).unwrap_or_default();
                let step = self.link.http2.handle_input(now, rest);
                taken += step;
                let moved = self.take_events(now);
                let stop = taken == input.len() || self.events.len() >= MAX_EVENTS || (step == 0 && !moved);
                if stop {
                    return taken;
                }
            }
        }

        /// The peer will send nothing more.
        pub fn handle_eof(&mut self, now: Instant) {
            self.link.http2.handle_eof(now);
            self.take_events(now);
        }

        /// Time has passed; see [`http2::Connection::handle_timeout`].
        pub fn handle_timeout(&mut self, now: Instant) {
            while let Some(call) = self.link.expire(now) {
                self.on_deadline(now, call);
            }
            self.link.http2.handle_timeout(now);
            self.take_events(now);
            if self.link.http2.active_streams() == 0 || self.link.http2.is_quiet() {
                self.link.shrink();
                self.events.shrink_to_fit();
                self.shrink();
            }
        }

        /// When [`handle_timeout`](Self::handle_timeout) is due.
        pub fn poll_timeout(&self) -> Option<Instant> {
            self.link.poll_timeout()
        }

        /// What happened, in order.
        pub fn poll_event(&mut self) -> Option<Event> {
            loop {
                let event = self.events.pop_front()?;
                if matches!(event, Event::Ready) {
                    // It may be the only event for long.
                    self.events.shrink_to_fit();
                }
                // The application does not hear of a call that it has released in the meantime.
                if event.call().is_none_or(|call| self.link.calls.get(call).is_some()) {
                    return Some(event);
                }
            }
        }

        /// Whether input would be acted on now.
        pub fn wants_input(&self) -> bool {
            self.link.http2.wants_input()
        }

        /// Whether [`poll_transmit`](Self::poll_transmit) has something to give.
        pub fn wants_transmit(&self) -> bool {
            self.link.http2.wants_transmit()
        }

        /// Whether the write side of the socket is to be shut down.
        pub fn wants_shutdown(&self) -> bool {
            self.link.http2.wants_shutdown()
        }

        /// Whether the socket is to be closed.
        pub fn is_closed(&self) -> bool {
            self.link.http2.is_closed()
        }

        /// The HTTP/2 below, to look at: its counters, its configuration.
        pub const fn http2(&self) -> &http2::Connection {
            &self.link.http2
        }

        /// Calls that count against the limit of concurrent streams now.
        pub const fn active_calls(&self) -> usize {
            self.link.http2.active_streams()
        }

        /// The next message of the call. [`Received::Pending`] notes the wish: one `Message` event follows when there is
        /// something to be had.
        pub fn recv_message(&mut self, call: CallId) -> Received {
            self.link.recv_message(call)
        }

        /// The next messages of the call, all that are there whole, but no more than half a window of them unless the first
        /// is longer. What [`recv_message`](Self::recv_message) says holds here too; but the peer may send as much again
        /// only when the next ones are asked for, so ask when these are used up.
        pub fn recv_messages(&mut self, call: CallId) -> Received<Batch> {
            self.link.recv_messages(call)
        }

        /// Sends messages, all of them with one command, or none.
        ///
        /// # Errors
        ///
        /// [`SendMessageError`]; the call goes on, unless it says that it has ended.
        pub fn send_messages(&mut self, call: CallId, batch: Batch) -> Result<(), SendMessageError<Batch>> {
            let (machine, mut carrier) = self.parts(call).ok_or(SendMessageError::Ended)?;
            machine.send_messages(&mut carrier, batch)
        }

        /// The longest message that may be sent on the call, bytes.
        pub fn max_send_message(&self, call: CallId) -> usize {
            self.link.calls.get(call).map_or(0, |entry| entry.call.max_send_message())
        }

        /// The application holds nothing of the call any more and will not ask for it. One that goes on is cancelled; a
        /// server's whole answer still leaves. No event follows for it.
        pub fn release(&mut self, call: CallId) {
            self.link.release(call);
        }

        /// Changes how much unfinished messages may take beyond the windows of their streams, bytes.
        pub const fn set_budget(&mut self, bytes: usize) {
            self.link.credit.set_budget(bytes);
        }

        /// Bytes of credit beyond the initial windows that peers have now (gauge).
        pub const fn partial_bytes(&self) -> usize {
            self.link.credit.used()
        }

        /// Takes no new calls and ends when those under way have, or after `grace`; see [`http2::Connection::drain`].
        pub fn drain(&mut self, now: Instant, grace: Option<Duration>) {
            self.link.http2.drain(now, grace);
            self.take_events(now);
        }

        /// Ends the connection now; see [`http2::Connection::close`].
        pub fn close(&mut self, now: Instant, reason: Reason, debug: &'static str) {
            self.link.http2.close(now, reason, debug);
            self.take_events(now);
        }
    };
}

pub(crate) use delegate_to_http2;

/// Input stops when so many events wait.
pub(crate) const MAX_EVENTS: usize = 64;
