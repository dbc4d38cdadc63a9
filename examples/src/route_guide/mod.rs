//! The route guide: places, trips between them, and notes left at them.
//!
//! This much of it knows nothing of gRPC: [`Database`] answers what is where, [`Trip`] adds up a way, [`Notes`] keeps what
//! travellers write.

mod database;
mod notes;
mod point;
mod trip;

pub use database::{Database, DatabaseError, Feature};
pub use notes::{Limits, Notes};
pub use point::{Area, Point, metres_between};
pub use trip::{Summary, Trip};
