//! gRPC on any async runtime, client and server, over a sans-IO core.

pub mod call;
pub mod channel;
pub mod codec;
mod driver;
#[doc(hidden)]
pub mod generated;
pub mod server;
pub mod transport;

pub use call::{
    Answer, Cancellation, Compression, Empty, IntoRequest, IntoStreamingRequest, MessageSink, Outgoing,
    Request, Response, StreamWith, Streaming, empty, stream_with,
};
pub use channel::{Channel, Target};
pub use futures_core::Stream;
pub use server::{Server, SpawnPolicy};
pub use unwired_core::Instant;
pub use unwired_core::grpc::{Code, Encoding, EncodingSet, Metadata, MetadataError, Status, TextValue};
