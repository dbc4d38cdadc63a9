use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};

use bytes::Buf;
use unwired::transport::{BoxStream, ByteStream, RuntimeHandle, Sleep};
use unwired_core::http2::{Connection, Event, StreamKey};
use unwired_core::{Instant, Outbox};

/// Bytes that are read at a time.
const READ: usize = 16 << 10;
/// Bytes that are encoded before they are written.
const WRITE_BUDGET: usize = 64 << 10;
/// Pieces of one gathered write.
const MAX_SLICES: usize = 64;
/// Turns before others get theirs.
const MAX_TURNS: usize = 16;

/// What one end does on its connection.
pub(crate) trait Endpoint: Send {
    /// Acts on what happened.
    fn on_event(&mut self, connection: &mut Connection, now: Instant, event: Event);
}

/// Drives `connection` over `stream` to its end.
///
/// # Errors
///
/// Those of the stream.
pub(crate) async fn drive(
    connection: Connection,
    stream: BoxStream,
    runtime: RuntimeHandle,
    endpoint: impl Endpoint,
) -> io::Result<()> {
    let mut driver = Driver {
        connection,
        stream,
        endpoint,
        runtime,
        input: vec![0; READ],
        unread: Vec::new(),
        output: Outbox::new(),
        sleep: None,
        shut_down: false,
    };
    poll_fn(|cx| driver.poll(cx)).await
}

/// Drops what has come on `stream`, and lets the peer send as much again.
pub(crate) fn drop_data(connection: &mut Connection, stream: StreamKey) {
    let Some(data) = connection.recv_data(stream) else { return };
    let dropped = data.len();
    data.clear();
    connection.grant(stream, dropped);
}

struct Driver<E> {
    connection: Connection,
    stream: BoxStream,
    endpoint: E,
    runtime: RuntimeHandle,
    input: Vec<u8>,
    /// Input that the connection would not take yet; nothing is read while there is some.
    unread: Vec<u8>,
    /// Output that the stream would not take yet.
    output: Outbox,
    /// What wakes us, and when.
    sleep: Option<(Instant, Sleep)>,
    shut_down: bool,
}

impl<E: Endpoint> Driver<E> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..MAX_TURNS {
            let now = self.runtime.now();
            if self.connection.poll_timeout().is_some_and(|at| at <= now) {
                self.connection.handle_timeout(now);
            }
            let moved = self.read(cx, now)?;
            while let Some(event) = self.connection.poll_event() {
                self.endpoint.on_event(&mut self.connection, now, event);
            }
            let blocked = match self.write(cx, now) {
                Poll::Ready(written) => {
                    written?;
                    false
                }
                Poll::Pending => true,
            };
            self.connection.handle_sent(now, self.output.len());
            if self.connection.is_closed() {
                return Poll::Ready(Ok(()));
            }
            if self.connection.wants_shutdown() && !self.shut_down {
                self.shut_down = self.stream.poll_shutdown(cx)?.is_ready();
            }
            let wants_turn = moved || (!blocked && self.connection.wants_transmit());
            if !wants_turn && self.poll_sleep(cx).is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gives the connection what it has not taken yet, or what is there to be read. Answers whether it took any.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> io::Result<bool> {
        if !self.connection.wants_input() {
            return Ok(false);
        }
        if !self.unread.is_empty() {
            let taken = self.connection.handle_input(now, &self.unread);
            self.unread.drain(..taken);
            return Ok(true);
        }
        let Poll::Ready(read) = self.stream.poll_read(cx, &mut self.input) else { return Ok(false) };
        match self.input.get(..read?).unwrap_or_default() {
            [] => self.connection.handle_eof(now),
            input => {
                let taken = self.connection.handle_input(now, input);
                self.unread.extend_from_slice(input.get(taken..).unwrap_or_default());
            }
        }
        Ok(true)
    }

    /// Writes what is there and what the connection adds to it. Ready when the stream took all.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<()>> {
        if self.output.is_empty() {
            self.connection.handle_sent(now, 0);
            self.connection.poll_transmit(now, &mut self.output, WRITE_BUDGET);
        }
        while self.output.has_remaining() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let filled = self.output.chunks_vectored(&mut slices);
            let slices = slices.get(..filled).unwrap_or_default();
            match ready!(self.stream.poll_write_vectored(cx, slices))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.output.advance(written),
            }
        }
        self.stream.poll_flush(cx)
    }

    /// Ready when the connection's next timer is due.
    fn poll_sleep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.connection.poll_timeout() else { return Poll::Pending };
        if self.sleep.as_ref().is_none_or(|(armed, _)| *armed != at) {
            self.sleep = Some((at, self.runtime.sleep_until(at)));
        }
        let Some((_, sleep)) = &mut self.sleep else { return Poll::Pending };
        ready!(Pin::new(sleep).poll(cx));
        self.sleep = None;
        Poll::Ready(())
    }
}
