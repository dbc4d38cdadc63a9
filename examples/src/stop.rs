//! When a program is asked to end.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures_util::task::AtomicWaker;

/// A future that is ready once somebody asks this process to end: by Ctrl-C (SIGINT), by SIGTERM, or by closing its
/// terminal (SIGHUP). From now on none of these ends the process by itself.
///
/// The signals are waited for on a thread of their own, so that any runtime can poll the future. It can be asked for once.
///
/// # Errors
/// Those of the system; the second time.
pub fn stop() -> io::Result<impl Future<Output = ()>> {
    let asked = Arc::new((AtomicBool::new(false), AtomicWaker::new()));
    let by_signal = Arc::clone(&asked);
    on_stop(move || {
        by_signal.0.store(true, Ordering::Release);
        by_signal.1.wake();
    })?;
    Ok(poll_fn(move |cx| {
        asked.1.register(cx.waker());
        if asked.0.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }))
}

/// The same for a program that waits for no future: calls `handler`, on a thread of its own, whenever somebody asks.
///
/// # Errors
/// Those of the system; the second time.
pub fn on_stop(handler: impl FnMut() + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(handler).map_err(|error| match error {
        ctrlc::Error::System(error) => error,
        error => io::Error::other(error),
    })
}
