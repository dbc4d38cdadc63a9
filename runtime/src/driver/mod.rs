//! One connection, driven: read, act, write, sleep. The same for client and server, and the only place that touches
//! wakers.

mod link;
mod scratch;
mod wakers;

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Buf;
use unwired_core::{Instant, Outbox};

pub(crate) use link::{Link, Protocol};
pub(crate) use wakers::keep;

use crate::transport::{BoxStream, ByteStream, RuntimeHandle, Timer};
use scratch::Scratch;

/// Bytes that are encoded before they are written.
const WRITE_BUDGET: usize = 64 << 10;
/// Pieces of one gathered write.
const MAX_SLICES: usize = 64;
/// Turns before others get theirs.
const MAX_TURNS: usize = 16;

/// What one side does with the events of its connection.
pub(crate) trait Side: Send + Unpin + 'static {
    type Protocol: Protocol;

    /// Drains the events of the connection and acts on them. Answers whether there were any.
    fn act(&mut self, link: &Arc<Link<Self::Protocol>>, now: Instant) -> bool;

    /// The connection is over, and the driver with it.
    fn on_end(&mut self, why: Option<io::Error>);
}

/// The loop of one connection, as a future that ends with it.
pub(crate) struct Driver<S: Side> {
    link: Arc<Link<S::Protocol>>,
    side: S,
    stream: BoxStream,
    runtime: RuntimeHandle,
    timer: Box<dyn Timer>,
    /// What the timer is set to.
    armed: Option<Instant>,
    /// Input that the connection would not take yet.
    unread: Vec<u8>,
    /// Output that the socket would not take yet.
    unsent: Outbox,
    eof: bool,
    shut_down: bool,
    error: Option<io::Error>,
    is_over: bool,
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
            eof: false,
            shut_down: false,
            error: None,
            is_over: false,
        }
    }

    /// Reads and gives the connection what it takes. Answers whether anything moved.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant, buffer: &mut [u8]) -> bool {
        if !self.unread.is_empty() {
            let taken = self.link.drive(|conn| conn.handle_input(now, &self.unread));
            self.unread.drain(..taken);
            return taken > 0;
        }
        if self.eof || !self.link.drive(|conn| conn.wants_input()) {
            return false;
        }
        match self.stream.poll_read(cx, buffer) {
            Poll::Pending => false,
            Poll::Ready(Ok(0)) => {
                self.on_eof(now);
                true
            }
            Poll::Ready(Ok(read)) => {
                let input = buffer.get(..read).unwrap_or_default();
                let taken = self.link.drive(|conn| conn.handle_input(now, input));
                self.unread.extend_from_slice(input.get(taken..).unwrap_or_default());
                true
            }
            Poll::Ready(Err(error)) => {
                self.fail(now, error);
                true
            }
        }
    }

    /// Encodes and writes what the socket takes. Answers whether anything moved.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant, scratch: &mut Outbox) -> bool {
        let mut moved = false;
        loop {
            let (out, is_rest) =
                if self.unsent.is_empty() { (&mut *scratch, false) } else { (&mut self.unsent, true) };
            if !is_rest {
                self.link.drive(|conn| conn.poll_transmit(now, out, WRITE_BUDGET));
                if out.is_empty() {
                    return moved;
                }
            }
            let before = out.len();
            let written = write_all(&mut self.stream, cx, out);
            let left = out.len();
            moved |= left < before;
            if !is_rest && left > 0 {
                scratch.move_to(&mut self.unsent);
            }
            match written {
                Poll::Ready(Err(error)) => {
                    self.fail(now, error);
                    return true;
                }
                Poll::Ready(Ok(())) => self.link.drive(|conn| conn.handle_sent(now, 0)),
                Poll::Pending => {
                    self.link.drive(|conn| conn.handle_sent(now, left));
                    return moved;
                }
            }
        }
    }

    fn on_eof(&mut self, now: Instant) {
        self.eof = true;
        self.link.drive(|conn| conn.handle_eof(now));
    }

    /// The socket is broken: nothing more goes either way.
    fn fail(&mut self, now: Instant, error: io::Error) {
        self.error.get_or_insert(error);
        self.unsent.clear();
        self.shut_down = true;
        self.on_eof(now);
        self.link.drive(|conn| conn.handle_sent(now, 0));
    }

    /// Sets the timer to what the connection waits for. Answers whether that is now.
    fn sleep(&mut self, cx: &mut Context<'_>, at: Option<Instant>) -> bool {
        let Some(at) = at else { return false };
        if self.armed != Some(at) {
            self.timer.reset(at);
            self.armed = Some(at);
        }
        if self.timer.poll_expired(cx).is_pending() {
            return false;
        }
        self.armed = None;
        true
    }

    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Turn {
        let now = self.runtime.now();
        let mut moved = self.read(cx, now, &mut scratch.input);
        moved |= self.side.act(&self.link, now);
        moved |= self.write(cx, now, &mut scratch.output);
        moved |= self.side.act(&self.link, now);
        let (shut_down, closed) = self.link.drive(|conn| (conn.wants_shutdown(), conn.is_closed()));
        if shut_down && !self.shut_down && self.unsent.is_empty() {
            self.shut_down = true;
            // Whether it arrives or not: the connection is over.
            let _ = self.stream.poll_shutdown(cx);
        }
        match (closed || (shut_down && self.eof), moved) {
            (true, _) => Turn::Closed,
            (false, true) => Turn::Again,
            (false, false) => Turn::Sleep,
        }
    }
}

/// What comes after a turn.
enum Turn {
    Again,
    Sleep,
    Closed,
}

impl<S: Side> Future for Driver<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut scratch = Scratch::take();
        this.link.begin();
        for _ in 0..MAX_TURNS {
            match this.turn(cx, &mut scratch) {
                Turn::Again => {}
                Turn::Closed => {
                    this.is_over = true;
                    this.side.on_end(this.error.take());
                    return Poll::Ready(());
                }
                Turn::Sleep => {
                    // From here on whoever gives the connection something to do wakes this task.
                    let Some(next) = this.link.end(cx.waker()) else { continue };
                    if !this.sleep(cx, next) {
                        return Poll::Pending;
                    }
                    this.link.begin();
                    let now = this.runtime.now();
                    this.link.drive(|conn| conn.handle_timeout(now));
                }
            }
        }
        let _ = this.link.end(cx.waker());
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
        let now = self.runtime.now();
        self.fail(now, io::Error::other("the runtime of the connection has ended"));
        self.link.drive(|conn| conn.close(now));
        self.side.act(&self.link, now);
        self.side.on_end(self.error.take());
    }
}

/// Writes all of `out`, as far as the socket takes it.
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
    Poll::Ready(Ok(()))
}

/// Wakes all of `wakers`, outside of any lock.
pub(crate) fn wake_all(wakers: &mut Vec<Waker>) {
    for waker in wakers.drain(..) {
        waker.wake();
    }
}
