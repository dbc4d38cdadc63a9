//! What every adapter must do, with several seeds.

use unwired::transport::RuntimeHandle;
use unwired_sim::{check, seeds};

/// Runs a scenario on a host.
fn simulated<F: Future<Output = ()>>(scenario: impl Fn(RuntimeHandle) -> F) {
    check(seeds(3), |sim| sim.run_until(scenario(sim.host("here").runtime())));
}

unwired_suite::suite!(crate::simulated, [Tcp, Memory, Intercepted]);
