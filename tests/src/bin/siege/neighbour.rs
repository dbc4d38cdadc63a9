//! A client that does no harm, on a connection of its own, for as long as the attacker is at work.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::seen::{Fate, Seen};
use crate::wire;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Calls of the greeter, one at a time.
pub(crate) struct Neighbour {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    since: Instant,
}

#[derive(Default)]
struct Shared {
    calls: Mutex<Calls>,
    stop: AtomicBool,
}

/// What became of the calls in a span of time.
#[derive(Default)]
pub(crate) struct Calls {
    /// From when each was due to when it was answered.
    latencies: Vec<Duration>,
    /// The first of those that failed.
    pub(crate) failure: Option<String>,
    pub(crate) failed: u64,
    /// How long all that took.
    took: Duration,
}

impl Calls {
    /// Calls answered in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// What 99 calls of 100 took at most.
    pub(crate) fn p99(&mut self) -> Duration {
        self.latencies.sort_unstable();
        self.latencies.get(self.latencies.len() * 99 / 100).copied().unwrap_or(PATIENCE)
    }
}

impl Neighbour {
    /// Calls `rate` times a second, or as fast as it is answered where that is 0.
    pub(crate) fn start(address: SocketAddr, rate: u32) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || call_on(address, rate, &shared)
        });
        Self { shared, thread: Some(thread), since: Instant::now() }
    }

    /// What became of the calls since this was asked the last time.
    pub(crate) fn take(&mut self) -> Calls {
        let mut calls = self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = std::mem::take(&mut *calls);
        let now = Instant::now();
        taken.took = now - self.since;
        self.since = now;
        taken
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has no way to fail.
            let _ = thread.join();
        }
    }
}

fn call_on(address: SocketAddr, rate: u32, shared: &Shared) {
    let pause = Duration::from_secs(1).checked_div(rate).unwrap_or_default();
    while !shared.stop.load(Ordering::Relaxed) {
        let Err(error) = call_until_told(address, pause, shared) else { return };
        let mut calls = shared.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.failed += 1;
        calls.failure.get_or_insert_with(|| error.to_string());
        drop(calls);
        thread::sleep(Duration::from_millis(100));
    }
}

fn call_until_told(address: SocketAddr, pause: Duration, shared: &Shared) -> io::Result<()> {
    let mut client = Client::connect(address)?;
    let mut due = Instant::now();
    while !shared.stop.load(Ordering::Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if pause.is_zero() {
            due = Instant::now();
        }
        client.greet()?;
        // From when it was due: a call that waits for the one before it waits for the server as well.
        let latency = due.elapsed();
        shared.calls.lock().unwrap_or_else(PoisonError::into_inner).latencies.push(latency);
        due += pause;
    }
    Ok(())
}

/// A connection that makes calls.
pub(crate) struct Client {
    socket: TcpStream,
    seen: Seen,
    stream: u32,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects, and hears the server's SETTINGS.
    ///
    /// # Errors
    /// Of the socket.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.write_all(&[wire::PREFACE, &wire::settings(&[])].concat())?;
        let mut client = Self { socket, seen: Seen::new(), stream: 1, buffer: vec![0; 16 << 10] };
        while !client.seen.is_greeted {
            client.read()?;
        }
        Ok(client)
    }

    /// Makes one call.
    ///
    /// # Errors
    /// When it is not answered as it should be.
    pub(crate) fn greet(&mut self) -> io::Result<()> {
        let stream = self.stream;
        self.stream += 2;
        let mut octets = std::mem::take(&mut self.seen.owed);
        octets.extend(wire::greeting(stream, "you"));
        self.socket.write_all(&octets)?;
        loop {
            match self.seen.take_fate(stream) {
                Some(Fate::OK) => return Ok(()),
                Some(fate) => return Err(io::Error::other(format!("a neighbour's call: {fate}"))),
                None => {}
            }
            if let Some(end) = &self.seen.end {
                return Err(io::Error::other(format!("a neighbour's connection: {end}")));
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> io::Result<()> {
        match self.socket.read(&mut self.buffer)? {
            0 => Err(io::Error::other("a neighbour's connection: close")),
            n => {
                self.seen.read(&self.buffer[..n]);
                Ok(())
            }
        }
    }
}
