//! Features of a map, fed to a server one by one.
//!
//! The server: a [`Ledger`] counts what is received, and recognises what it has already; [`Desk`] is the service over it.
//!
//! The client: [`Intake`] reads lines and hears of the wish to stop, [`feed`] sends a request for each. How a request is sent is a
//! parameter: the logic knows no transport, and its tests have none.

mod client;
mod intake;
mod ledger;
mod lines;
mod service;
mod tally;

pub use client::{Patience, feed};
pub use intake::Intake;
pub use ledger::{Ledger, Limits, Received, Refusal};
pub use lines::{LONGEST_LINE, Line, Lines};
pub use service::Desk;
pub use tally::{End, Tally};
