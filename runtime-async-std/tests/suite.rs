//! What every adapter must do.

use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired_async_std::AsyncStd;

/// Runs a scenario on the threads of async-std.
fn on_async_std(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    async_std::task::block_on(scenario(AsyncStd::handle()));
}

unwired_suite::suite!(crate::on_async_std);
unwired_suite::sockets!(crate::on_async_std);
