//! Applications that do anything in any order.

use proptest::collection::vec;
use proptest::prelude::*;
use unwired_replay::keep;

use crate::operations;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn messages_credit_and_last_events_hold_under_any_operations(operations in vec(any::<u8>(), 0..400)) {
        keep("properties", || operations::run(&operations));
    }

    /// Few calls that stay and send a lot: what the other property seldom comes to.
    #[test]
    fn long_messages_pass_whatever_is_read_when(operations in vec(
        prop_oneof![
            Just(0x00), Just(0x10), 0x20..0x30_u8, 0x50..0x60_u8, 0x80..0x90_u8, 0xa0..0xb0_u8, 0xda..0xe0_u8, 0xea..0xf0_u8,
        ],
        0..300,
    )) {
        keep("properties", || operations::run(&operations));
    }
}
