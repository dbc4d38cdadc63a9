//! What generated code calls. Not for people: it changes with the generator.

pub use crate::client::Client;
pub use crate::server::Reply;
