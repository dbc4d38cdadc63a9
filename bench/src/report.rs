//! Medians with their spread: tables, plots, and how far they are from what is to be reached.

mod goal;
mod page;
mod plot;
mod spread;
mod table;

pub(crate) use goal::Goal;
pub(crate) use page::{Page, summary};
pub(crate) use table::{Column, Table};
