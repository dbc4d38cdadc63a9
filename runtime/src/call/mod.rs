//! Requests, responses and streams of messages, as services and clients see them.
//!
//! A stub takes a message or a [`Request`] of one, where it is to carry more; a handler gets a [`Request`] and gives a [`Response`].
//! Both hold a message, or a stream of them, and what goes along:
//!
//! - **Metadata** before the messages ([`Request::metadata_mut`], [`Response::metadata_mut`]) and behind those of a response
//!   ([`Response::trailers_mut`]). A handler sends its own ahead of its answer with [`Request::send_metadata`].
//! - **A deadline** ([`Request::set_timeout`]) over the whole call. It reaches the handler, who asks for
//!   [what is left](Request::time_left) and hands it on to calls of its own with [`Request::child_of`].
//! - **Cancellation.** Whoever drops what waits for a call gives it up. A handler is dropped with its call; a task that it has
//!   spawned learns of the end by [`Request::cancellation`].
//! - **Extensions**, values that interceptors leave for handlers and that stay in this process.
//!
//! A stream that is received is a [`Streaming`]; it ends with the status of the call. A handler answers with any
//! [`Stream`](crate::Stream) of messages; [`stream_with`] makes one that is written, and [`empty`] one that has none. A client gives a stream as its request, or takes
//! the halves of a call, [`Outgoing`] with [`Streaming`] or [`Answer`], and sends as messages come up. All of them hold the sender up
//! while the other side does not read.
//!
//! ```
//! use core::time::Duration;
//! use unwired::Request;
//!
//! let mut request = Request::new("a message");
//! request.set_timeout(Duration::from_secs(1));
//! request.metadata_mut().insert("x-trace", "4711")?;
//! # Ok::<_, unwired::MetadataError>(())
//! ```

mod cancellation;
mod compression;
mod empty;
mod handle;
mod into_request;
mod outgoing;
mod request;
mod response;
mod sending;
mod served;
mod stream_with;
mod streaming;

pub use cancellation::Cancellation;
pub use compression::Compression;
pub use empty::{Empty, empty};
pub(crate) use handle::{CallHandle, Calls, compressed, decompressed, ended, gather, given_up};
pub use into_request::{IntoIteratorRequest, IntoRequest, IntoStreamingRequest};
pub use outgoing::{Answer, Outgoing};
pub use request::Request;
pub(crate) use request::Time;
pub use response::Response;
pub(crate) use sending::{Forwarding, one_by_one, send};
pub(crate) use served::{Ending, ServedCalls};
pub use stream_with::{MessageSink, StreamWith, stream_with};
pub use streaming::Streaming;
