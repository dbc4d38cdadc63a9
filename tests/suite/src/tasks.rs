//! Tasks that can be waited for, and given up.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::RemoteHandle;
use unwired::transport::RuntimeHandle;

/// Runs `task` beside everything else. Its handle gives what it returned, or its panic; dropping the handle drops the
/// task.
pub fn spawn<T: Send + 'static>(
    rt: &RuntimeHandle,
    task: impl Future<Output = T> + Send + 'static,
) -> RemoteHandle<T> {
    let (task, handle) = task.remote_handle();
    rt.spawn(task);
    handle
}

/// Polls `future` once.
pub async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
