use core::fmt;
use std::sync::Arc;

use unwired_core::grpc::CallId;

use super::served::ServedCalls;

/// Switches the compression of a response off and on, message by message: for a stream in which a secret stands next to
/// what somebody else chose (gRPC, `compression.md`).
///
/// A message is encoded when the response stream has yielded it. What was set before then holds for it.
#[derive(Clone)]
pub struct Compression {
    calls: Arc<dyn ServedCalls>,
    call: CallId,
}

impl Compression {
    pub(crate) fn new(calls: Arc<dyn ServedCalls>, call: CallId) -> Self {
        Self { calls, call }
    }

    /// Whether messages are compressed from now on. It changes nothing where the service does not compress, or the
    /// client does not take it.
    pub fn set(&self, compress: bool) {
        self.calls.set_uncompressed(self.call, !compress);
    }
}

impl fmt::Debug for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Compression").field(&self.call).finish()
    }
}
