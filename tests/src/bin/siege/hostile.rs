//! One connection of the attacker.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use unwired_core::http2::frame::{FrameHead, HEAD_LEN, Kind};

use crate::seen::{End, Seen};
use crate::wire;

/// Octets that leave in one write.
const WRITE: usize = 64 << 10;
/// How long one write may wait before it is looked whether the connection is over.
const WRITE_TIMEOUT: Duration = Duration::from_millis(100);
/// Octets that one connection sends at most.
const MOST_SENT: u64 = 1 << 30;
/// A server that takes nothing for so long makes the attacker wait.
const STALL: Duration = Duration::from_millis(500);
/// How long the attacker listens for what becomes of its last octets.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The connection is over, or the time is.
pub(crate) struct Over;

/// The writing half, and what the reading half has seen.
pub(crate) struct Hostile {
    socket: TcpStream,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    /// When the attack ends.
    deadline: Instant,
    begun: Instant,
    sent: u64,
    /// Our preface and SETTINGS are out: what the server is owed may follow.
    has_greeted: bool,
    next_stream: u32,
    /// The server has let us wait.
    pub(crate) stalled: bool,
}

struct Shared {
    seen: Mutex<Seen>,
    news: Condvar,
    /// Nothing is read at present.
    deaf: AtomicBool,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hostile {
    /// Connects and says nothing.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) fn connect(address: SocketAddr, deadline: Instant) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen::new()),
            news: Condvar::new(),
            deaf: AtomicBool::new(false),
        });
        let reader = socket.try_clone()?;
        reader.set_read_timeout(Some(Duration::from_millis(50)))?;
        let reader = thread::spawn({
            let shared = Arc::clone(&shared);
            move || listen(reader, &shared)
        });
        Ok(Self {
            socket,
            shared,
            reader: Some(reader),
            deadline,
            begun: Instant::now(),
            sent: 0,
            has_greeted: false,
            next_stream: 1,
            stalled: false,
        })
    }

    /// Begins as every client does, with `parameters` for SETTINGS, and hears the server out.
    pub(crate) fn greet(&mut self, parameters: &[(u16, u32)]) -> Result<(), Over> {
        self.send(&[wire::PREFACE, &wire::settings(parameters)].concat())?;
        self.has_greeted = true;
        self.wait(Duration::from_secs(5), |seen| seen.is_greeted.then_some(())).map(drop)?;
        self.send(&[])
    }

    /// The next stream's number.
    pub(crate) fn stream(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        stream
    }

    /// Sends `octets`, and what the server is owed before them.
    pub(crate) fn send(&mut self, octets: &[u8]) -> Result<(), Over> {
        let owed = owed(&mut self.seen(), self.has_greeted);
        self.write(&owed)?;
        self.write(octets)
    }

    fn write(&mut self, mut octets: &[u8]) -> Result<(), Over> {
        let mut since = Instant::now();
        while !octets.is_empty() {
            if self.is_over() {
                return Err(Over);
            }
            match self.socket.write(octets) {
                Ok(0) => return Err(Over),
                Ok(n) => {
                    self.sent += n as u64;
                    octets = &octets[n..];
                    since = Instant::now();
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    self.stalled |= since.elapsed() > STALL;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // What the server said last may still be on its way to the reader.
                    let _ = self.wait(Duration::from_millis(200), |seen| seen.is_over.then_some(()));
                    return Err(Over);
                }
            }
        }
        Ok(())
    }

    /// Sends what `round` makes, round after round, until the connection or the time is over.
    pub(crate) fn flood(&mut self, mut round: impl FnMut(u32) -> Vec<u8>) -> Result<(), Over> {
        let mut batch = Vec::with_capacity(2 * WRITE);
        let mut n = 0;
        loop {
            batch.clear();
            while batch.len() < WRITE {
                batch.extend(round(n));
                n += 1;
            }
            self.send(&batch)?;
        }
    }

    /// As [`flood`](Self::flood), with the next stream for each round.
    pub(crate) fn flood_streams(&mut self, mut round: impl FnMut(u32) -> Vec<u8>) -> Result<(), Over> {
        let first = self.stream();
        self.flood(|n| round(first + 2 * n))
    }

    /// Waits for what `sought` finds, for `patience` at most.
    pub(crate) fn wait<T>(
        &mut self,
        patience: Duration,
        mut sought: impl FnMut(&mut Seen) -> Option<T>,
    ) -> Result<Option<T>, Over> {
        let until = self.deadline.min(Instant::now() + patience);
        loop {
            let mut seen = self.shared.seen();
            if let Some(found) = sought(&mut seen) {
                return Ok(Some(found));
            }
            if seen.is_over {
                return Err(Over);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(seen);
                return if Instant::now() >= self.deadline { Err(Over) } else { Ok(None) };
            }
            let owed = owed(&mut seen, self.has_greeted);
            if owed.is_empty() {
                drop(self.shared.news.wait_timeout(seen, left));
            } else {
                drop(seen);
                self.write(&owed)?;
            }
        }
    }

    /// Sends frames as soon as the DATA among them fits into the window of the connection.
    pub(crate) fn send_in_window(&mut self, frames: &[u8]) -> Result<(), Over> {
        let octets = data_octets(frames);
        let fits = |seen: &mut Seen| (seen.window >= octets).then(|| seen.window -= octets);
        while self.wait(Duration::from_secs(60), fits)?.is_none() {}
        self.send(frames)
    }

    /// Does nothing for `time`.
    pub(crate) fn pause(&mut self, time: Duration) -> Result<(), Over> {
        self.wait(time, |_| None::<()>).map(drop)
    }

    /// Does nothing until the connection or the time is over.
    pub(crate) fn hold(&mut self) -> Result<(), Over> {
        loop {
            self.pause(Duration::from_secs(60))?;
        }
    }

    /// Reads nothing from now on.
    pub(crate) fn stop_reading(&self) {
        self.shared.deaf.store(true, Ordering::Relaxed);
    }

    /// What the server has said up to now.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen()
    }

    /// Whether the server wants no more, or enough was sent.
    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline || self.sent >= MOST_SENT || {
            let seen = self.seen();
            seen.is_over || seen.end.is_some()
        }
    }

    /// Hears what the server has to say yet, and hangs up. Answers how the server ended the connection, and how long after its
    /// beginning, if it did.
    pub(crate) fn finish(&mut self) -> Option<(End, Duration)> {
        self.shared.deaf.store(false, Ordering::Relaxed);
        let until = Instant::now() + LAST_WORDS;
        let mut seen = self.shared.seen();
        while !matches!(seen.end, Some(End::GoAway(..) | End::Http1(_))) && !seen.is_over {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            seen = match self.shared.news.wait_timeout(seen, left) {
                Ok((seen, _)) => seen,
                Err(error) => error.into_inner().0,
            };
        }
        let end = seen.end.clone().zip(seen.ended_at.map(|at| at - self.begun));
        drop(seen);
        // It may have been closed from the other side.
        let _ = self.socket.shutdown(Shutdown::Both);
        end
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        self.shared.deaf.store(false, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            // It has no way to fail.
            let _ = reader.join();
        }
    }
}

/// What the server is to be answered now: nothing precedes a client's preface, though servers speak ahead of it.
fn owed(seen: &mut Seen, has_greeted: bool) -> Vec<u8> {
    if has_greeted { std::mem::take(&mut seen.owed) } else { Vec::new() }
}

/// Octets that the DATA among `frames` takes from a window.
fn data_octets(mut frames: &[u8]) -> i64 {
    let mut octets = 0;
    while let Some(head) = frames.first_chunk::<HEAD_LEN>().map(FrameHead::parse) {
        if head.kind == Kind::Data {
            octets += i64::from(head.length);
        }
        frames = frames.get(HEAD_LEN + head.length as usize..).unwrap_or_default();
    }
    octets
}

/// Reads until nothing more comes.
fn listen(mut socket: TcpStream, shared: &Shared) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        if shared.deaf.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
            continue;
        }
        let read = socket.read(&mut buffer);
        let mut seen = shared.seen();
        match read {
            Ok(0) => seen.close(),
            Ok(n) => seen.read(&buffer[..n]),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                continue;
            }
            Err(_) => seen.close(),
        }
        let over = seen.is_over;
        drop(seen);
        shared.news.notify_all();
        if over {
            return;
        }
    }
}
