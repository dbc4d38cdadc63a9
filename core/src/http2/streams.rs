//! How streams end: by END_STREAM both ways, by RST_STREAM of either side, or with the connection. One place gives back
//! all that a stream held.

use super::closed::Closing;
use super::error::Fault;
use super::stats::{self, Abuse};
use super::store::Queue;
use super::{
    Connection, Event, Initiator, Reach, Reason, StreamError, StreamId, StreamKey, TimerKind, abuse,
    state::Half, state::State,
};

impl Connection {
    /// END_STREAM went one way; perhaps it has gone the other way before.
    pub(super) fn on_half_ended(&mut self, key: StreamKey) {
        let Some(stream) = self.streams.get(key) else { return };
        if !stream.state.is_over() {
            return;
        }
        stats::add(&mut self.stats.streams_finished, 1);
        self.buckets.on_finished();
        self.close_stream(key, Closing::PeerEnded);
        self.uncount_unless_held(key);
        self.report(key, Event::Finished { stream: key });
    }

    /// A server has said all it has to say: the rest of the request is not wanted (RFC 9113 §8.1).
    pub(super) fn end_early(&mut self, key: StreamKey) {
        let Some(id) = self.stream_id(key) else { return };
        self.control.reset(id, Reason::NO_ERROR, false);
        stats::add(&mut self.stats.streams_finished, 1);
        self.buckets.on_finished();
        self.close_stream(key, Closing::Reset);
        self.uncount_unless_held(key);
        self.report(key, Event::Finished { stream: key });
    }

    /// A client has the whole response, and the server wants no more of the request.
    pub(super) fn abandon_request(&mut self, key: StreamKey) {
        stats::add(&mut self.stats.streams_finished, 1);
        self.close_stream(key, Closing::PeerReset);
        self.uncount(key);
        self.report(key, Event::Finished { stream: key });
    }

    /// The stream ends here and now; `error` is what the application hears of it.
    pub(super) fn cut(&mut self, key: StreamKey, error: Option<StreamError>) {
        let Some(stream) = self.streams.get(key) else { return };
        if !stream.state.is_live() {
            return;
        }
        stats::add(&mut self.stats.streams_reset, 1);
        let closing = match error {
            Some(StreamError { by: Initiator::Peer, reach: Reach::Stream, .. }) => Closing::PeerReset,
            _ => Closing::Reset,
        };
        self.close_stream(key, closing);
        // A server's stream keeps its place until the application has let go of it: otherwise resets would buy
        // running handlers without limit.
        if self.is_client() || self.streams.get(key).is_some_and(|stream| stream.released) {
            self.uncount(key);
        }
        match error {
            Some(error) => self.report(key, Event::Reset { stream: key, error }),
            None => self.report_nothing(key),
        }
    }

    /// Ends one stream for what its peer did: RST_STREAM with `wire`, `local` for the application.
    pub(super) fn fail(&mut self, key: StreamKey, wire: Reason, local: Reason, why: &'static str) {
        if let Some(id) = self.stream_id(key) {
            self.control.reset(id, wire, true);
        }
        self.cut(
            key,
            Some(StreamError {
                reason: local,
                by: Initiator::Library,
                reach: Reach::Stream,
                unprocessed: false,
                why,
            }),
        );
    }

    /// A frame broke a rule of its stream (RFC 9113 §5.4.2).
    ///
    /// At a server it takes a token from the same bucket as a reset of the peer's own (CVE-2025-8671): which of the two
    /// it was is counted. What is malformed (RFC 9113 §8.1.1) is an oddity besides; the resets are charged first, so that
    /// a flood is called what it is.
    pub(super) fn reset_for_fault(
        &mut self,
        id: StreamId,
        reason: Reason,
        why: &'static str,
    ) -> Result<(), Fault> {
        match self.streams.find(id) {
            Some(key) => self.fail(key, reason, reason, why),
            None => self.control.reset(id, reason, true),
        }
        if !self.is_client() {
            abuse::charge(&mut self.buckets.reset, &mut self.stats, Abuse::MadeYouReset, self.now)?;
        }
        if reason == Reason::PROTOCOL_ERROR { self.charge_glitch() } else { Ok(()) }
    }

    /// The peer goes on with a stream that it had reset itself. It is told once: what else comes is let pass.
    pub(super) fn after_reset(&mut self, id: StreamId, why: &'static str) -> Fault {
        self.closed.remember(id, Closing::Reset);
        Fault::Stream(id, Reason::STREAM_CLOSED, why)
    }

    /// The stream is closed on the wire. All that waited to be sent is dropped; what was received stays for the
    /// application to take.
    fn close_stream(&mut self, key: StreamKey, closing: Closing) {
        self.drop_unsent(key);
        self.streams.leave(Queue::Data, key);
        self.streams.leave(Queue::Updates, key);
        self.streams.unbind(key);
        let Some(stream) = self.streams.get_mut(key) else { return };
        stream.state = State::Closed;
        stream.send.next = Half::Ended;
        stream.recv.granted = 0;
        if let Some(id) = stream.id {
            self.closed.remember(id, closing);
        }
    }

    /// Forgets everything that waits to be sent on the stream. Answers whether a piece of DATA was cut midway.
    #[expect(clippy::arithmetic_side_effects, reason = "the gauge is the sum over the streams")]
    pub(super) fn drop_unsent(&mut self, key: StreamKey) -> bool {
        let Some(stream) = self.streams.get_mut(key) else { return false };
        let cut = stream.front_is_cut();
        stream.send.items.clear();
        self.stats.buffered_to_send -= core::mem::take(&mut stream.send.buffered);
        if self.stats.buffered_to_send == 0 {
            self.timers.clear(TimerKind::ZeroWindow);
        }
        cut
    }

    fn uncount_unless_held(&mut self, key: StreamKey) {
        if self.streams.get(key).is_some_and(|stream| !stream.held || stream.released) {
            self.uncount(key);
        }
    }

    /// The stream does not count any more.
    #[expect(clippy::arithmetic_side_effects, reason = "counted once, when it was opened")]
    pub(super) fn uncount(&mut self, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        if !core::mem::take(&mut stream.counted) {
            return;
        }
        self.counted -= 1;
        self.offer_streams();
        if self.counted == 0 {
            self.on_idle();
        }
    }

    /// Says that streams can be opened again, if somebody asked in vain.
    pub(super) fn offer_streams(&mut self) {
        if self.want_streams && !self.is_busy() {
            self.want_streams = false;
            self.emit(Event::StreamsAvailable);
        }
    }

    /// Gives the stream its last event.
    fn report(&mut self, key: StreamKey, event: Event) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        if stream.released {
            self.streams.remove(key);
        } else if !core::mem::replace(&mut stream.reported, true) {
            self.emit(event);
        }
    }

    /// The application ended the stream itself and hears nothing more of it.
    fn report_nothing(&mut self, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        stream.reported = true;
        stream.given_up = true;
        if stream.released {
            self.streams.remove(key);
        }
    }
}
