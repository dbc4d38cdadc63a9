//! Frames (RFC 9113 §4 and §6): bytes to values and back, without any state.

mod head;
mod payload;
mod settings;

pub use head::{FrameHead, HEAD_LEN, Kind, flag};
pub use payload::{goaway, ping, priority, reset, window_update};
pub use settings::{Setting, SettingId, settings};

pub(crate) use head::put_head;
pub(crate) use payload::{put_goaway, put_ping, put_reset, put_window_update};
pub(crate) use settings::{put_settings, put_settings_ack};

#[cfg(test)]
mod tests;
