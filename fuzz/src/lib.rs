//! What the fuzz targets run, as plain functions: each takes any bytes, and panics when a promise is broken. The first
//! lines of each module say what it plays and asserts.

pub mod call_pair;
pub mod client_connection;
pub mod differential_h2;
mod end;
pub mod frame_parse;
pub mod hpack_decode;
pub mod hpack_round_trip;
mod input;
pub mod message_decode;
pub mod server_connection;
mod stream;
pub mod text;

/// One target.
pub type Target = fn(&[u8]);

/// Every target under the name of its folder in `seeds/`.
pub const TARGETS: [(&str, Target); 9] = [
    ("call_pair", call_pair::run),
    ("client_connection", client_connection::run),
    ("differential_h2", differential_h2::run),
    ("frame_parse", frame_parse::run),
    ("hpack_decode", hpack_decode::run),
    ("hpack_round_trip", hpack_round_trip::run),
    ("message_decode", message_decode::run),
    ("server_connection", server_connection::run),
    ("text", text::run),
];
