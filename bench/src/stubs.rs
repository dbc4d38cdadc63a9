//! What the generators make of the .proto files: messages once, clients and servers of each contender.

#![allow(missing_docs, unreachable_pub, clippy::use_self, clippy::wildcard_imports)]

/// Messages, and ours.
pub(crate) mod work {
    include!(concat!(env!("OUT_DIR"), "/work.rs"));
}

pub(crate) mod tonic {
    pub(crate) mod helloworld {
        include!(concat!(env!("OUT_DIR"), "/tonic/helloworld.rs"));
    }
    pub(crate) mod work {
        include!(concat!(env!("OUT_DIR"), "/tonic/work.rs"));
    }
}
