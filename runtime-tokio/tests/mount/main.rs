//! Services in an HTTP server of hyper, and calls over its HTTP client.

mod hosting;

use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired_tokio::Tokio;

/// Runs a scenario on several threads.
fn on_threads(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async { scenario(Tokio::handle()).await });
}

/// Our client calls services in hyper.
mod mounted {
    unwired_suite::calls!(crate::on_threads, crate::hosting::SERVER);
}

/// Calls over hyper's client, of services in hyper.
mod over_http {
    unwired_suite::calls!(crate::on_threads, crate::hosting::BOTH);
}
