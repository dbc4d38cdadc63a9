//! What the tests of this folder do to connections is all that steers them: recorded, it gives the same again.

use proptest::collection::vec;
use proptest::prelude::*;
use unwired_replay::play_back;

use crate::operations::{config, op, run};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_commands_are_played_back(config in config(), ops in vec(op(), 0..250)) {
        prop_assert_eq!(play_back(|| run(config, ops)), 2);
    }
}
