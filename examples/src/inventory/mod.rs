//! A greeter that keeps a store of items.
//!
//! [`Store`] keeps them and knows nothing of gRPC; [`Shop`] is the service over it, and [`trade`] calls it.

mod client;
mod service;
mod store;

pub use client::trade;
pub use service::Shop;
pub use store::{Item, LONGEST_NAME, MOST_ITEMS, Refusal, Store};
