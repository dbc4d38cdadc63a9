use core::fmt;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use unwired_core::Instant;

use super::Address;
use super::runtime::{BoxFuture, ByteStream, Listen, Runtime, Timer};

/// A byte stream of whatever runtime.
pub type BoxStream = Box<dyn ByteStream>;
/// A listener of whatever runtime.
pub type BoxListener = Box<dyn Listen<Stream = BoxStream>>;

/// The runtime that a channel or a server lives on: the time, timers and tasks, for what must run on any runtime and in
/// simulated time.
#[derive(Clone)]
pub struct RuntimeHandle(Arc<dyn Erased>);

impl RuntimeHandle {
    /// A handle of `runtime`.
    pub fn new(runtime: impl Runtime) -> Self {
        Self(Arc::new(Erase(Arc::new(runtime))))
    }

    /// The time, which never goes back, since an epoch of the runtime's own.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Waits for `duration`. Dropping the future forgets it.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Waits until `at`. Dropping the future forgets it.
    pub fn sleep_until(&self, at: Instant) -> Sleep {
        let mut timer = self.timer();
        timer.reset(at);
        Sleep(timer)
    }

    /// Waits for `future`, and for `duration` at most; then it is dropped.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] when the time was up first.
    pub async fn timeout<F: Future>(&self, duration: Duration, future: F) -> Result<F::Output, Elapsed> {
        self.timeout_at(Some(self.now() + duration), future).await
    }

    /// Waits for `future`, and until `at` at the latest, if there is such a time.
    pub(crate) async fn timeout_at<F: Future>(
        &self,
        at: Option<Instant>,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        let mut sleep = None;
        core::future::poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            // What is ready at once needs no timer.
            let Some(at) = at else { return Poll::Pending };
            Pin::new(sleep.get_or_insert_with(|| self.sleep_until(at))).poll(cx).map(|()| Err(Elapsed))
        })
        .await
    }

    /// Runs `task` to its end, beside everything else.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_boxed(Box::pin(task));
    }

    pub(crate) fn spawn_boxed(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }

    pub(crate) fn timer(&self) -> Box<dyn Timer> {
        self.0.timer()
    }

    pub(crate) fn seed(&self) -> u64 {
        self.0.seed()
    }

    pub(crate) fn spawns_handler(&self) -> Option<bool> {
        self.0.spawns_handler()
    }

    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn connect(&self, address: Address) -> BoxFuture<'static, io::Result<BoxStream>> {
        self.0.connect(address)
    }

    /// Listens at `address`.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn listen(&self, address: Address) -> BoxFuture<'static, io::Result<BoxListener>> {
        self.0.listen(address)
    }

    pub(crate) fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.0.resolve(host, port)
    }
}

impl fmt::Debug for RuntimeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeHandle").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// The time was up before the future was ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up")
    }
}

impl core::error::Error for Elapsed {}

/// Ready at a time; see [`RuntimeHandle::sleep`].
pub struct Sleep(Box<dyn Timer>);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_expired(cx)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}

/// [`Runtime`] without its types.
trait Erased: Send + Sync {
    fn now(&self) -> Instant;
    fn timer(&self) -> Box<dyn Timer>;
    fn spawn(&self, task: BoxFuture<'static, ()>);
    fn seed(&self) -> u64;
    fn spawns_handler(&self) -> Option<bool>;
    fn connect(&self, address: Address) -> BoxFuture<'static, io::Result<BoxStream>>;
    fn listen(&self, address: Address) -> BoxFuture<'static, io::Result<BoxListener>>;
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

struct Erase<R>(Arc<R>);

impl<R: Runtime> Erased for Erase<R> {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::new(self.0.timer())
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }

    fn seed(&self) -> u64 {
        self.0.seed()
    }

    fn spawns_handler(&self) -> Option<bool> {
        self.0.spawns_handler()
    }

    fn connect(&self, address: Address) -> BoxFuture<'static, io::Result<BoxStream>> {
        let runtime = Arc::clone(&self.0);
        Box::pin(async move { Ok(Box::new(runtime.connect(&address).await?) as BoxStream) })
    }

    fn listen(&self, address: Address) -> BoxFuture<'static, io::Result<BoxListener>> {
        let runtime = Arc::clone(&self.0);
        Box::pin(async move { Ok(runtime.listen(&address).await?.boxed()) })
    }

    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let runtime = Arc::clone(&self.0);
        Box::pin(async move { runtime.resolve(&host, port).await })
    }
}

/// A listener whose streams are boxed.
pub(super) struct Boxing<L>(pub(super) L);

impl<L: Listen> Listen for Boxing<L> {
    type Stream = BoxStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<BoxStream>> {
        self.0.poll_accept(cx).map_ok(|stream| Box::new(stream) as BoxStream)
    }

    fn local_address(&self) -> io::Result<Address> {
        self.0.local_address()
    }

    fn turn_away(&mut self) -> Duration {
        self.0.turn_away()
    }
}
