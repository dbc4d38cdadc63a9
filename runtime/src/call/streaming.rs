use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use unwired_core::grpc::{Batch, Encoding, Message, Received, decompress};

use super::handle::CallHandle;
use crate::codec::Codec;
use crate::{Metadata, Status};

/// Messages from the peer, as they come. A reader that does not ask for the next one holds its sender up.
///
/// It is a [`Stream`] of `Result<T, Status>`: after an error, or after the last message, there is nothing more. Dropped
/// at a client before that, it cancels the call.
pub struct Streaming<T> {
    call: Arc<CallHandle>,
    decode: fn(Bytes) -> Result<T, Status>,
    /// Messages that have come and were not read.
    received: Batch,
    /// Once a message that is compressed has come.
    encoding: Option<Encoding>,
    max_message: usize,
    was_compressed: bool,
    /// What a client waits for behind the last message; a server has no status to wait for.
    awaits_status: bool,
    status: Option<Status>,
    is_over: bool,
}

impl<T> Streaming<T> {
    pub(crate) fn new<C: Codec<T>>(call: Arc<CallHandle>, max_message: usize, awaits_status: bool) -> Self {
        Self {
            call,
            decode: C::decode,
            received: Batch::default(),
            encoding: None,
            max_message,
            was_compressed: false,
            awaits_status,
            status: None,
            is_over: false,
        }
    }

    /// The next message; `None` after the last.
    ///
    /// Cancel-safe: a message that was not returned is returned by the next call.
    ///
    /// # Errors
    ///
    /// At a client the status of the call, if it is not OK; on both sides what the peer did wrong. Nothing more comes
    /// after it.
    pub async fn message(&mut self) -> Result<Option<T>, Status> {
        core::future::poll_fn(|cx| self.poll_message(cx)).await.transpose()
    }

    /// Whether the message that came last was compressed on its way; `false` before the first.
    pub const fn was_compressed(&self) -> bool {
        self.was_compressed
    }

    /// Initial metadata of the peer, once it is there; empty if the call ended without.
    ///
    /// Cancel-safe.
    pub async fn metadata(&self) -> Metadata {
        core::future::poll_fn(|cx| self.poll_metadata(cx)).await
    }

    /// Trailing metadata, once the call has ended; empty at a server, and where there was none. Messages that were not
    /// read are dropped.
    ///
    /// Cancel-safe: what was read until then is lost, the metadata is not.
    ///
    /// # Errors
    ///
    /// The status of the call, if it is not OK; its trailing metadata is in it.
    pub async fn trailers(&mut self) -> Result<Metadata, Status> {
        while self.message().await?.is_some() {}
        Ok(self.status.as_ref().map(|status| status.metadata().clone()).unwrap_or_default())
    }

    pub(crate) fn poll_metadata(&self, cx: &mut Context<'_>) -> Poll<Metadata> {
        self.call.calls.poll_metadata(self.call.id, cx.waker())
    }

    /// How the call has ended, at a client that has read all messages.
    pub(crate) const fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(message) = self.received.next() {
            return Poll::Ready(Some(self.decode(message)));
        }
        let next = match ready!(self.call.calls.poll_messages(self.call.id, cx.waker())) {
            Received::Message(mut batch) => {
                let message = batch.next().unwrap_or_default();
                self.received = batch;
                return Poll::Ready(Some(self.decode(message)));
            }
            Received::Failed(status) => Some(Err(status)),
            Received::End | Received::Pending if !self.awaits_status => None,
            Received::End | Received::Pending => {
                let status = ready!(self.call.calls.poll_status(self.call.id, cx.waker()));
                let failed = (!status.is_ok()).then(|| Err(status.clone()));
                self.status = Some(status);
                failed
            }
        };
        self.is_over = true;
        Poll::Ready(next)
    }

    #[inline]
    fn decode(&mut self, message: Message) -> Result<T, Status> {
        self.was_compressed = message.compressed;
        let decoded = if message.compressed {
            self.decompressed(&message.payload).and_then(self.decode)
        } else {
            (self.decode)(message.payload)
        };
        self.is_over = decoded.is_err();
        decoded
    }

    fn decompressed(&mut self, payload: &Bytes) -> Result<Bytes, Status> {
        let Self { encoding, call, .. } = self;
        let encoding = *encoding.get_or_insert_with(|| call.calls.recv_encoding(call.id));
        decompress(encoding, payload, self.max_message)
    }
}

impl<T> Stream for Streaming<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx)
    }
}

impl<T> Drop for Streaming<T> {
    fn drop(&mut self) {
        // Whoever reads no more has no use for the call, even while somebody still sends.
        if self.awaits_status && self.status.is_none() {
            self.call.calls.cancel(self.call.id);
        }
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("call", &self.call).finish_non_exhaustive()
    }
}
