//! What every adapter must do, on smol's global executor and on one of the program's own.

use std::sync::Arc;

use smol::Executor;
use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired_smol::Smol;

/// Runs a scenario on smol's global executor.
fn on_smol(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    smol::block_on(scenario(Smol::global().handle()));
}

/// Runs a scenario, and an executor for it, on one thread.
fn on_one_thread(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    let executor = Arc::new(Executor::new());
    smol::block_on(executor.run(scenario(Smol::on(&executor).handle())));
}

mod global {
    unwired_suite::suite!(crate::on_smol);
    unwired_suite::sockets!(crate::on_smol);
}

mod own {
    unwired_suite::suite!(crate::on_one_thread);
    unwired_suite::sockets!(crate::on_one_thread);
}
