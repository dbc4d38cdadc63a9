//! Requests, responses and streams of messages, as services and clients see them.

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
pub(crate) use sending::{one_by_one, send, send_all};
pub(crate) use served::{Ending, ServedCalls};
pub use stream_with::{MessageSink, StreamWith, stream_with};
pub use streaming::Streaming;
