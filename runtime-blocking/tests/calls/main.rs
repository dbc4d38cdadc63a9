//! Blocking stubs and blocking services, with each other.

mod crowds;
mod kinds;
mod pending;
mod service;
mod stopping;
mod workers;
