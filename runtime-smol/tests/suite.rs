//! What every adapter must do.

use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired_smol::Smol;

/// Runs a scenario on smol's global executor.
fn on_smol(scenario: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
    smol::block_on(scenario(Smol::global().handle()));
}

unwired_suite::suite!(crate::on_smol);
