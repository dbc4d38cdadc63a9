//! HTTP/2 (RFC 9113) and HPACK (RFC 7541): bytes to stream events and back.
//!
//! [`Connection`] is the whole of it, client and server: a plain value that is driven by bytes, commands and the time. It
//! knows nothing of what the messages mean.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `connection` | the seam: what a caller sees |
//! | `reader`, `recv`, `recv_buffer`, `recv_data`, `recv_headers` | bytes to frames, frames to events |
//! | `send`, `transmit`, `control` | commands, and what leaves in which order |
//! | `streams`, `state`, `stream`, `store`, `closed` | how streams live and end, where they are kept, what is remembered |
//! | `flow`, `settings`, `ping`, `timer`, `lifetime` | windows, SETTINGS, PING and BDP, timers, drain and end |
//! | `limits`, `abuse`, `stats` | what a peer may do, and what is counted |
//! | `fields`, `field`, `message`, `standing`, [`hpack`] | field sections, the rules for them, those that are always the same, their compression |
//! | [`frame`] | the octets of frames |

mod abuse;
mod closed;
mod config;
mod connection;
mod control;
mod error;
mod event;
mod field;
mod fields;
mod flow;
pub mod frame;
pub mod hpack;
mod lifetime;
mod limits;
mod message;
mod ping;
mod reader;
mod reason;
mod recv;
mod recv_buffer;
mod recv_data;
mod recv_headers;
mod sections;
mod send;
mod settings;
mod standing;
mod state;
mod stats;
mod store;
mod stream;
mod stream_id;
mod streams;
mod timer;
mod transmit;

pub use config::{Config, Keepalive, PingPolicy, SharedConfig};
pub use connection::{Connection, Role};
pub use error::{OpenError, SendError, UseError};
pub use event::{ConnectionEnd, Event, Initiator, Reach, StreamError};
pub(crate) use field::{Class, Known, classify, is_credential, parse_u64};
pub(crate) use fields::Line;
pub use fields::{FIELD_OVERHEAD, Field, Fields, Iter};
pub use limits::Limits;
pub use reason::Reason;
pub(crate) use recv_buffer::step;
pub(crate) use standing::Standing;
pub(crate) use stats::add;
pub use stats::{Abuse, AbuseCounts, FrameCounts, Stats};
pub use store::StreamKey;
pub(crate) use stream::{Answer, Piece};
pub use stream_id::StreamId;
pub use timer::TimerKind;
