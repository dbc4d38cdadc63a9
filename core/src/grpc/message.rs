//! Messages in DATA (gRPC, `PROTOCOL-HTTP2.md`): a flag, a length of four octets, the message. Where DATA is split means
//! nothing.

use bytes::{Buf, Bytes, BytesMut};

use super::Status;
use crate::http2::Piece;

/// Octets before a message.
pub const PREFIX_LEN: usize = 5;
/// A message that is not longer is copied out of its buffer, octets.
const COPIED: usize = 1 << 10;

/// A message as it goes over the wire.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Message {
    /// Whether `payload` is compressed in the encoding of its direction.
    pub compressed: bool,
    /// The message.
    pub payload: Bytes,
}

impl Message {
    /// A message that is not compressed.
    pub const fn plain(payload: Bytes) -> Self {
        Self { compressed: false, payload }
    }

    /// The message behind its prefix, to be sent. Gives it back if it is too long for its length.
    pub(crate) fn into_piece(self) -> Result<Piece, Self> {
        match self.prefix() {
            Some(prefix) => Ok(Piece::behind(prefix, self.payload)),
            None => Err(self),
        }
    }

    /// What [`into_piece`](Self::into_piece) made a piece of.
    pub(crate) fn from_piece(piece: Piece) -> Self {
        let (compressed, payload) = piece.into_parts();
        Self { compressed: compressed == 1, payload }
    }

    /// The octets that go before the message. `None` if it is too long for its length.
    pub(crate) fn prefix(&self) -> Option<[u8; PREFIX_LEN]> {
        let [a, b, c, d] = u32::try_from(self.payload.len()).ok()?.to_be_bytes();
        Some([u8::from(self.compressed), a, b, c, d])
    }
}

/// What stands at the front of what has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Front {
    /// Not even a whole prefix; `begun` if there is some of it.
    Nothing { begun: bool },
    /// A message of `length` octets, of which `missing` have not come.
    Partial { length: usize, missing: usize },
    /// A whole message.
    Whole { compressed: bool, length: usize },
}

/// How messages are judged by their prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rules {
    /// The longest message that is taken, octets.
    pub(crate) max_length: usize,
    /// Whether messages may be compressed: the direction has an encoding.
    pub(crate) compressible: bool,
    /// What a stream may send ahead, octets: a buffer beyond this has been paid for, and is not to be shared.
    pub(crate) window: usize,
}

/// Looks at the front of `data`, by the prefix alone.
///
/// # Errors
///
/// The status of a call whose peer sends such a message: too long for us, or with a flag that means nothing.
pub(crate) fn front(data: &[u8], rules: Rules) -> Result<Front, Status> {
    let Some((&[flag, a, b, c, d], rest)) = data.split_first_chunk::<PREFIX_LEN>() else {
        return Ok(Front::Nothing { begun: !data.is_empty() });
    };
    let compressed = match flag {
        0 => false,
        1 if rules.compressible => true,
        1 => return Err(Status::internal("a message is compressed, but the call has no grpc-encoding")),
        _ => return Err(Status::internal(format!("a message has the flag {flag}: it is neither 0 nor 1"))),
    };
    // A length that does not fit is over every limit.
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if length > rules.max_length {
        return Err(too_long(length, rules.max_length));
    }
    Ok(match length.checked_sub(rest.len()) {
        None | Some(0) => Front::Whole { compressed, length },
        Some(missing) => Front::Partial { length, missing },
    })
}

/// How long the message at the front of `framed` is with its prefix, octets.
#[inline]
pub(crate) fn framed_length(framed: &[u8]) -> usize {
    let Some(&[_, a, b, c, d]) = framed.first_chunk::<PREFIX_LEN>() else { return framed.len() };
    usize::try_from(u32::from_be_bytes([a, b, c, d]))
        .map_or(usize::MAX, |length| length.saturating_add(PREFIX_LEN))
}

/// Looks at the whole messages at the front of `data`, of which there is one: as many as are at most `max` octets long
/// together, or the first. What is not a whole message that is allowed ends them.
#[expect(clippy::arithmetic_side_effects, reason = "no more than `data` has")]
pub(crate) fn whole(data: &[u8], rules: Rules, max: usize) -> Whole {
    let mut whole = Whole { octets: 0, messages: 0, longest: 0 };
    let flags = if rules.compressible { 0..=1 } else { 0..=0 };
    // What `front` says of each, and why not does not matter here.
    while let Some((&[flag, a, b, c, d], rest)) =
        data.get(whole.octets..).and_then(|data| data.split_first_chunk::<PREFIX_LEN>())
    {
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if !flags.contains(&flag) || length > rules.max_length || length > rest.len() {
            break;
        }
        let octets = whole.octets + PREFIX_LEN + length;
        if octets > max && whole.messages > 0 {
            break;
        }
        whole = Whole { octets, messages: whole.messages + 1, longest: whole.longest.max(length) };
    }
    whole
}

/// Whole messages that stand one behind the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Whole {
    /// With their prefixes.
    pub(crate) octets: usize,
    pub(crate) messages: usize,
    /// Without its prefix, octets.
    pub(crate) longest: usize,
}

/// The status of a call with a message over the limit for what is received.
pub(crate) fn too_long(length: usize, limit: usize) -> Status {
    Status::resource_exhausted(format!(
        "a message of {length} bytes was received, but at most {limit} are accepted (max_recv_message, max_decoding_message_size)"
    ))
}

/// Takes the whole message of `length` octets that [`front`] saw. A buffer of more than `window` octets does not stay for
/// a rest that is small.
pub(crate) fn take(data: &mut BytesMut, length: usize, window: usize) -> Bytes {
    if length <= COPIED
        && data.capacity() <= PREFIX_LEN.saturating_add(COPIED).min(window)
        && let Some((_, message)) = data.split_first_chunk::<PREFIX_LEN>()
        && message.len() == length
    {
        // A copy of just its size costs less than another buffer for the next message.
        let message = Bytes::copy_from_slice(message);
        data.clear();
        return message;
    }
    data.advance(PREFIX_LEN.min(data.len()));
    take_front(data, length, window)
}

/// Takes the first `length` octets, as [`take`] does it.
pub(crate) fn take_front(data: &mut BytesMut, length: usize, window: usize) -> Bytes {
    let length = length.min(data.len());
    if data.len() == length {
        // Nothing else is there: the message keeps the buffer for itself.
        return core::mem::take(data).freeze();
    }
    if data.capacity() <= window {
        return data.split_to(length).freeze();
    }
    // Shared, the buffer would live as long as either part, and what it costs would be nobody's. So the shorter part is
    // copied.
    if data.len() / 2 <= length {
        let rest = data.split_off(length);
        let message = core::mem::take(data).freeze();
        *data = BytesMut::from(&*rest);
        return message;
    }
    let message = Bytes::copy_from_slice(data.get(..length).unwrap_or_default());
    data.advance(length);
    if data.capacity() <= window {
        *data = BytesMut::from(&**data);
    }
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules { max_length: 1 << 20, compressible: true, window: 1 << 8 };

    fn framed(messages: &[Message]) -> Vec<u8> {
        messages
            .iter()
            .flat_map(|message| [&message.prefix().unwrap()[..], &message.payload].concat())
            .collect()
    }

    /// Threats: G1.
    #[test]
    fn a_length_over_the_limit_is_refused_by_its_prefix_alone() {
        let rules = Rules { max_length: 4 << 20, ..RULES };
        let prefix = |length: u32| [&[0][..], &length.to_be_bytes()].concat();
        assert_eq!(
            front(&prefix(4 << 20), rules).unwrap(),
            Front::Partial { length: 4 << 20, missing: 4 << 20 }
        );
        let refused = front(&prefix((4 << 20) + 1), rules).unwrap_err();
        assert_eq!(refused.code(), crate::grpc::Code::ResourceExhausted);
        assert!(front(&prefix(u32::MAX), rules).is_err());
    }

    /// Threats: G5.
    #[test]
    fn flags_are_zero_or_one_and_one_needs_an_encoding() {
        for flag in 0..=u8::MAX {
            for compressible in [false, true] {
                let judged = front(&[flag, 0, 0, 0, 0], Rules { compressible, ..RULES });
                assert_eq!(judged.is_ok(), flag == 0 || (flag == 1 && compressible));
            }
        }
    }

    proptest! {
        /// However the octets are split, the messages are the same.
        #[test]
        fn messages_survive_any_split(
            messages in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..300)), 0..8),
            cuts in proptest::collection::vec(1..64usize, 1..50),
        ) {
            let messages: Vec<_> =
                messages.into_iter().map(|(compressed, payload)| Message { compressed, payload: payload.into() }).collect();
            let octets = framed(&messages);
            let (mut rest, mut cuts) = (&octets[..], cuts.into_iter().cycle());
            let (mut data, mut received) = (BytesMut::new(), Vec::new());
            while !rest.is_empty() {
                let (part, after) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                data.extend_from_slice(part);
                rest = after;
                loop {
                    match front(&data, RULES).unwrap() {
                        Front::Whole { compressed, length } => {
                            received.push(Message { compressed, payload: take(&mut data, length, RULES.window) });
                        }
                        Front::Partial { .. } => break,
                        Front::Nothing { begun } => {
                            prop_assert_eq!(begun, !data.is_empty());
                            break;
                        }
                    }
                }
            }
            prop_assert_eq!(received, messages);
        }
    }
}
