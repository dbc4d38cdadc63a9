//! The connection's flow-control windows (RFC 9113 §5.2 and §6.9). A stream's are in its record.

use super::settings::{DEFAULT_WINDOW, MAX_WINDOW};

/// What the peer may still send on the connection, and what it is to be told of.
///
/// Connection credit returns at receipt: `window + unreturned == target`, always. Back-pressure is the streams' affair,
/// so that one slow reader shuts nobody's window but its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecvWindow {
    window: i64,
    unreturned: i64,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "both fields are 0 or more and their sum, the target, is at most 2^31-1"
)]
impl RecvWindow {
    /// RFC 9113 §6.9.2: a connection begins with 65,535 octets; what `target` is more goes out as WINDOW_UPDATE.
    pub(crate) fn new(target: u32) -> Self {
        let target = i64::from(target).clamp(i64::from(DEFAULT_WINDOW), MAX_WINDOW);
        Self { window: i64::from(DEFAULT_WINDOW), unreturned: target - i64::from(DEFAULT_WINDOW) }
    }

    /// DATA of `octets` came; `false` if that was more than allowed.
    #[must_use]
    pub(crate) const fn receive(&mut self, octets: u32) -> bool {
        if octets as i64 > self.window {
            return false;
        }
        self.window -= octets as i64;
        self.unreturned += octets as i64;
        true
    }

    /// Lets the peer send up to `target` octets ahead, if that is more than now.
    pub(crate) fn grow(&mut self, target: u32) {
        self.unreturned += (i64::from(target).min(MAX_WINDOW) - self.target()).max(0);
    }

    pub(crate) const fn window(&self) -> i64 {
        self.window
    }

    pub(crate) const fn target(&self) -> i64 {
        self.window + self.unreturned
    }

    /// Whether a WINDOW_UPDATE is worth its frame.
    pub(crate) const fn is_update_due(&self) -> bool {
        self.unreturned > 0 && self.unreturned >= self.window
    }

    /// The increment of a WINDOW_UPDATE that is about to be encoded.
    pub(crate) fn take_update(&mut self) -> u32 {
        let increment = core::mem::take(&mut self.unreturned);
        self.window += increment;
        u32::try_from(increment).unwrap_or(0)
    }
}

/// The largest sum of `window` and `increment`, or `None` past 2^31-1 (RFC 9113 §6.9.1).
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a window is at most 2^31-1 and at least as much below zero"
)]
pub(crate) const fn widened(window: i64, increment: u32) -> Option<i64> {
    let sum = window + increment as i64;
    if sum > MAX_WINDOW { None } else { Some(sum) }
}
