//! Messages to bytes and back.
//!
//! Generated code names a [`Codec`] for its messages: [`Prost`], unless the option `codec_path` of `unwired-build` names another,
//! which may hold whatever it likes in the messages of gRPC. Compression is no business of a codec.

mod room;

use bytes::{Bytes, BytesMut};

pub(crate) use room::give_back;
pub use room::make_room;

use crate::Status;

/// Turns messages of type `T` into bytes and back. It is a type without values: generated code names it.
pub trait Codec<T>: 'static {
    /// Appends `message` to `out`.
    ///
    /// # Errors
    ///
    /// The status of the call when the message cannot be encoded.
    fn encode(message: &T, out: &mut BytesMut) -> Result<(), Status>;

    /// Writes `message` to the beginning of `place` and says how many octets it has, if it knows how to and there is room for
    /// it; what it leaves behind them does not matter. For many small messages in a row, each of which would look for room
    /// in `out` with every part that it appends.
    #[inline]
    fn encode_in_place(message: &T, place: &mut [u8]) -> Option<usize> {
        let (_, _) = (message, place);
        None
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// The status of the call when the bytes are no such message: [`Code::Internal`](crate::Code::Internal), as gRPC
    /// asks.
    fn decode(bytes: Bytes) -> Result<T, Status>;
}

/// Protocol buffers, by `prost`.
#[derive(Clone, Copy, Debug)]
pub struct Prost;

impl<T: prost::Message + Default> Codec<T> for Prost {
    fn encode(message: &T, out: &mut BytesMut) -> Result<(), Status> {
        // It grows as it needs to; this way it does so once.
        make_room(out, message.encoded_len());
        message.encode_raw(out);
        Ok(())
    }

    #[inline]
    fn encode_in_place(message: &T, place: &mut [u8]) -> Option<usize> {
        let mut place = place.get_mut(..message.encoded_len())?;
        let length = place.len();
        message.encode_raw(&mut place);
        Some(length.saturating_sub(place.len()))
    }

    fn decode(bytes: Bytes) -> Result<T, Status> {
        T::decode(bytes).map_err(|error| {
            Status::internal(format!(
                "a message cannot be decoded: {error}; do both sides have the same .proto?"
            ))
        })
    }
}
