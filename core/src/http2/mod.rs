//! HTTP/2 (RFC 9113) and HPACK (RFC 7541): bytes to stream events and back.

mod field;
mod fields;
pub mod hpack;
mod message;

pub use fields::{FIELD_OVERHEAD, Field, Fields, Iter};
