//! Rigs that the tests in `tests/` share.

pub mod exchange;
pub mod pump;
