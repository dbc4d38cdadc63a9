//! gRPC on any async runtime, client and server, over a sans-IO core.

pub mod codec;
#[doc(hidden)]
pub mod generated;
pub mod transport;

pub use unwired_core::Instant;
pub use unwired_core::grpc::{Code, Encoding, Metadata, MetadataError, Status};
