use std::collections::BTreeMap;

use bytes::BytesMut;
use unwired_core::grpc::{CallId, Message, SendMessageError};
use unwired_core::http2::{ConnectionEnd, Reason};

/// Lengths of payloads, behind the eight octets that number them.
pub(super) const LENGTHS: [usize; 8] = [0, 1, 100, 1_000, 16_366, 20_000, 70_000, 300_000];

/// What one end knows of a call.
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) number: u32,
    /// Its answer is one message, rather than any number.
    pub(super) unary: bool,
    pub(super) sent: u32,
    pub(super) received: u32,
    /// The application has ended its side.
    pub(super) ended: bool,
    /// Its last event was seen.
    pub(super) over: bool,
}

impl Call {
    pub(super) fn new(id: CallId, number: u32, unary: bool) -> Self {
        Self { id, number, unary, sent: 0, received: 0, ended: false, over: false }
    }

    pub(super) fn next_message(&self, length: usize) -> Message {
        let mut payload = BytesMut::with_capacity(8 + length);
        payload.extend_from_slice(&self.number.to_be_bytes());
        payload.extend_from_slice(&self.sent.to_be_bytes());
        payload.resize(8 + length, self.sent as u8);
        Message::plain(payload.freeze())
    }

    pub(super) fn check(&mut self, message: &Message) {
        let Message { compressed: false, payload } = message else { panic!("compressed") };
        let (head, body) = payload.split_at(8);
        assert_eq!(
            head,
            [self.number.to_be_bytes(), self.received.to_be_bytes()].concat(),
            "another message's turn"
        );
        assert!(
            LENGTHS.contains(&body.len()) && body.iter().all(|&octet| octet == self.received as u8),
            "torn"
        );
        self.received += 1;
    }

    pub(super) fn note_sent(&mut self, outcome: Result<(), SendMessageError>) {
        match outcome {
            Ok(()) => self.sent += 1,
            Err(SendMessageError::Full(_) | SendMessageError::Ended) => {}
            Err(SendMessageError::TooLong(status)) => panic!("{status}"),
        }
    }
}

/// By number, which is the order of their starts.
pub(super) type Calls = BTreeMap<u32, Call>;

pub(super) fn pick(calls: &mut Calls, how: usize) -> Option<&mut Call> {
    let nth = how % calls.len().max(1);
    calls.values_mut().nth(nth)
}

pub(super) fn by_id(calls: &mut Calls, id: CallId) -> &mut Call {
    calls.values_mut().find(|call| call.id == id).expect("an event of a call that was released")
}

/// Nothing that the two ends do to each other is an offence.
pub(super) fn expect_peace(end: &ConnectionEnd) {
    assert_eq!(end.reason, Reason::NO_ERROR, "{end}");
}
