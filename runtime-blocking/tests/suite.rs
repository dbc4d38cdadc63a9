//! What every adapter must do, on threads that wait.

use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired_blocking::Blocking;

/// Runs a scenario on one thread, which does all the work.
fn alone(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    let blocking = Blocking::new().unwrap();
    blocking.block_on(scenario(blocking.handle()));
}

/// Runs a scenario on the reactor that the threads of all these tests share: one of them works for the others.
fn together(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    let blocking = Blocking::global().unwrap();
    blocking.block_on(scenario(blocking.handle()));
}

mod one_thread {
    unwired_suite::suite!(crate::alone);
    unwired_suite::sockets!(crate::alone);
}

mod shared {
    unwired_suite::suite!(crate::together);
    unwired_suite::sockets!(crate::together);
}
