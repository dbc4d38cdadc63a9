//! What the tests of this folder do to connections is all that steers them: recorded, it gives the same again.

use proptest::collection::vec;
use proptest::prelude::*;
use unwired_replay::play_back;

use crate::{calls, credit, crowd, operations};

/// All that work with pairs, but for two that send hundreds of mebibytes.
const TESTS: [(&str, fn()); 15] = [
    ("a unary call", calls::a_unary_call_crosses_at_any_chunk_size),
    ("streams", calls::both_directions_stream_at_once),
    ("a deadline", calls::a_deadline_ends_the_call_on_both_sides),
    ("a cancelled call", calls::a_cancelled_call_is_told_to_the_server),
    ("a released call", calls::nothing_is_heard_of_a_call_that_was_released_before_its_events_were_taken),
    ("small windows", calls::messages_pass_through_windows_that_are_smaller_than_a_prefix),
    (
        "windows that become smaller",
        calls::messages_pass_that_began_before_the_client_knew_of_a_smaller_window,
    ),
    ("credit for the oldest", credit::the_next_goes_beyond_the_budget_when_the_oldest_has_enough),
    (
        "credit for the next",
        credit::the_next_goes_beyond_the_budget_when_the_oldest_was_taken_though_its_stream_goes_on,
    ),
    ("credit at the end", credit::the_next_goes_beyond_the_budget_when_the_oldest_has_ended_and_not_before),
    ("unread calls", crowd::a_call_that_is_read_goes_on_beside_127_that_are_not),
    ("many calls", crowd::a_client_that_keeps_the_advertised_number_in_flight_is_never_refused),
    ("a full buffer", crowd::who_sends_without_being_read_is_told_to_wait_and_then_to_go_on),
    ("busy", crowd::calls_over_the_limit_wait_and_are_told_once),
    ("credit for all", crowd::who_waits_for_credit_gets_it_when_the_oldest_has_enough),
];

#[test]
fn whole_tests_are_played_back() {
    for (name, test) in TESTS {
        let connections = play_back(test);
        assert!(connections >= 2, "{name}: {connections} connections");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_operations_are_played_back(operations in vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(play_back(|| operations::run(&operations)), 2);
    }
}
