//! One connection, driven: read, act, write, sleep. The same for client and server, and the only place that touches
//! wakers.

pub(crate) mod events;
mod link;
mod scratch;
mod wakers;

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Buf;
use unwired_core::{Instant, Outbox};

pub(crate) use link::{Handlers, Link, Protocol, Shared};
#[cfg(feature = "mount")]
pub(crate) use wakers::CallWakers;
pub(crate) use wakers::{keep, wake_all};

use crate::codec::give_back;
use crate::transport::{BoxStream, ByteStream, RuntimeHandle, Timer};
use scratch::Scratch;

/// Bytes that are encoded before they are written.
const WRITE_BUDGET: usize = 256 << 10;
/// Pieces of one gathered write.
const MAX_SLICES: usize = 64;
/// Turns before others get theirs.
const MAX_TURNS: usize = 16;

/// What one side does with the events of its connection.
pub(crate) trait Side: Send + Unpin + 'static {
    type Protocol: Protocol;

    /// Drains the events of the connection, under its lock: notes who is to be woken and what is to be run.
    fn on_events(&mut self, shared: &mut Shared<Self::Protocol>);

    /// Wakes and runs what was noted, outside of the lock. Answers whether anything ran.
    fn run(&mut self, link: &Arc<Link<Self::Protocol>>) -> bool;

    /// The connection is over, and the driver with it.
    fn on_end(&mut self, link: &Arc<Link<Self::Protocol>>, why: Option<io::Error>);
}

/// The loop of one connection, as a future that ends with it.
pub(crate) struct Driver<S: Side> {
    link: Arc<Link<S::Protocol>>,
    side: S,
    stream: BoxStream,
    runtime: RuntimeHandle,
    timer: Box<dyn Timer>,
    /// When the timer wakes us; earlier than need be, but never later.
    armed: Option<Instant>,
    /// Input that the connection would not take yet; nothing is read while there is some.
    unread: Vec<u8>,
    /// Output that the socket would not take yet.
    unsent: Outbox,
    /// Whether the connection takes input, as it said at the end of the last turn.
    wants_input: bool,
    shut_down: bool,
    error: Option<io::Error>,
    is_over: bool,
}

/// What comes after a turn.
enum Turn {
    Again,
    Sleep(Option<Instant>),
    Closed,
}

impl<S: Side> Driver<S> {
    pub(crate) fn new(
        link: Arc<Link<S::Protocol>>,
        side: S,
        stream: BoxStream,
        runtime: RuntimeHandle,
    ) -> Self {
        let timer = runtime.timer();
        Self {
            link,
            side,
            stream,
            runtime,
            timer,
            armed: None,
            unread: Vec::new(),
            unsent: Outbox::new(),
            wants_input: true,
            shut_down: false,
            error: None,
            is_over: false,
        }
    }

    /// Reads once, acts, writes what came of it. Three short locks, and the socket is touched between them.
    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Turn {
        let now = self.runtime.now();
        give_back(now);
        let read = self.read(cx, &mut scratch.input);
        let moved = read.is_some() || !self.unread.is_empty();
        self.act(now, read.and_then(|read| scratch.input.get(..read)));
        // Handlers take their time.
        let now = if self.side.run(&self.link) { self.runtime.now() } else { now };
        let written = self.write(cx, now, &mut scratch.output);
        let blocked = written.is_pending();
        if let Poll::Ready(Err(error)) = written {
            // What the peer had said before it went can still be read: a GOAWAY, or the status of a call.
            while let Some(read @ 1..) = self.read(cx, &mut scratch.input) {
                self.act(now, scratch.input.get(..read));
            }
            self.error.get_or_insert(error);
        }
        let turn = self.settle(cx, now, moved, blocked);
        self.side.run(&self.link);
        turn
    }

    /// Reads what is there, if it is wanted. `Some(0)` is the end.
    fn read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Option<usize> {
        if !self.wants_input || !self.unread.is_empty() {
            return None;
        }
        match self.stream.poll_read(cx, buffer) {
            Poll::Pending => None,
            Poll::Ready(Ok(read)) => Some(read),
            Poll::Ready(Err(error)) => {
                self.error.get_or_insert(error);
                Some(0)
            }
        }
    }

    /// Gives the connection the time and what was read.
    fn act(&mut self, now: Instant, input: Option<&[u8]>) {
        let mut shared = self.link.lock();
        shared.begin();
        let conn = &mut shared.conn;
        if conn.poll_timeout().is_some_and(|at| at <= now) {
            conn.handle_timeout(now);
        }
        if !self.unread.is_empty() {
            let taken = conn.handle_input(now, &self.unread);
            self.unread.drain(..taken.min(self.unread.len()));
            if self.unread.is_empty() {
                // It was a burst, and the connection may be idle after it.
                self.unread = Vec::new();
            }
        }
        match input {
            Some([]) => {
                self.wants_input = false;
                conn.handle_eof(now);
            }
            Some(input) => {
                let taken = conn.handle_input(now, input);
                self.unread.extend_from_slice(input.get(taken..).unwrap_or_default());
            }
            None => {}
        }
        self.side.on_events(&mut shared);
    }

    /// Encodes and writes what the socket takes.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant, scratch: &mut Outbox) -> Poll<io::Result<()>> {
        let had_unsent = !self.unsent.is_empty();
        ready!(write_all(&mut self.stream, cx, &mut self.unsent))?;
        if had_unsent {
            self.unsent = Outbox::new();
        }
        let mut shared = self.link.lock();
        shared.conn.handle_sent(now, 0);
        shared.conn.poll_transmit(now, scratch, WRITE_BUDGET);
        self.side.on_events(&mut shared);
        drop(shared);
        let written = write_all(&mut self.stream, cx, scratch);
        if written.is_pending() {
            scratch.move_to(&mut self.unsent);
        } else {
            scratch.clear();
        }
        written
    }

    /// Tells the connection what became of its output, and sees what is next.
    fn settle(&mut self, cx: &mut Context<'_>, now: Instant, moved: bool, blocked: bool) -> Turn {
        if self.error.is_some() {
            // Nothing more goes either way.
            self.end(now);
            return Turn::Closed;
        }
        let mut shared = self.link.lock();
        // What a stream took and holds back is not gone either.
        shared.conn.handle_sent(now, self.unsent.len().max(usize::from(blocked)));
        self.side.on_events(&mut shared);
        if shared.conn.is_closed() {
            return Turn::Closed;
        }
        self.wants_input = shared.conn.wants_input();
        if shared.conn.wants_shutdown() && !self.shut_down {
            drop(shared);
            // Whether it arrives or not: the connection is over.
            self.shut_down = self.stream.poll_shutdown(cx).is_ready();
            shared = self.link.lock();
        }
        if (moved && self.wants_input) || (!blocked && shared.conn.wants_transmit()) {
            return Turn::Again;
        }
        Turn::Sleep(shared.end(cx.waker()))
    }

    /// Ends the connection without another word.
    fn end(&mut self, now: Instant) {
        let mut shared = self.link.lock();
        shared.conn.handle_eof(now);
        shared.conn.close(now);
        self.side.on_events(&mut shared);
    }

    /// Sets the timer to what the connection waits for. Answers whether that is now.
    fn is_due(&mut self, cx: &mut Context<'_>, at: Option<Instant>) -> bool {
        let Some(at) = at else { return false };
        // A timer that is early costs a turn now and then; setting it costs something every time.
        if self.armed.is_none_or(|armed| at < armed) {
            self.timer.reset(at);
            self.armed = Some(at);
        }
        if self.timer.poll_expired(cx).is_pending() {
            return false;
        }
        self.armed = None;
        true
    }
}

impl<S: Side> Future for Driver<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut scratch = Scratch::take();
        for _ in 0..MAX_TURNS {
            match this.turn(cx, &mut scratch) {
                Turn::Again => {}
                Turn::Sleep(until) if !this.is_due(cx, until) => return Poll::Pending,
                Turn::Sleep(_) => {}
                Turn::Closed => {
                    this.is_over = true;
                    this.side.on_end(&this.link, this.error.take());
                    return Poll::Ready(());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: Side> Drop for Driver<S> {
    /// A runtime that ends drops its tasks: whoever waits for the connection elsewhere is told.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.end(self.runtime.now());
        self.side.run(&self.link);
        let error = io::Error::other("the runtime of the connection has ended");
        self.side.on_end(&self.link, Some(error));
    }
}

/// Writes all of `out` and what the stream holds back, as far as the socket takes it.
fn write_all(stream: &mut BoxStream, cx: &mut Context<'_>, out: &mut Outbox) -> Poll<io::Result<()>> {
    while out.has_remaining() {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let filled = out.chunks_vectored(&mut slices);
        let slices = slices.get(..filled).unwrap_or_default();
        match stream.poll_write_vectored(cx, slices) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(Ok(written)) => out.advance(written.min(out.len())),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
    }
    stream.poll_flush(cx)
}
