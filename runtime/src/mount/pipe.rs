use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use unwired_core::grpc::Carrier;
use unwired_core::http2::{Fields, Limits, Reason, SendError, UseError};

/// A message that is not longer goes into one piece with its prefix, bytes.
const COPIED: usize = 4 << 10;

/// What one call has received and not read, and what it has sent and nobody has taken: the carrier of a call whose stream
/// is somebody else's.
#[derive(Debug)]
pub(super) struct Pipe {
    received: BytesMut,
    head: Option<Fields>,
    pieces: VecDeque<Piece>,
    /// Of the pieces, bytes.
    queued: usize,
    max_queued: usize,
    max_pieces: usize,
    /// A message was begun, and the rest of it has not been taken.
    is_cut: bool,
    trailers: Option<Fields>,
    /// Nothing follows what is queued.
    is_ended: bool,
    reset: Option<Reason>,
    /// Nobody takes anything any more.
    is_abandoned: bool,
}

#[derive(Debug)]
struct Piece {
    octets: Bytes,
    /// A message ends with it.
    is_last: bool,
}

/// What leaves next.
#[derive(Debug)]
pub(super) enum Taken {
    Data(Bytes),
    Trailers(Fields),
    /// The end, without trailers.
    End,
    Reset(Reason),
}

impl Pipe {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            received: BytesMut::new(),
            head: None,
            pieces: VecDeque::new(),
            queued: 0,
            max_queued: limits.send_buffer_stream,
            max_pieces: limits.send_pieces_stream,
            is_cut: false,
            trailers: None,
            is_ended: false,
            reset: None,
            is_abandoned: false,
        }
    }

    /// Data has come.
    pub(super) fn receive(&mut self, data: Bytes) {
        if !self.received.is_empty() {
            return self.received.extend_from_slice(&data);
        }
        // Whole, if nobody else has a part of its buffer.
        match data.try_into_mut() {
            Ok(data) => self.received = data,
            Err(data) => self.received.extend_from_slice(&data),
        }
    }

    /// What has been received and not been read, bytes.
    pub(super) fn received(&self) -> usize {
        self.received.len()
    }

    /// Whether the head is there, and all there is.
    pub(super) fn is_answered_by_head(&self) -> bool {
        self.head.is_some() && self.is_ended && self.trailers.is_none()
    }

    /// The head, once it was given, and whether it is all there is.
    pub(super) fn take_head(&mut self) -> Option<(Fields, bool)> {
        let is_all = self.is_answered_by_head();
        Some((self.head.take()?, is_all))
    }

    /// What leaves next, behind the head. `None` until there is something.
    pub(super) fn take(&mut self) -> Option<Taken> {
        if let Some(Piece { octets, is_last }) = self.pieces.pop_front() {
            self.queued = self.queued.saturating_sub(octets.len());
            self.is_cut = !is_last;
            return Some(Taken::Data(octets));
        }
        if let Some(reason) = self.reset {
            return Some(Taken::Reset(reason));
        }
        match self.trailers.take() {
            Some(trailers) => Some(Taken::Trailers(trailers)),
            None => self.is_ended.then_some(Taken::End),
        }
    }

    /// Whether there is room for a message.
    pub(super) fn has_room(&self) -> bool {
        !self.is_abandoned && self.queued < self.max_queued && self.pieces.len() < self.max_pieces
    }

    /// Nobody takes anything any more: it is as if the peer had stopped to read.
    pub(super) fn abandon(&mut self) {
        self.abandon_data();
        self.is_abandoned = true;
    }

    fn push(&mut self, octets: Bytes, is_last: bool) {
        self.queued += octets.len();
        self.pieces.push_back(Piece { octets, is_last });
    }

    const fn check_open(&self) -> Result<(), UseError> {
        if self.is_ended || self.reset.is_some() { Err(UseError::StreamClosed) } else { Ok(()) }
    }
}

impl Carrier for Pipe {
    fn send_headers(&mut self, fields: Fields, end_stream: bool) -> Result<(), UseError> {
        self.check_open()?;
        self.head = Some(fields);
        self.is_ended = end_stream;
        Ok(())
    }

    fn send_data(&mut self, head: &[u8], body: Bytes, end_stream: bool) -> Result<(), SendError> {
        self.check_open().map_err(SendError::Use)?;
        if !(head.is_empty() && body.is_empty()) {
            if !self.has_room() {
                return Err(SendError::Full(body));
            }
            if body.len() <= COPIED {
                self.push([head, &body].concat().into(), true);
            } else {
                // A piece is a frame of DATA, and an empty one is taken for a flood by some.
                if !head.is_empty() {
                    self.push(Bytes::copy_from_slice(head), false);
                }
                self.push(body, true);
            }
        }
        self.is_ended = end_stream;
        Ok(())
    }

    fn send_trailers(&mut self, fields: Fields) -> Result<(), UseError> {
        self.check_open()?;
        self.trailers = Some(fields);
        self.is_ended = true;
        Ok(())
    }

    fn abandon_data(&mut self) -> bool {
        self.pieces.clear();
        self.queued = 0;
        self.trailers = None;
        self.is_ended = false;
        self.is_cut
    }

    fn reset(&mut self, reason: Reason) {
        self.pieces.clear();
        self.queued = 0;
        self.trailers = None;
        self.reset.get_or_insert(reason);
    }

    fn recv_data(&mut self) -> Option<&mut BytesMut> {
        Some(&mut self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe() -> Pipe {
        let mut limits = Limits::default();
        limits.send_buffer_stream = 100;
        Pipe::new(&limits)
    }

    fn taken(pipe: &mut Pipe) -> String {
        match pipe.take() {
            None => "nothing yet".into(),
            Some(Taken::Data(data)) => format!("{} bytes", data.len()),
            Some(Taken::Trailers(fields)) => format!("{} trailers", fields.len()),
            Some(Taken::End) => "end".into(),
            Some(Taken::Reset(reason)) => reason.to_string(),
        }
    }

    #[test]
    fn data_leaves_in_order_and_then_the_end() {
        let mut pipe = pipe();
        pipe.send_headers(Fields::from_iter([(":status", "200")]), false).unwrap();
        assert_eq!(pipe.take_head().map(|(fields, is_all)| (fields.len(), is_all)), Some((1, false)));
        assert_eq!(taken(&mut pipe), "nothing yet");
        pipe.send_data(b"12345", Bytes::from_static(&[1; 10]), false).unwrap();
        pipe.send_data(b"12345", Bytes::from_static(&[1; COPIED + 1]), false).unwrap();
        pipe.send_trailers(Fields::from_iter([("grpc-status", "0")])).unwrap();
        assert_eq!(pipe.send_trailers(Fields::new()), Err(UseError::StreamClosed));
        for expected in ["15 bytes", "5 bytes", "4097 bytes", "1 trailers", "end"] {
            assert_eq!(taken(&mut pipe), expected);
        }
    }

    #[test]
    fn messages_that_come_together_leave_no_empty_piece() {
        let mut pipe = pipe();
        pipe.send_messages(Bytes::from_static(&[0; COPIED + 1])).unwrap();
        pipe.send_trailers(Fields::from_iter([("grpc-status", "0")])).unwrap();
        for expected in ["4097 bytes", "1 trailers", "end"] {
            assert_eq!(taken(&mut pipe), expected);
        }
    }

    #[test]
    fn a_full_pipe_gives_messages_back_until_some_were_taken() {
        let mut pipe = pipe();
        pipe.send_data(b"", Bytes::from_static(&[1; 150]), false).unwrap();
        assert!(!pipe.has_room());
        let full = pipe.send_data(b"12345", Bytes::from_static(b"more"), false);
        assert_eq!(full, Err(SendError::Full(Bytes::from_static(b"more"))));
        // The end alone takes no room.
        pipe.send_data(b"", Bytes::new(), true).unwrap();
        assert_eq!([taken(&mut pipe), taken(&mut pipe)], ["150 bytes", "end"]);
    }

    #[test]
    fn what_is_abandoned_midway_is_known_to_be_cut() {
        let mut pipe = pipe();
        pipe.send_data(b"12345", Bytes::from_static(&[1; COPIED + 1]), false).unwrap();
        pipe.send_trailers(Fields::from_iter([("grpc-status", "0")])).unwrap();
        assert!(!pipe.abandon_data(), "nothing has left");
        // Another status can be sent now.
        pipe.send_data(b"12345", Bytes::from_static(&[1; COPIED + 1]), false).unwrap();
        assert_eq!(taken(&mut pipe), "5 bytes");
        assert!(pipe.abandon_data());
        pipe.reset(Reason::CANCEL);
        assert_eq!(taken(&mut pipe), "CANCEL");
    }

    #[test]
    fn nobody_is_told_of_an_end_where_nobody_reads() {
        let mut pipe = pipe();
        pipe.abandon();
        assert_eq!(
            pipe.send_data(b"12345", Bytes::from_static(b"some"), false),
            Err(SendError::Full(Bytes::from_static(b"some")))
        );
    }
}
