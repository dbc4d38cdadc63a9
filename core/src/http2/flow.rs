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

    /// Whether a WINDOW_UPDATE is worth a write.
    pub(crate) const fn is_update_due(&self) -> bool {
        self.unreturned > 0 && self.unreturned >= self.window
    }

    /// Whether a WINDOW_UPDATE is worth its frame, beside one of a stream that is sent anyway: then it is seldom worth a write.
    pub(crate) const fn is_update_of_use(&self) -> bool {
        self.unreturned > self.target() / 8
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

    /// RFC 9113 §6.9.1: to the last octet, and not one more.
    #[test]
    fn what_was_received_returns_once_it_is_as_much_as_is_left() {
        let mut window = RecvWindow::new(0);
        assert_eq!((window.window(), window.target(), window.is_update_due()), (65_535, 65_535, false));
        assert!(window.receive(32_767));
        assert_eq!((window.window(), window.target(), window.is_update_due()), (32_768, 65_535, false));
        assert!(window.receive(1));
        assert_eq!((window.window(), window.target(), window.is_update_due()), (32_767, 65_535, true));
        assert!(!window.receive(32_768));
        assert!(window.receive(32_767));
        assert_eq!((window.window(), window.take_update()), (0, 65_535));
        assert_eq!((window.window(), window.target(), window.is_update_due()), (65_535, 65_535, false));
        assert_eq!(window.take_update(), 0);
    }

    #[test]
    fn a_window_only_grows_and_never_past_its_maximum() {
        let mut window = RecvWindow::new(100_000);
        assert_eq!((window.window(), window.take_update(), window.window()), (65_535, 34_465, 100_000));
        window.grow(99_999);
        assert_eq!(window.target(), 100_000);
        window.grow(100_001);
        assert_eq!((window.target(), window.window(), window.is_update_due()), (100_001, 100_000, false));
        window.grow(u32::MAX);
        assert_eq!((window.target(), window.is_update_due()), (MAX_WINDOW, true));
        assert_eq!(i64::from(window.take_update()), MAX_WINDOW - 100_000);
        assert_eq!(RecvWindow::new(u32::MAX).target(), MAX_WINDOW);
    }

    /// A window that is shut and owes nothing has nothing to tell.
    #[test]
    fn an_update_of_nothing_is_never_due() {
        let window = RecvWindow { window: 0, unreturned: 0 };
        assert!(!window.is_update_due());
    }

    /// RFC 9113 §6.9.1 and §6.9.2.
    #[test]
    fn a_window_is_widened_up_to_its_maximum_also_from_below_zero() {
        assert_eq!(widened(-5, 3), Some(-2));
        assert_eq!(widened(7, 0), Some(7));
        assert_eq!(widened(MAX_WINDOW - 2, 2), Some(MAX_WINDOW));
        assert_eq!(widened(MAX_WINDOW - 2, 3), None);
    }
}
