use core::error::Error;
use core::pin::Pin;
use core::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::Body;

/// Any error of somebody else's HTTP.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// A body of somebody else's, without its types.
pub(super) type BoxSource = Pin<Box<dyn Source>>;

/// What a body had next.
pub(super) enum Arrived {
    Data(Bytes),
    /// The end, and the trailers before it if there were some.
    End(Option<HeaderMap>),
    /// The stream was cut off.
    Failed(BoxError),
}

/// What a call reads from.
pub(super) trait Source: Send {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Arrived>;
}

impl<B> Source for B
where
    B: Body<Error: Into<BoxError>> + Send,
{
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Arrived> {
        self.poll_frame(cx).map(|frame| match frame {
            None => Arrived::End(None),
            Some(Err(error)) => Arrived::Failed(error.into()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(mut data) => Arrived::Data(data.copy_to_bytes(data.remaining())),
                // Frames that are neither are none of ours; nothing but trailers is known so far.
                Err(frame) => frame
                    .into_trailers()
                    .map_or(Arrived::Data(Bytes::new()), |trailers| Arrived::End(Some(trailers))),
            },
        })
    }
}
