//! The sending half of a call, the same for client and server: messages into DATA.

use bytes::Bytes;

use super::batch::{Batch, Framed, Kind};
use super::{Carrier, Message, SendMessageError, Status};
use crate::http2::SendError;

/// Gives `message` with its prefix to the carrier, unless it is longer than `max_length`.
pub(crate) fn put_message(
    carrier: &mut impl Carrier,
    message: Message,
    max_length: usize,
) -> Result<(), SendMessageError> {
    let length = message.payload.len();
    check_length(length, max_length).map_err(SendMessageError::TooLong)?;
    // A length that does not fit is over every limit.
    let Some(prefix) = message.prefix() else { return Err(SendMessageError::Ended) };
    let Message { compressed, payload } = message;
    match carrier.send_data(&prefix, payload, false) {
        Ok(()) => Ok(()),
        Err(SendError::Full(payload)) => Err(SendMessageError::Full(Message { compressed, payload })),
        Err(SendError::Use(_)) => Err(SendMessageError::Ended),
    }
}

/// Gives all of `batch` to the carrier, unless one of the messages is longer than `max_length`.
pub(crate) fn put_batch(
    carrier: &mut impl Carrier,
    batch: Batch,
    max_length: usize,
) -> Result<(), SendMessageError<Batch>> {
    let Framed { octets, messages, longest } = match batch.0 {
        Kind::Framed(framed) => framed,
        Kind::Alone(message) => {
            return put_message(carrier, message, max_length).map_err(|error| match error {
                SendMessageError::Full(message) => SendMessageError::Full(message.into()),
                SendMessageError::TooLong(status) => SendMessageError::TooLong(status),
                SendMessageError::Ended => SendMessageError::Ended,
            });
        }
    };
    check_length(longest, max_length).map_err(SendMessageError::TooLong)?;
    let sent = match messages {
        0 | 1 => carrier.send_data(&[], octets, false),
        _ => carrier.send_messages(octets),
    };
    match sent {
        Ok(()) => Ok(()),
        Err(SendError::Full(octets)) => {
            Err(SendMessageError::Full(Batch(Kind::Framed(Framed { octets, messages, longest }))))
        }
        Err(SendError::Use(_)) => Err(SendMessageError::Ended),
    }
}

/// Refuses a message of `length` bytes where at most `max_length` may be sent, or where its prefix cannot say so much.
#[inline]
pub(crate) fn check_length(length: usize, max_length: usize) -> Result<(), Status> {
    let limit = max_length.min(u32::MAX as usize);
    if length <= limit { Ok(()) } else { Err(too_long(length, limit)) }
}

#[cold]
fn too_long(length: usize, limit: usize) -> Status {
    Status::resource_exhausted(format!(
        "a message of {length} bytes is to be sent, but at most {limit} are allowed (max_send_message, max_encoding_message_size)"
    ))
}

/// Ends our side of a stream without trailers.
pub(crate) fn put_end(carrier: &mut impl Carrier) -> Result<(), SendMessageError> {
    carrier.send_data(&[], Bytes::new(), true).map_err(|_| SendMessageError::Ended)
}
