//! What every adapter must do, on both schedulers of tokio.

use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired_tokio::Tokio;

/// Runs a scenario on one thread.
fn on_one_thread(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { scenario(Tokio::handle()).await });
}

/// Runs a scenario on several threads.
fn on_threads(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async { scenario(Tokio::handle()).await });
}

mod current_thread {
    unwired_suite::suite!(crate::on_one_thread);
    unwired_suite::sockets!(crate::on_one_thread);
}

mod multi_thread {
    unwired_suite::suite!(crate::on_threads);
    unwired_suite::sockets!(crate::on_threads);
}
