//! Rigs that the tests in `tests/` share.

pub mod exchange;
pub mod program;
pub mod pump;

/// The service of `peers/peer.proto`, which foreign peers implement and call as well.
#[allow(missing_docs, reason = "generated from a .proto file")]
pub mod peer {
    include!(concat!(env!("OUT_DIR"), "/unwired.peer.rs"));
}

/// The code in the README and in the guide to embedding compiles.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/embedding.md")]
    struct Embedding;
}
