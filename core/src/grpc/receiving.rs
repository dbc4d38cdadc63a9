//! The receiving half of a call, the same for client and server: messages out of DATA, and how many there may be.

use bytes::BytesMut;

use super::batch::{Batch, Framed, Kind};
use super::message::{self, Front, Rules, Whole};
use super::{Message, Status};

/// How many messages one direction of a call has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cardinality {
    /// Exactly one.
    One,
    /// Any number.
    Many,
}

/// What [`recv_message`](super::server::Connection::recv_message) found.
#[derive(Clone, Debug)]
pub enum Received<M = Message> {
    /// The next message, or the next ones.
    Message(M),
    /// Nothing yet; one event follows when there is. The wish is noted, and buys the message the credit that it needs.
    Pending,
    /// All messages have been had.
    End,
    /// The peer broke a rule of gRPC; nothing more is to be had.
    Failed(Status),
}

impl<M> Received<M> {
    /// The same of what `message` makes of a message.
    pub fn map<N>(self, message: impl FnOnce(M) -> N) -> Received<N> {
        match self {
            Self::Message(received) => Received::Message(message(received)),
            Self::Pending => Received::Pending,
            Self::End => Received::End,
            Self::Failed(status) => Received::Failed(status),
        }
    }
}

/// The whole message at the front of what has come.
struct Next {
    compressed: bool,
    length: usize,
}

/// Room that is left behind a message that is to be the only one, octets.
///
/// One would do for those who look for the end of their data only while they could send more (the end itself needs no window,
/// RFC 9113 §6.9.1): nghttp2 does, and with it all that Node.js serves. But a frame may have 256 octets of padding (§6.1),
/// which count against the window, and may leave when there is room for all of it and no sooner; and what is left may be as
/// much as what we have not told of yet.
const ROOM_BEHIND: usize = 1 << 10;

/// A message that is waited for, octets with its prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wished {
    pub(crate) total: usize,
    pub(crate) missing: usize,
    /// Room that is left behind the message: [`ROOM_BEHIND`] where its end has to come, or 0.
    pub(crate) behind: usize,
}

/// Messages out of the DATA of one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receiving {
    rules: Rules,
    cardinality: Cardinality,
    /// Messages that were had: nobody counts beyond one.
    had_one: bool,
    phase: Phase,
    /// Somebody waits.
    wished: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Open,
    /// Nothing more comes. Where the call failed anyway, a missing message is no fault of its own.
    Ended {
        well: bool,
    },
    Over,
}

impl Receiving {
    pub(crate) const fn new(cardinality: Cardinality, rules: Rules) -> Self {
        // One message is wished for from the start.
        let wished = matches!(cardinality, Cardinality::One);
        Self { rules, cardinality, had_one: false, phase: Phase::Open, wished }
    }

    pub(crate) fn set_cardinality(&mut self, cardinality: Cardinality) {
        self.cardinality = cardinality;
        self.wished |= cardinality == Cardinality::One;
    }

    pub(crate) fn set_max_length(&mut self, max_length: usize) {
        self.rules.max_length = max_length;
    }

    pub(crate) fn set_compressible(&mut self, compressible: bool) {
        self.rules.compressible = compressible;
    }

    /// Nothing more comes; `well` unless the call failed.
    pub(crate) fn end(&mut self, well: bool) {
        if self.phase == Phase::Open {
            self.phase = Phase::Ended { well };
        }
    }

    /// What has come is of no use any more.
    pub(crate) const fn give_up(&mut self) {
        self.phase = Phase::Over;
        self.wished = false;
    }

    /// Whether somebody waits and need not wait any longer.
    #[expect(clippy::arithmetic_side_effects, reason = "the whole message is in `data`")]
    pub(crate) fn satisfies_wish(&mut self, data: &[u8]) -> bool {
        if !self.wished {
            return false;
        }
        let satisfied = match (self.phase, message::front(data, self.rules)) {
            (Phase::Open, Ok(Front::Whole { length, .. })) => {
                // Exactly one message is there only when it is the last: what follows it decides.
                self.cardinality == Cardinality::Many || data.len() > message::PREFIX_LEN + length
            }
            (Phase::Open, Ok(_)) => false,
            _ => true,
        };
        self.wished &= !satisfied;
        satisfied
    }

    /// The message that somebody waits for: how long it is with its prefix, and how much of that is missing; of the prefix
    /// alone, as long as that has not come. Also the one that is there whole and cannot be had before its end.
    pub(crate) fn wished(&self, data: &[u8]) -> Option<Wished> {
        if !self.wished || self.phase != Phase::Open {
            return None;
        }
        let behind = if self.has_many() { 0 } else { ROOM_BEHIND };
        match message::front(data, self.rules) {
            Ok(Front::Partial { length, missing }) => {
                Some(Wished { total: length.saturating_add(message::PREFIX_LEN), missing, behind })
            }
            Ok(Front::Whole { .. }) if !self.has_many() => {
                Some(Wished { total: data.len(), missing: 0, behind })
            }
            // A window may be smaller than a prefix.
            Ok(Front::Nothing { .. }) => Some(Wished {
                total: message::PREFIX_LEN,
                missing: message::PREFIX_LEN.saturating_sub(data.len()),
                behind,
            }),
            _ => None,
        }
    }

    /// Whether more may come than one message.
    pub(crate) const fn has_many(&self) -> bool {
        matches!(self.cardinality, Cardinality::Many)
    }

    pub(crate) const fn is_wished(&self) -> bool {
        self.wished
    }

    /// Takes the next message out of `data`.
    pub(crate) fn receive(&mut self, data: &mut BytesMut) -> Received {
        self.judge(data).map(|Next { compressed, length }| Message {
            compressed,
            payload: message::take(data, length, self.rules.window),
        })
    }

    /// Takes the next messages out of `data`, all that are there whole, but the first alone if there are more than `max`
    /// octets of them.
    pub(crate) fn receive_batch(&mut self, data: &mut BytesMut, max: usize) -> Received<Batch> {
        self.judge(data).map(|Next { compressed, length }| {
            let Whole { octets, messages, longest } = message::whole(data, self.rules, max);
            if messages <= 1 {
                let payload = message::take(data, length, self.rules.window);
                return Message { compressed, payload }.into();
            }
            let octets = message::take_front(data, octets, self.rules.window);
            Batch(Kind::Framed(Framed { octets, messages, longest }))
        })
    }

    /// What is next in `data`; a message is as good as taken.
    fn judge(&mut self, data: &[u8]) -> Received<Next> {
        let ended = match self.phase {
            Phase::Over => return Received::End,
            Phase::Open => None,
            Phase::Ended { well } => Some(well),
        };
        let received: Received<Next> = match (message::front(data, self.rules), ended) {
            (Err(status), _) => Received::Failed(status),
            (Ok(Front::Whole { compressed, length }), _) => match self.check_count(data, length, ended) {
                Ok(true) => {
                    self.had_one = true;
                    Received::Message(Next { compressed, length })
                }
                Ok(false) => Received::Pending,
                Err(status) => Received::Failed(status),
            },
            (Ok(_), None) => Received::Pending,
            (Ok(_), Some(false)) => Received::End,
            (Ok(Front::Nothing { begun: false }), Some(true)) => match (self.cardinality, self.had_one) {
                (Cardinality::One, false) => Received::Failed(Status::unimplemented(
                    "no message was received where exactly one belongs: do both sides have the same .proto?",
                )),
                _ => Received::End,
            },
            (Ok(Front::Nothing { .. } | Front::Partial { .. }), Some(true)) => {
                Received::Failed(Status::internal("the stream ended inside a message"))
            }
        };
        self.wished = matches!(received, Received::Pending);
        if matches!(received, Received::End | Received::Failed(_)) {
            self.phase = Phase::Over;
        }
        received
    }

    /// Whether a whole message may be had now.
    #[expect(clippy::arithmetic_side_effects, reason = "the whole message is in `data`")]
    fn check_count(&self, data: &[u8], length: usize, ended: Option<bool>) -> Result<bool, Status> {
        let alone = data.len() == message::PREFIX_LEN + length;
        match self.cardinality {
            Cardinality::Many => Ok(true),
            Cardinality::One if alone && !self.had_one => Ok(ended.is_some()),
            Cardinality::One => Err(Status::unimplemented(
                "more than one message was received where exactly one belongs: do both sides have the same .proto?",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grpc::Code;

    fn receiving(cardinality: Cardinality) -> Receiving {
        Receiving::new(cardinality, Rules { max_length: 100, compressible: false, window: 1 << 16 })
    }

    fn data(octets: &[u8]) -> BytesMut {
        octets.into()
    }

    const MESSAGE: [u8; 7] = [0, 0, 0, 0, 2, b'h', b'i'];

    fn outcome(received: Received) -> String {
        match received {
            Received::Message(message) => String::from_utf8_lossy(&message.payload).into_owned(),
            Received::Failed(status) => format!("{:?}", status.code()),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn one_message_is_had_when_it_is_known_to_be_the_only_one() {
        let mut half = receiving(Cardinality::One);
        let mut buffer = data(&MESSAGE);
        assert!(!half.satisfies_wish(&buffer));
        assert_eq!(outcome(half.receive(&mut buffer)), "Pending");
        half.end(true);
        assert!(half.satisfies_wish(&buffer));
        assert_eq!(outcome(half.receive(&mut buffer)), "hi");
        assert_eq!(outcome(half.receive(&mut buffer)), "End");
    }

    /// Obligations: 52.
    #[test]
    fn two_messages_or_none_where_one_belongs_are_unimplemented() {
        let mut half = receiving(Cardinality::One);
        let mut buffer = data(&[MESSAGE, MESSAGE].concat());
        assert!(half.satisfies_wish(&buffer));
        assert_eq!(outcome(half.receive(&mut buffer)), format!("{:?}", Code::Unimplemented));
        let mut half = receiving(Cardinality::One);
        half.end(true);
        assert_eq!(outcome(half.receive(&mut data(&[]))), format!("{:?}", Code::Unimplemented));
    }

    /// Obligations: 52.
    #[test]
    fn an_end_inside_a_message_is_internal_unless_the_call_failed_anyway() {
        for (well, expected) in [(true, "Internal"), (false, "End")] {
            for cut in 1..MESSAGE.len() {
                let mut half = receiving(Cardinality::Many);
                half.end(well);
                assert_eq!(outcome(half.receive(&mut data(&MESSAGE[..cut]))), expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn messages_that_came_are_had_before_a_failed_end() {
        let mut half = receiving(Cardinality::Many);
        let mut buffer = data(&[MESSAGE, MESSAGE].concat());
        half.end(false);
        assert_eq!([outcome(half.receive(&mut buffer)), outcome(half.receive(&mut buffer))], ["hi", "hi"]);
        assert_eq!(outcome(half.receive(&mut buffer)), "End");
    }

    /// The messages in `octets`, and the code of what ends them: nothing more to come, or a fault.
    fn plainly(mut octets: &[u8], rules: Rules, cardinality: Cardinality) -> (Vec<(bool, Vec<u8>)>, Code) {
        let mut messages = Vec::new();
        while let [flag, a, b, c, d, rest @ ..] = octets {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            if *flag > 1 || (*flag == 1 && !rules.compressible) {
                return (messages, Code::Internal);
            }
            if length > rules.max_length {
                return (messages, Code::ResourceExhausted);
            }
            let Some((payload, after)) = rest.split_at_checked(length) else { break };
            if cardinality == Cardinality::One && !after.is_empty() {
                return (messages, Code::Unimplemented);
            }
            messages.push((*flag == 1, payload.to_vec()));
            octets = after;
        }
        let end = match (octets, cardinality) {
            ([], Cardinality::One) if messages.is_empty() => Code::Unimplemented,
            ([], _) => Code::Ok,
            _ => Code::Internal,
        };
        (messages, end)
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let prefix = (
            prop_oneof![6 => Just(0_u8), 3 => Just(1), 1 => any::<u8>()],
            prop_oneof![9 => 0..12_u32, 1 => 90..110_u32],
        );
        (prefix, any::<bool>()).prop_map(|((flag, length), whole)| {
            let payload = vec![7; length as usize - usize::from(whole && length > 0 && length % 5 == 0)];
            [&[flag][..], &length.to_be_bytes(), &payload].concat()
        })
    }

    proptest! {
        /// Whatever comes and however it is cut: what a reader of the whole finds, and who waits is told.
        #[test]
        fn any_octets_are_the_messages_that_a_plain_reader_finds(
            octets in proptest::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat()),
            cuts in proptest::collection::vec(1..30_usize, 1..10),
            one: bool, compressible: bool,
        ) {
            let cardinality = if one { Cardinality::One } else { Cardinality::Many };
            let rules = Rules { max_length: 100, compressible, window: 64 };
            let mut half = Receiving::new(cardinality, rules);
            let (mut buffer, mut rest) = (BytesMut::new(), &octets[..]);
            let (mut messages, mut end) = (Vec::new(), None);
            let mut cuts = cuts.into_iter().cycle();
            while end.is_none() {
                match half.receive(&mut buffer) {
                    Received::Message(message) => messages.push((message.compressed, message.payload.to_vec())),
                    Received::End => end = Some(Code::Ok),
                    Received::Failed(status) => end = Some(status.code()),
                    Received::Pending => {
                        prop_assert!(half.is_wished());
                        let (part, after) = rest.split_at(cuts.next().expect("a cycle").min(rest.len()));
                        if part.is_empty() {
                            half.end(true);
                            prop_assert!(half.satisfies_wish(&buffer), "the end is news to who waits");
                            continue;
                        }
                        buffer.extend_from_slice(part);
                        rest = after;
                        // What it says is what receiving would find.
                        let mut look = half;
                        let finds = !matches!(look.receive(&mut buffer.clone()), Received::Pending);
                        prop_assert_eq!(half.satisfies_wish(&buffer), finds);
                    }
                }
            }
            prop_assert_eq!((messages, end.expect("the loop's end")), plainly(&octets, rules, cardinality));
        }
    }
}
