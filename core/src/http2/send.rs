//! Commands of the application.

use bytes::Bytes;

use super::state::{Half, State};
use super::stream::{Answer, Item, Piece};
use super::{
    Connection, Fields, OpenError, Reason, Role, SendError, Standing, StreamId, StreamKey, UseError, message,
    store::Queue,
};

impl Connection {
    /// Opens a stream with the head of a request; with `end_stream` that is all there is to it.
    ///
    /// The request leaves with the next [`poll_transmit`](Self::poll_transmit). The stream gets its number then: one
    /// that is [`reset`](Self::reset) before has never been there.
    ///
    /// # Errors
    ///
    /// [`OpenError::Busy`] and [`OpenError::GoingAway`] give the fields back.
    pub fn open(&mut self, fields: Fields, end_stream: bool) -> Result<StreamKey, OpenError> {
        if self.role == Role::Server {
            return Err(OpenError::Use(UseError::WrongRole));
        }
        let request = match message::request_of(fields.classes(), &fields) {
            Ok(request) => request,
            Err(malformed) => return Err(OpenError::Use(UseError::Malformed(malformed.0))),
        };
        self.check_size(&fields).map_err(OpenError::Use)?;
        if self.next_local.is_none_or(StreamId::is_late) || self.going_away.takes_no_streams() {
            return Err(OpenError::GoingAway(fields));
        }
        if self.is_busy() {
            self.want_streams = true;
            return Err(OpenError::Busy(fields));
        }
        let key = self.streams.insert();
        if let Some(stream) = self.streams.get_mut(key) {
            stream.state = State::Live { recv: Half::Head, send: Half::Head };
            stream.counted = true;
            stream.recv.window = i64::from(self.local.stream_window);
            stream.recv.head_request = request.is_head;
            stream.send.window = i64::from(self.peer.initial_window);
            stream.send.next = if end_stream { Half::Ended } else { Half::Body };
            stream.send.items.push_back(Item::Headers { fields, interim: false });
        }
        self.on_stream_opened();
        self.schedule(key);
        Ok(key)
    }

    /// Answers a request: any number of interim responses, then the final one; with `end_stream` that is all.
    ///
    /// # Errors
    ///
    /// [`UseError`], and nothing has changed.
    pub fn send_headers(
        &mut self,
        stream: StreamKey,
        fields: Fields,
        end_stream: bool,
    ) -> Result<(), UseError> {
        if self.role == Role::Client {
            return Err(UseError::WrongRole);
        }
        let record = self.streams.get(stream).ok_or(UseError::StreamClosed)?;
        let mut next = record.send.next;
        let response = message::response(&fields).map_err(|malformed| UseError::Malformed(malformed.0))?;
        let interim = response.is_informational();
        match next {
            Half::Head => next.headers(interim, end_stream).map_err(|(_, why)| UseError::Malformed(why))?,
            Half::Body => return Err(UseError::OutOfOrder),
            Half::Ended => return Err(UseError::StreamClosed),
        };
        self.queue_fields(stream, fields, interim, next)
    }

    /// Ends our side of a message with trailers.
    ///
    /// # Errors
    ///
    /// [`UseError`], and nothing has changed.
    pub fn send_trailers(&mut self, stream: StreamKey, fields: Fields) -> Result<(), UseError> {
        let record = self.streams.get(stream).ok_or(UseError::StreamClosed)?;
        match record.send.next {
            Half::Head => return Err(UseError::OutOfOrder),
            Half::Body => {}
            Half::Ended => return Err(UseError::StreamClosed),
        }
        message::trailers(&fields).map_err(|malformed| UseError::Malformed(malformed.0))?;
        self.queue_fields(stream, fields, false, Half::Ended)
    }

    fn queue_fields(
        &mut self,
        key: StreamKey,
        fields: Fields,
        interim: bool,
        next: Half,
    ) -> Result<(), UseError> {
        self.check_size(&fields)?;
        if let Some(stream) = self.streams.get_mut(key) {
            stream.send.next = next;
            stream.send.items.push_back(Item::Headers { fields, interim });
        }
        self.schedule(key);
        Ok(())
    }

    /// RFC 9113 §10.5.1: what the peer would refuse is not sent.
    fn check_size(&self, fields: &Fields) -> Result<(), UseError> {
        match self.peer.max_header_list_size {
            Some(max) if fields.list_size() > max as usize => Err(UseError::FieldsTooLarge),
            _ => Ok(()),
        }
    }

    /// Gives DATA to send: `head`, at most 8 bytes, directly before `body`. Whole or not at all; several pieces may
    /// leave in one frame, and one piece in several.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] gives the body back while [`Limits::send_buffer_stream`](super::Limits::send_buffer_stream)
    /// or, for a stream that has something waiting, the buffer of the connection is full.
    pub fn send_data(
        &mut self,
        stream: StreamKey,
        head: &[u8],
        body: Bytes,
        end_stream: bool,
    ) -> Result<(), SendError> {
        let Some(piece) = Piece::new(head, body) else {
            return Err(SendError::Use(UseError::Malformed(
                "the head of a piece of DATA is longer than 8 bytes",
            )));
        };
        self.send_piece(stream, piece, end_stream)
    }

    /// As [`send_data`](Self::send_data), for what consists of parts that mean something by themselves:
    /// [`abandon_data`](Self::abandon_data) cuts none midway if only whole ones have left. `length` says how long the part
    /// is at the front of what it is given.
    pub(crate) fn send_parts(
        &mut self,
        stream: StreamKey,
        parts: Bytes,
        length: fn(&[u8]) -> usize,
    ) -> Result<(), SendError> {
        self.send_piece(stream, Piece::of_parts(parts, length), false)
    }

    #[expect(clippy::arithmetic_side_effects, reason = "`total` fits, and is more than any of its parts")]
    fn send_piece(&mut self, stream: StreamKey, piece: Piece, end_stream: bool) -> Result<(), SendError> {
        let limits = &self.config.limits;
        let connection_is_full = self.stats.buffered_to_send >= limits.send_buffer_connection;
        let record = self.streams.get_mut(stream).ok_or(SendError::Use(UseError::StreamClosed))?;
        match record.send.next {
            Half::Head => return Err(SendError::Use(UseError::OutOfOrder)),
            Half::Body => {}
            Half::Ended => return Err(SendError::Use(UseError::StreamClosed)),
        }
        let send = &mut record.send;
        // The end alone takes no room, and a stream that has nothing waiting is never held up by its neighbours.
        let total = self.stats.buffered_to_send.checked_add(piece.len());
        let is_full = total.is_none()
            || send.buffered >= limits.send_buffer_stream
            || send.items.len() >= limits.send_pieces_stream
            || (send.buffered > 0 && connection_is_full);
        if is_full && piece.len() > 0 {
            send.want_writable = true;
            return Err(SendError::Full(piece.into_parts().1));
        }
        if end_stream {
            send.next = Half::Ended;
        }
        if piece.len() > 0 || (end_stream && send.items.is_empty()) {
            send.buffered += piece.len();
            self.stats.buffered_to_send += piece.len();
            send.items.push_back(Item::Data(piece));
        }
        self.schedule(stream);
        Ok(())
    }

    /// Answers a request with all that the response is. Gives the answer back, and has changed nothing, when the stream
    /// or the peer is in a state in which it must be judged piece by piece.
    pub(crate) fn answer(&mut self, stream: StreamKey, answer: Answer) -> Result<(), Answer> {
        let takes_sections = self.peer.max_header_list_size.is_none_or(|max| max >= Standing::MAX_SIZE);
        let (Role::Server, true, Some(record)) = (self.role, takes_sections, self.streams.get_mut(stream))
        else {
            return Err(answer);
        };
        let send = &mut record.send;
        if send.next != Half::Head || !send.items.is_empty() {
            return Err(answer);
        }
        send.next = Half::Ended;
        send.buffered = answer.piece.len();
        self.stats.buffered_to_send = self.stats.buffered_to_send.saturating_add(send.buffered);
        send.items.push_back(Item::Answer(answer));
        self.streams.push(Queue::Heads, stream);
        Ok(())
    }

    /// Forgets the DATA and trailers that were given and are not encoded, so that others can take their place. Answers
    /// whether that cut a piece of DATA midway: the peer has some of it and will not get the rest.
    #[expect(clippy::arithmetic_side_effects, reason = "the gauge is the sum over the streams")]
    pub fn abandon_data(&mut self, stream: StreamKey) -> bool {
        let Some(record) = self.streams.get_mut(stream) else { return false };
        record.send.part_answer();
        let cut = record.front_is_cut();
        let head_waits = matches!(record.state, State::Live { send: Half::Head, .. });
        let send = &mut record.send;
        let before = send.buffered;
        let mut head_seen = !head_waits;
        send.items.retain(|item| match item {
            // Up to the head of the message nothing is dropped.
            Item::Headers { interim, .. } if !head_seen => {
                head_seen = !interim;
                true
            }
            _ => false,
        });
        send.buffered = 0;
        if send.next == Half::Ended && record.state.is_sending() {
            send.next = Half::Body;
        }
        self.stats.buffered_to_send -= before;
        self.streams.leave(Queue::Data, stream);
        self.schedule(stream);
        self.offer_room(stream);
        cut
    }

    /// Makes the stream count against the limit of concurrent streams until it is [`release`](Self::release)d, also when
    /// its end has been sent: something still works for it.
    pub fn hold(&mut self, stream: StreamKey) {
        if let Some(record) = self.streams.get_mut(stream) {
            record.held = true;
        }
    }

    /// Lets the peer send `bytes` more on the stream.
    #[expect(clippy::arithmetic_side_effects, reason = "a window has at most 33 bits")]
    pub fn grant(&mut self, stream: StreamKey, bytes: usize) {
        let Some(record) = self.streams.get_mut(stream).filter(|record| record.state.is_receiving()) else {
            return;
        };
        let room = super::settings::MAX_WINDOW - record.recv.window - i64::from(record.recv.granted);
        let granted = i64::try_from(bytes).unwrap_or(i64::MAX).min(room).max(0);
        // `room` is at most 2^31-1 above what is granted already, unless the window is far below zero.
        record.recv.granted = record.recv.granted.saturating_add(u32::try_from(granted).unwrap_or(u32::MAX));
        self.update_due(stream);
    }

    /// Ends the stream with RST_STREAM. No event follows for it; DATA that waits is dropped; a stream whose request has
    /// not left leaves no trace.
    pub fn reset(&mut self, stream: StreamKey, reason: Reason) {
        let Some(record) = self.streams.get(stream).filter(|record| record.state.is_live()) else { return };
        if let Some(id) = record.id {
            self.control.reset(id, reason, false);
        }
        self.cut(stream, None);
        self.end_drained();
    }

    /// The application holds nothing of the stream any more and will not ask for it. One that still goes on is reset
    /// with CANCEL.
    pub fn release(&mut self, stream: StreamKey) {
        let Some(record) = self.streams.get_mut(stream) else { return };
        record.released = true;
        if record.state.is_live() {
            // A server that has given its whole answer lets it leave.
            if self.role == Role::Server && record.send.next == Half::Ended {
                record.recv.buffer.renew();
                return;
            }
            self.reset(stream, Reason::CANCEL);
        } else {
            self.uncount(stream);
            self.streams.remove(stream);
            self.end_drained();
        }
    }

    /// Puts the stream in the queue in which it waits for its turn to send.
    pub(super) fn schedule(&mut self, key: StreamKey) {
        let Some(stream) = self.streams.get(key) else { return };
        if stream.head_is_next() {
            self.streams.push(Queue::Heads, key);
        } else if stream.send.buffered > 0 && stream.send.window > 0 {
            self.streams.push(Queue::Data, key);
        } else if stream.send.buffered > 0 {
            self.watch_window();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instant;
    use crate::http2::{Config, StreamId};

    /// Obligations: 13.
    #[test]
    fn a_client_whose_stream_numbers_run_low_opens_no_more() {
        // RFC 9113 §5.1.1: 2^31-1 numbers are too many to open in a test.
        let request = || [(":method", "GET"), (":scheme", "http"), (":path", "/")].into_iter().collect();
        let mut client = Connection::client(Config::default(), Instant::ZERO);
        client.next_local = Some(StreamId::from_wire([0x5f, 0xff, 0xff, 0xfd]));
        let last = client.open(request(), true).expect("a stream");
        client.poll_transmit(Instant::ZERO, &mut crate::Outbox::new(), 1 << 14);
        assert_eq!(client.stream_id(last).map(StreamId::get), Some(0x5fff_fffd));
        assert_eq!(client.open(request(), true), Err(OpenError::GoingAway(request())));
        assert_eq!(client.active_streams(), 1);
    }
}
