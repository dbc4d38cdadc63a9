use bytes::{Bytes, BytesMut};
use unwired_core::grpc::Carrier;
use unwired_core::http2::{Fields, Reason, SendError, UseError};

/// A stream that keeps the head it is given, sends nothing else, and receives what lies in it.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) head: Option<Fields>,
    pub(crate) data: BytesMut,
}

impl Carrier for Stream {
    fn send_headers(&mut self, fields: Fields, _: bool) -> Result<(), UseError> {
        self.head = Some(fields);
        Ok(())
    }

    fn send_data(&mut self, _: &[u8], _: Bytes, _: bool) -> Result<(), SendError> {
        Err(SendError::Use(UseError::StreamClosed))
    }

    fn send_trailers(&mut self, _: Fields) -> Result<(), UseError> {
        Err(UseError::StreamClosed)
    }

    fn abandon_data(&mut self) -> bool {
        false
    }

    fn reset(&mut self, _: Reason) {}

    fn recv_data(&mut self) -> Option<&mut BytesMut> {
        Some(&mut self.data)
    }
}
