//! The sending half of a call, the same for client and server: messages into DATA.

use bytes::Bytes;

use super::{Carrier, Message, SendMessageError, Status};
use crate::http2::SendError;

/// Gives `message` with its prefix to the carrier, unless it is longer than `max_length`.
pub(crate) fn put_message(
    carrier: &mut impl Carrier,
    message: Message,
    max_length: usize,
) -> Result<(), SendMessageError> {
    let length = message.payload.len();
    let Some(prefix) = message.prefix().filter(|_| length <= max_length) else {
        let limit = max_length.min(u32::MAX as usize);
        return Err(SendMessageError::TooLong(Status::resource_exhausted(format!(
            "a message of {length} bytes is to be sent, but at most {limit} are allowed (max_send_message)"
        ))));
    };
    let Message { compressed, payload } = message;
    match carrier.send_data(&prefix, payload, false) {
        Ok(()) => Ok(()),
        Err(SendError::Full(payload)) => Err(SendMessageError::Full(Message { compressed, payload })),
        Err(SendError::Use(_)) => Err(SendMessageError::Ended),
    }
}

/// Ends our side of a stream without trailers.
pub(crate) fn put_end(carrier: &mut impl Carrier) -> Result<(), SendMessageError> {
    carrier.send_data(&[], Bytes::new(), true).map_err(|_| SendMessageError::Ended)
}
