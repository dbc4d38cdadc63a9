//! Records connections of the core and plays them again, to the same bytes, events and timers.
//!
//! [`grpc::client::Connection`], [`grpc::server::Connection`] and [`http2::Connection`] stand in for those of the core, with
//! the same methods. Within [`record`], or within [`keep()`] where that is asked for, they write down each call with its time and
//! what it was given, and a digest of what came of it. [`play`] does the same to a new connection, and says where it
//! answers differently. `docs/replay.md` tells the format and how recordings are kept.

mod digest;
mod driving;
pub mod grpc;
pub mod http2;
mod keep;
mod octets;
mod play;
mod recorder;
mod script;
mod values;

pub use keep::{Keeper, keep, play_back, record};
pub use octets::Malformed;
pub use play::{PlayError, Played, play, play_anyhow};
pub use recorder::Kind;
