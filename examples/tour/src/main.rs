//! Serves the example services and calls every method, as a tour for newcomers.

fn main() {}
