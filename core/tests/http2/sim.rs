//! A pair whose sockets take a few bytes at a time, with all that must always hold of it: the windows are kept to by an
//! independent model, credit is conserved, nothing is left at the end, what was accepted arrives where the reader reads,
//! and each stream ends once.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes};
use unwired_core::http2::{Config, Event, StreamKey};
use unwired_core::{Instant, Outbox};
use unwired_replay::Keeper;
use unwired_replay::http2::Connection;

use crate::model::Sender;
use crate::raw;

pub(crate) const CLIENT: usize = 0;
pub(crate) const SERVER: usize = 1;

/// What one end knows of a stream.
pub(crate) struct Call {
    pub(crate) key: StreamKey,
    pub(crate) id: Option<u32>,
    /// Octets that `send_data` took.
    pub(crate) accepted: u64,
    pub(crate) answered: bool,
    /// We gave the end of our side.
    pub(crate) ended: bool,
    pub(crate) wants_room: bool,
    pub(crate) received: u64,
    /// The peer's end was seen.
    pub(crate) complete: bool,
    /// The last event came, or the application gave the stream up.
    pub(crate) over: bool,
    pub(crate) cut: bool,
    pub(crate) released: bool,
}

pub(crate) struct End {
    pub(crate) conn: Connection,
    pub(crate) model: Sender,
    /// Transmitted, and not taken by the socket.
    pub(crate) unsent: VecDeque<u8>,
    /// On the way to this end.
    pub(crate) inbound: VecDeque<u8>,
    pub(crate) calls: Vec<Call>,
    pub(crate) closed: bool,
}

pub(crate) struct Sim {
    pub(crate) ends: [End; 2],
    pub(crate) now: Instant,
    /// The last that is dropped.
    _keeper: Keeper,
}

/// The octet at a place of a stream, so that each is known where it arrives.
pub(crate) fn octets(from: u64, length: usize) -> Vec<u8> {
    (from..from + length as u64).map(|n| (n % 251) as u8).collect()
}

impl Sim {
    pub(crate) fn new(config: Config) -> Self {
        let keeper = Keeper::new();
        let end = |conn| End {
            conn,
            model: Sender::new(),
            unsent: VecDeque::new(),
            inbound: VecDeque::new(),
            calls: Vec::new(),
            closed: false,
        };
        let now = Instant::ZERO;
        let mut sim = Self {
            ends: [end(Connection::client(config.clone(), now)), end(Connection::server(config, now))],
            now,
            _keeper: keeper,
        };
        sim.settle();
        sim
    }

    /// Picks a call that the application still has.
    pub(crate) fn with(&mut self, side: usize, pick: u8, act: impl FnOnce(&mut Connection, &mut Call)) {
        self.poll(side);
        let end = &mut self.ends[side];
        let mut held: Vec<_> = end.calls.iter_mut().filter(|call| !call.released).collect();
        if let Some(n) = usize::from(pick).checked_rem(held.len()) {
            act(&mut end.conn, held[n]);
        }
    }

    pub(crate) fn transmit(&mut self, side: usize, budget: usize) {
        let end = &mut self.ends[side];
        if !end.unsent.is_empty() {
            return;
        }
        let mut out = Outbox::new();
        end.conn.poll_transmit(self.now, &mut out, budget);
        let bytes = out.copy_to_bytes(out.len());
        end.model.transmits(&bytes);
        end.unsent.extend(bytes);
        end.conn.handle_sent(self.now, end.unsent.len());
        for call in end.calls.iter_mut().filter(|call| call.id.is_none() && !call.released) {
            call.id = end.conn.stream_id(call.key).map(|id| id.get());
        }
    }

    pub(crate) fn write(&mut self, side: usize, bytes: usize) {
        let end = &mut self.ends[side];
        let n = end.unsent.len().min(bytes);
        let written: Vec<u8> = end.unsent.drain(..n).collect();
        end.conn.handle_sent(self.now, end.unsent.len());
        self.ends[1 - side].inbound.extend(written);
    }

    pub(crate) fn deliver(&mut self, side: usize, bytes: usize) {
        let end = &mut self.ends[side];
        let n = end.inbound.len().min(bytes);
        let bytes = &end.inbound.make_contiguous()[..n];
        let taken = end.conn.handle_input(self.now, bytes);
        end.model.hears(&bytes[..taken]);
        end.inbound.drain(..taken);
        self.poll(side);
    }

    pub(crate) fn poll(&mut self, side: usize) {
        let end = &mut self.ends[side];
        while let Some(event) = end.conn.poll_event() {
            assert!(!end.closed, "{event:?} after Closed");
            let key = match event {
                Event::Headers { stream, end_stream } => {
                    if side == SERVER {
                        let mut call = Call::new(stream, false, false);
                        call.id = end.conn.stream_id(stream).map(|id| id.get());
                        end.calls.push(call);
                    }
                    Some((stream, end_stream, false))
                }
                Event::Data { stream, end_stream } => Some((stream, end_stream, false)),
                Event::Trailers { stream } => Some((stream, true, false)),
                Event::Writable { stream } => Some((stream, false, false)),
                Event::Finished { stream } | Event::Reset { stream, .. } => Some((stream, false, true)),
                Event::Closed(_) => {
                    assert!(end.calls.iter().all(|call| call.over), "a call without its last event");
                    end.closed = true;
                    None
                }
                _ => None,
            };
            let Some((key, complete, last)) = key else { continue };
            let call = end.calls.iter_mut().find(|call| call.key == key && !call.released);
            let call = call.unwrap_or_else(|| panic!("{event:?} of nobody"));
            assert!(!call.over, "{event:?} after the end of the stream");
            assert!(!(complete && call.complete), "the end came twice");
            call.complete |= complete;
            call.over = last;
            call.cut |= matches!(event, Event::Reset { .. });
            if matches!(event, Event::Writable { .. }) {
                assert!(std::mem::take(&mut call.wants_room), "room that nobody asked for");
            }
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let next = self.ends.iter().filter_map(|end| end.conn.poll_timeout()).min();
            let Some(next) = next.filter(|&next| next <= until) else { break };
            self.now = next.max(self.now);
            for side in [CLIENT, SERVER] {
                self.ends[side].conn.handle_timeout(self.now);
                assert!(self.ends[side].conn.poll_timeout().is_none_or(|next| next > self.now));
                self.poll(side);
            }
        }
        self.now = until;
    }

    /// Carries bytes until nothing moves, then looks whether something should have.
    pub(crate) fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 2 {
            let mut moved = false;
            for side in [CLIENT, SERVER] {
                self.transmit(side, 1 << 16);
                moved |= !self.ends[side].unsent.is_empty();
                self.write(side, usize::MAX);
                let before = self.ends[1 - side].inbound.len();
                self.deliver(1 - side, usize::MAX);
                moved |= self.ends[1 - side].inbound.len() < before;
            }
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet == 1 {
                // DATA that waits for a window worth sending into goes now.
                self.pass(Duration::from_millis(50));
            }
        }
        for (side, end) in self.ends.iter().enumerate() {
            assert!(end.inbound.is_empty() && end.unsent.is_empty() && !end.conn.wants_transmit());
            for call in end.calls.iter().filter(|call| !call.over) {
                let id = call.id.expect("HEADERS need no window");
                let waits = call.accepted - end.model.sent(id);
                assert!(
                    waits == 0 || !end.model.may_send(id),
                    "side {side}: {waits} octets wait on stream {id}"
                );
                assert!(waits > 0 || !call.ended || end.model.is_over(id), "the end of stream {id} waits");
                assert!(
                    !call.wants_room || call.ended || waits > 0,
                    "side {side}: nobody says that stream {id} has room"
                );
            }
            let peer = &self.ends[1 - side];
            if !end.closed && !peer.closed {
                let target = i64::from(peer.conn.connection_window());
                assert!(
                    (target / 2..=target).contains(&end.model.window),
                    "credit is conserved: {} of {target}",
                    end.model.window
                );
            }
        }
    }

    /// Both ends say all they have to say and read all there is, until every call is over.
    pub(crate) fn finish(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "no progress");
            self.settle();
            let mut live = false;
            for (side, end) in self.ends.iter_mut().enumerate() {
                for call in end.calls.iter_mut().filter(|call| !call.released) {
                    take(&mut end.conn, call);
                    if call.over {
                        continue;
                    }
                    live = true;
                    end.conn.grant(call.key, 1 << 20);
                    if side == SERVER && !call.answered {
                        end.conn.send_headers(call.key, raw::RESPONSE.into_iter().collect(), false).unwrap();
                        call.answered = true;
                    }
                    if !call.ended && end.conn.send_data(call.key, &[], Bytes::new(), true).is_ok() {
                        call.ended = true;
                    }
                }
            }
            if !live {
                break;
            }
        }
        self.settle();
        self.judge();
        for end in &mut self.ends {
            for call in &end.calls {
                end.conn.release(call.key);
            }
            end.conn.check_invariants();
            assert_eq!(end.conn.active_streams(), 0);
            assert_eq!(end.conn.stats().buffered_to_send, 0);
            assert_eq!(end.conn.stats().kills.total(), 0);
        }
        self.settle();
        self.pass(Duration::from_secs(5));
        for end in &mut self.ends {
            assert!(end.closed || end.conn.capacity() < 12 << 10, "{} bytes are kept", end.conn.capacity());
        }
    }

    /// What one side accepted is what the other received, unless somebody cut the call.
    pub(crate) fn judge(&self) {
        let [client, server] = &self.ends;
        for ours in &client.calls {
            let Some(theirs) = server.calls.iter().find(|call| call.id == ours.id) else {
                assert!(ours.cut, "a call that never arrived");
                continue;
            };
            for (from, to) in [(ours, theirs), (theirs, ours)] {
                assert!(to.received <= from.accepted);
                if to.complete && !to.cut {
                    assert_eq!(to.received, from.accepted, "all that was accepted arrives");
                }
            }
            if !ours.cut && !theirs.cut {
                assert!(ours.complete, "the response ends");
            }
        }
    }
}

impl Call {
    pub(crate) fn new(key: StreamKey, answered: bool, ended: bool) -> Self {
        Self {
            key,
            id: None,
            accepted: 0,
            answered,
            ended,
            wants_room: false,
            received: 0,
            complete: false,
            over: false,
            cut: false,
            released: false,
        }
    }
}

pub(crate) fn take(conn: &mut Connection, call: &mut Call) {
    if let Some(data) = conn.take_data(call.key) {
        assert_eq!(data, octets(call.received, data.len()), "each octet in its place");
        call.received += data.len() as u64;
        conn.grant(call.key, data.len());
    }
}
