//! gRPC over stream events: messages, metadata, status, deadlines, compression.
//!
//! [`client::Connection`] and [`server::Connection`] are gRPC over our own HTTP/2. The machines of a single call,
//! [`client::Call`] and [`server::Call`], know no connection: whatever carries a stream can feed them and lend them a
//! [`Carrier`].
//!
//! | file | what it is about |
//! | --- | --- |
//! | `client`, `server` | the two sides: connections, calls, heads of requests |
//! | `receiving`, `sending`, `message`, `batch` | messages out of DATA and into it |
//! | `link`, `table`, `credit`, `deadlines` | what connections of both sides do with their calls |
//! | `code`, `status`, `percent`, `http_status`, `shown` | how calls end, and how that is told |
//! | `metadata`, `base64` | what goes along with them |
//! | [`timeout`], `content_type`, `path`, `encoding` | fields of the protocol |

mod base64;
mod batch;
mod carrier;
pub mod client;
mod code;
mod config;
mod content_type;
mod credit;
mod deadlines;
mod encoding;
mod error;
mod http_status;
mod link;
mod meaning;
mod message;
mod metadata;
mod path;
mod percent;
mod receiving;
mod sending;
pub mod server;
mod shown;
mod stats;
mod status;
mod table;
pub mod timeout;

pub use batch::{Batch, BatchBuilder};
pub use carrier::Carrier;
pub use code::Code;
pub use config::{CallEncodings, CallLimits, Config, DEFAULT_MAX_RECV_MESSAGE};
pub use encoding::{Encoding, EncodingSet, compress, decompress};
pub use error::SendMessageError;
pub use http_status::{code_of_http_status, code_of_reset};
pub use message::{Message, PREFIX_LEN};
pub use metadata::{Metadata, MetadataError, TextValue};
pub use path::MethodPath;
pub use receiving::{Cardinality, Received};
pub use stats::Stats;
pub use status::Status;
pub use table::CallId;
