//! Messages to bytes and back.

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

    fn decode(bytes: Bytes) -> Result<T, Status> {
        T::decode(bytes).map_err(|error| Status::internal(format!("a message cannot be decoded: {error}")))
    }
}
