//! Serving: one thread for all connections, and workers for handlers that block.

mod bound;
mod pool;
mod reply;
mod workers;

pub use bound::{Bound, Running, Stopper};
pub use reply::{Messages, Reply, Sink, WriteWith, write_with};
pub use workers::{InWorkers, Service, Workers};
