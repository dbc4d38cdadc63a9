//! The signals that ask a program to end.

use std::io;

/// A future that is ready when SIGINT (Ctrl-C) or SIGTERM comes. From now on neither of them ends the process by itself.
#[cfg(unix)]
pub(crate) fn stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// A future that is ready when Ctrl-C comes. From now on it does not end the process by itself.
#[cfg(not(unix))]
pub(crate) fn stop() -> io::Result<impl Future<Output = ()>> {
    // Without a way to wait for the signal there is none to hear of.
    Ok(async { _ = tokio::signal::ctrl_c().await })
}
