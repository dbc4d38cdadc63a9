//! Services in HTTP servers of others, and calls over an HTTP client of others.

mod hosting;
mod programs;
mod requests;

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

/// Our client calls services over bare connections of h2.
mod over_h2 {
    unwired_suite::calls!(crate::on_threads, crate::hosting::H2);
}

/// Calls over hyper's client, of services in hyper.
mod over_http {
    unwired_suite::calls!(crate::on_threads, crate::hosting::BOTH);
}
