//! The example of an adapter does what it says.

#![cfg(unix)]

#[path = "../examples/bare_loop/main.rs"]
mod bare_loop;

#[test]
fn a_loop_of_ones_own_serves_and_calls() {
    bare_loop::main().unwrap();
}
