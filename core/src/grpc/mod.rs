//! gRPC over stream events: messages, metadata, status, deadlines, compression.

mod base64;
mod code;
mod content_type;
mod encoding;
mod http_status;
mod message;
mod metadata;
mod path;
mod percent;
mod status;
pub mod timeout;

pub use code::Code;
pub use encoding::{Encoding, EncodingSet, compress, decompress};
pub use http_status::{code_of_http_status, code_of_reset};
pub use message::{Message, PREFIX_LEN};
pub use metadata::{Metadata, MetadataError};
pub use path::MethodPath;
pub use status::Status;
