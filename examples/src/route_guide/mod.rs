//! The route guide: places, trips between them, and notes left at them.
//!
//! [`Database`] answers what is where, [`Trip`] adds up a way, [`Notes`] keeps what travellers write: they know nothing of gRPC.
//! [`Guide`] is the service over them, and [`travel`] calls it; what it asks for is in [`client`], for clients written otherwise.

pub mod client;
mod database;
mod notes;
mod point;
mod service;
mod trip;

pub use client::travel;
pub(crate) use client::{AROUND_NEW_YORK, BERKSHIRE, place};
pub use database::{Database, DatabaseError, Feature};
pub use notes::{Limits, Notes};
pub use point::{Area, Point, metres_between};
pub use service::Guide;
pub use trip::{Summary, Trip};
