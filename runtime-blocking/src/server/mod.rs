//! Serving: one thread for all connections, and workers for handlers that block.

mod bound;

pub use bound::{Bound, Running, Stopper};
