//! No scenario hangs without its name being told.

use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use unwired::transport::RuntimeHandle;

/// What a scenario takes at most, on the runtime's clock.
const PATIENCE: Duration = Duration::from_secs(60);
/// When a runtime does not come to look at its clock any more.
const MORE_PATIENCE: Duration = Duration::from_secs(90);

/// Runs a scenario, for a minute at most.
pub async fn guarded(name: &str, rt: &RuntimeHandle, scenario: impl Future<Output = ()>) {
    let _watched = watch(name.to_owned());
    if rt.timeout(PATIENCE, scenario).await.is_err() {
        panic!("{name} hangs: nothing came for {PATIENCE:?}");
    }
}

/// Ends the process if what is returned is not dropped in time: a runtime whose threads are stuck cannot be stopped.
fn watch(name: String) -> mpsc::Sender<()> {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        if is_done.recv_timeout(MORE_PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // Past the harness, which would keep it until a test ends that does not.
            let _ = writeln!(std::io::stderr(), "{name} hangs, and its runtime with it");
            std::process::exit(1);
        }
    });
    done
}
