use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use bytes::Bytes;
use http_body::Frame;
use unwired_core::http2::Reason;

use super::fields;
use super::pipe::Taken;

/// Where the frames of a body come from.
pub(super) trait Outlet: Send + Sync {
    /// What leaves next.
    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Taken>;

    /// Nobody takes any more.
    fn abandon(&self);
}

/// The messages of one direction of a call, as the body of a request or of a response: framed messages as data, and behind
/// those of a response the status as trailers.
///
/// Dropping the body of a response before its end cancels the call, as a client that gives it up.
pub struct Body(Option<Arc<dyn Outlet>>);

impl Body {
    /// What `outlet` has.
    pub(super) fn new(outlet: Arc<dyn Outlet>) -> Self {
        Self(Some(outlet))
    }

    /// Nothing.
    pub(super) const fn empty() -> Self {
        Self(None)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Reset;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Reset>>> {
        let Some(outlet) = &self.0 else { return Poll::Ready(None) };
        let last = match ready!(outlet.poll_take(cx)) {
            Taken::Data(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
            Taken::Trailers(trailers) => Some(Ok(Frame::trailers(fields::headers(&trailers)))),
            // Whoever has had the status has no use for the rest of what it was to send.
            Taken::End | Taken::Reset(Reason::NO_ERROR) => None,
            Taken::Reset(reason) => Some(Err(Reset(reason))),
        };
        self.0 = None;
        Poll::Ready(last)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(outlet) = &self.0 {
            outlet.abandon();
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("is_end_stream", &self.0.is_none()).finish()
    }
}

/// Why a [`Body`] ends before its end: the stream is to be reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset(Reason);

impl Reset {
    /// The error code that RST_STREAM is to have (RFC 9113 §7), where the HTTP stack lets it be chosen.
    pub const fn code(self) -> u32 {
        self.0.0
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call ended inside its stream ({})", self.0)
    }
}

impl core::error::Error for Reset {}
