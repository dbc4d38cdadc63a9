//! An adapter for the simplest loop there is: one thread, `mio` to wait with, and whenever something has happened every task
//! is asked whether it was for it.

use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::{io, time::Duration};

use mio::{Events, Interest, Registry, Token, unix::SourceFd};
use socket2::Socket as System;
use unwired::Instant;
use unwired::transport::{Address, BoxFuture, Runtime, RuntimeHandle, Timer};
use unwired_sockets::Bind;
use unwired_sockets::watched::{Direction, Listener, Socket, Watched};

/// The adapter: what the loop shares with what runs in it.
pub(crate) struct Bare(Arc<Home>);

struct Home {
    registry: Registry,
    spawned: Mutex<Vec<BoxFuture<'static, ()>>>,
    timers: Mutex<BTreeSet<(Instant, usize)>>,
    number: AtomicUsize,
    woken: AtomicBool,
}

impl Wake for Home {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, SeqCst);
    }
}

/// Runs `main` to its end, and beside it whatever it spawns.
pub(crate) fn run<T, F>(main: impl FnOnce(RuntimeHandle) -> F) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut poll = mio::Poll::new()?;
    let home = Arc::new(Home {
        registry: poll.registry().try_clone()?,
        spawned: Mutex::default(),
        timers: Mutex::default(),
        number: AtomicUsize::new(0),
        woken: AtomicBool::new(true),
    });
    let (done, result) = mpsc::channel();
    let main = main(RuntimeHandle::new(Bare(Arc::clone(&home))));
    let mut tasks: Vec<BoxFuture<'static, ()>> = vec![Box::pin(async move { drop(done.send(main.await)) })];
    let (waker, mut events) = (Waker::from(Arc::clone(&home)), Events::with_capacity(64));
    loop {
        while home.woken.swap(false, SeqCst) {
            tasks.append(&mut home.spawned.lock().unwrap());
            tasks.retain_mut(|task| task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        if let Ok(result) = result.try_recv() {
            return Ok(result);
        }
        let next = home.timers.lock().unwrap().first().map(|&(at, _)| at - unwired_sockets::now());
        poll.poll(&mut events, next.map(|wait| wait + Duration::from_millis(1)))?;
        home.woken.store(true, SeqCst);
    }
}

/// A socket that `mio` watches, edge by edge: what comes after `clear` ends the loop's next wait at once.
pub(crate) struct Source(System, Arc<Home>, [bool; 2]);

impl Source {
    fn new(socket: System, home: &Arc<Home>) -> io::Result<Self> {
        let token = Token(home.number.fetch_add(1, SeqCst));
        let both = Interest::READABLE | Interest::WRITABLE;
        home.registry.register(&mut SourceFd(&socket.as_raw_fd()), token, both)?;
        Ok(Self(socket, Arc::clone(home), [false; 2]))
    }
}

impl Watched for Source {
    fn socket(&self) -> &System {
        &self.0
    }
    fn poll_ready(&mut self, direction: Direction, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever asks again does so because something has happened.
        let waits = std::mem::take(&mut self.2[direction as usize]);
        if waits { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
    fn clear(&mut self, direction: Direction) {
        self.2[direction as usize] = true;
    }
    fn another(&self, socket: System) -> io::Result<Self> {
        Self::new(socket, &self.1)
    }
}

pub(crate) struct BareTimer(Option<(Instant, usize)>, Arc<Home>);

impl Timer for BareTimer {
    fn reset(&mut self, at: Instant) {
        if let Some(key) = self.0.take() {
            self.1.timers.lock().unwrap().remove(&key);
        }
        self.0 = Some((at, self.1.number.fetch_add(1, SeqCst)));
    }
    fn poll_expired(&mut self, _: &mut Context<'_>) -> Poll<()> {
        let Some(key) = self.0 else { return Poll::Pending };
        if key.0 > unwired_sockets::now() {
            self.1.timers.lock().unwrap().insert(key);
            return Poll::Pending;
        }
        self.1.timers.lock().unwrap().remove(&key);
        Poll::Ready(())
    }
}

impl Drop for BareTimer {
    fn drop(&mut self) {
        self.reset(Instant::ZERO);
    }
}

impl Runtime for Bare {
    type Stream = Socket<Source>;
    type Listener = Listener<Source>;
    type Timer = BareTimer;

    fn now(&self) -> Instant {
        unwired_sockets::now()
    }
    fn timer(&self) -> BareTimer {
        BareTimer(None, Arc::clone(&self.0))
    }
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawned.lock().unwrap().push(task);
        self.0.woken.store(true, SeqCst);
    }
    fn seed(&self) -> u64 {
        unwired_sockets::seed()
    }
    async fn connect(&self, address: &Address) -> io::Result<Self::Stream> {
        Socket::connect(address, |socket| Source::new(socket, &self.0)).await
    }
    async fn listen(&self, address: &Address) -> io::Result<Self::Listener> {
        Listener::new(Bind::new().listen(address)?, |socket| Source::new(socket, &self.0))
    }
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs()?.collect())
    }
}
