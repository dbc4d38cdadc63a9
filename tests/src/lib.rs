//! Rigs that the tests in `tests/` share.

pub mod exchange;
pub mod pump;

/// The code in the README and in the guide to embedding compiles.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/embedding.md")]
    struct Embedding;
}
