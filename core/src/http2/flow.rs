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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Receive(u32),
        Grow(u32),
        Update,
    }

    proptest! {
        /// Against what a peer counts: what it may send is what it was told, less what it sent; and what it was told and
        /// what it is still to be told are together what it may send ahead.
        #[test]
        fn credit_is_conserved(target: u32, ops in proptest::collection::vec(prop_oneof![
            4 => prop_oneof![0..70_000_u32, any::<u32>()].prop_map(Op::Receive),
            1 => any::<u32>().prop_map(Op::Grow),
            3 => Just(Op::Update),
        ], 0..60)) {
            let mut window = RecvWindow::new(target);
            let mut ahead = i64::from(target).clamp(65_535, MAX_WINDOW);
            let mut peer = 65_535_i64;
            for op in ops {
                match op {
                    Op::Receive(octets) => {
                        let allowed = i64::from(octets) <= peer;
                        prop_assert_eq!(window.receive(octets), allowed);
                        peer -= if allowed { i64::from(octets) } else { 0 };
                    }
                    Op::Grow(target) => {
                        window.grow(target);
                        ahead = ahead.max(i64::from(target).min(MAX_WINDOW));
                    }
                    Op::Update => {
                        let due = window.is_update_due();
                        let increment = window.take_update();
                        prop_assert!(increment > 0 || !due);
                        peer = widened(peer, increment).expect("never told more than 2^31-1");
                    }
                }
                prop_assert_eq!((window.window(), window.target()), (peer, ahead));
                // Nobody waits for credit that is not on its way.
                prop_assert!(window.window() > 0 || window.is_update_due());
            }
        }

        /// RFC 9113 §6.9.1.
        #[test]
        fn a_window_is_widened_to_2_to_the_31_less_1_and_no_further(window in -MAX_WINDOW..=MAX_WINDOW, increment: u32) {
            let sum = i128::from(window) + i128::from(increment);
            prop_assert_eq!(widened(window, increment).map(i128::from), Some(sum).filter(|&sum| sum < 1 << 31));
        }
    }
}
