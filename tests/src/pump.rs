//! The core's HTTP/2 alone on a tokio byte stream: the shortest driver that is whole.

use core::time::Duration;
use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant as Clock, sleep_until};
use unwired_core::http2::{Connection, Event};
use unwired_core::{Instant, Outbox};

/// Bytes asked of the core for one write.
const TRANSMIT_BUDGET: usize = 64 << 10;
/// Room that a read has at least.
const READ_ROOM: usize = 16 << 10;

/// What acts on the events of a connection.
pub trait App: Send + 'static {
    /// `event` happened, and is the next in order.
    fn on_event(&mut self, connection: &mut Connection, now: Instant, event: Event);
}

type Command<A> = Box<dyn FnOnce(&mut A, &mut Connection, Instant) + Send>;

/// A connection that a task drives. The task goes on when this is dropped, until the connection closes.
#[derive(Debug, Clone)]
pub struct Handle<A> {
    commands: mpsc::UnboundedSender<Command<A>>,
}

impl<A: App> Handle<A> {
    /// Runs `command` on the connection and its application, between events.
    ///
    /// # Panics
    ///
    /// When the connection is closed.
    pub async fn act<R, F>(&self, command: F) -> R
    where
        R: Send + 'static,
        F: FnOnce(&mut A, &mut Connection, Instant) -> R + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let command: Command<A> = Box::new(move |app, connection, now| {
            // Who asked may have gone in the meantime.
            let _ = tell.send(command(app, connection, now));
        });
        assert!(self.commands.send(command).is_ok(), "the connection is closed");
        told.await.expect("the connection is closed")
    }
}

/// Drives `connection` on `socket` in a task of its own.
pub fn spawn<A, S>(
    connection: Connection,
    app: A,
    socket: S,
) -> (Handle<A>, tokio::task::JoinHandle<io::Result<()>>)
where
    A: App,
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (commands, inbox) = mpsc::unbounded_channel();
    (Handle { commands }, tokio::spawn(drive(connection, app, socket, inbox)))
}

async fn drive<A, S>(
    mut connection: Connection,
    mut app: A,
    socket: S,
    mut commands: mpsc::UnboundedReceiver<Command<A>>,
) -> io::Result<()>
where
    A: App,
    S: AsyncRead + AsyncWrite,
{
    let epoch = Clock::now();
    let now = || Instant::ZERO + epoch.elapsed();
    let (mut reader, mut writer) = tokio::io::split(socket);
    let mut input = BytesMut::new();
    let mut out = Outbox::new();
    let mut shut_down = false;
    loop {
        // What one read brought is acted on in steps, with the events of each step in between.
        loop {
            let taken = connection.handle_input(now(), &input);
            input.advance(taken);
            while let Some(event) = connection.poll_event() {
                app.on_event(&mut connection, now(), event);
            }
            if taken == 0 || input.is_empty() {
                break;
            }
        }
        if out.is_empty() {
            connection.poll_transmit(now(), &mut out, TRANSMIT_BUDGET);
        }
        connection.check_invariants();
        if connection.is_closed() {
            return Ok(());
        }
        if connection.wants_shutdown() && out.is_empty() && !shut_down {
            shut_down = true;
            writer.shutdown().await?;
        }
        let timeout = connection.poll_timeout().map(|at| epoch + (at - Instant::ZERO));
        input.reserve(READ_ROOM);
        tokio::select! {
            read = reader.read_buf(&mut input), if input.is_empty() && connection.wants_input() => {
                // A reset by the peer ends the input as well.
                if matches!(read, Ok(0) | Err(_)) {
                    connection.handle_eof(now());
                }
            }
            written = writer.write_buf(&mut out), if !out.is_empty() => match written {
                Ok(_) => connection.handle_sent(now(), out.len()),
                Err(_) => {
                    out.clear();
                    connection.handle_sent(now(), 0);
                    connection.handle_eof(now());
                }
            },
            Some(command) = commands.recv() => command(&mut app, &mut connection, now()),
            () = sleep_until(timeout.unwrap_or(epoch)), if timeout.is_some() => connection.handle_timeout(now()),
        }
    }
}

/// Fails the test when `future` takes longer than anything in these tests may.
///
/// # Panics
///
/// When it does.
pub async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}
