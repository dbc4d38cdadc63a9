//! A session of TLS over a byte stream: a byte stream again.

use core::cell::Cell;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use rustls::{Connection, ServerConnection};

use super::error::{Other, explained, without_alpn};
use super::{ALPN, Connector, ServerTls};
use crate::transport::{BoxStream, ByteStream, Peer, TlsPeer};

/// What one read takes at most, bytes.
const READ_SIZE: usize = 64 << 10;

thread_local! {
    /// Lent to whichever session reads: an idle one holds no buffer.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(crate) struct TlsStream {
    socket: BoxStream,
    session: Connection,
    other: Other,
    peer: Peer,
    /// What was read and the session has not taken yet.
    unread: BytesMut,
    /// The other end writes no more.
    ended: bool,
    /// To be told once what came before it has been given out.
    fault: Option<io::Error>,
    said_goodbye: bool,
}

impl TlsStream {
    /// The client's side, once the server has proved who it is.
    pub(crate) async fn connect(socket: BoxStream, connector: &Connector) -> io::Result<Self> {
        let session = connector.session().map_err(|error| explained(error, Other::Server))?;
        Self::new(socket, session.into(), Other::Server).handshake().await.map_err(|failed| failed.error)
    }

    /// The server's side, once the client has proved who it is, if it has to.
    pub(crate) async fn accept(socket: BoxStream, tls: &ServerTls) -> Result<Self, Failed> {
        match tls.session() {
            Ok(session) => Self::new(socket, session.into(), Other::Client).handshake().await,
            Err(error) => Err(Failed { error: explained(error, Other::Client), socket }),
        }
    }

    pub(super) fn new(socket: BoxStream, session: Connection, other: Other) -> Self {
        let peer = socket.peer().clone();
        Self {
            socket,
            session,
            other,
            peer,
            unread: BytesMut::new(),
            ended: false,
            fault: None,
            said_goodbye: false,
        }
    }

    async fn handshake(mut self) -> Result<Self, Failed> {
        let outcome = poll_fn(|cx| {
            let outcome = ready!(self.poll_handshake(cx));
            if outcome.is_err() {
                // The other end is told why, if it has room for it: nobody waits for one that failed.
                let _ = self.poll_shutdown(cx);
            }
            Poll::Ready(outcome)
        });
        match outcome.await {
            Ok(()) => Ok(self),
            Err(error) => Err(Failed { error, socket: self.socket }),
        }
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.is_handshaking() {
            // Both ends may have something to say at once: who waits to be heard listens meanwhile.
            if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            if self.unread.is_empty() {
                ready!(self.poll_fill(cx))?;
                if self.ended {
                    let who = self.other.name();
                    return Poll::Ready(Err(io::Error::new(
                        ErrorKind::UnexpectedEof,
                        format!("TLS with {who}: it closed the connection amid the handshake"),
                    )));
                }
            }
            self.take_unread()?;
        }
        if self.session.alpn_protocol() != Some(ALPN) {
            return Poll::Ready(Err(without_alpn(self.other)));
        }
        let certificates = self.session.peer_certificates().unwrap_or_default();
        self.peer.tls = Some(Arc::new(TlsPeer {
            certificates: certificates.iter().map(|der| Bytes::copy_from_slice(der)).collect(),
            server_name: match &self.session {
                Connection::Server(session) => ServerConnection::server_name(session).map(str::to_owned),
                Connection::Client(_) => None,
            },
        }));
        // The last words of the handshake need not have gone: whatever is sent follows them.
        if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(()))
    }

    /// Reads from the socket into `unread`.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = SPARE.take();
        buffer.resize(READ_SIZE, 0);
        let read = self.socket.poll_read(cx, &mut buffer);
        if let Poll::Ready(Ok(read)) = &read {
            self.unread.extend_from_slice(buffer.get(..*read).unwrap_or_default());
            self.ended |= *read == 0;
        }
        SPARE.set(buffer);
        read.map_ok(|_| ())
    }

    /// Gives the session a part of what was read: it takes no more than it can give out.
    fn take_unread(&mut self) -> io::Result<()> {
        let mut rest = &self.unread[..];
        self.session.read_tls(&mut rest)?;
        let left = rest.len();
        self.unread.advance(self.unread.len() - left);
        if left == 0 {
            self.unread = BytesMut::new();
        }
        let state = self.session.process_new_packets().map_err(|error| explained(error, self.other))?;
        self.ended |= state.peer_has_closed();
        Ok(())
    }

    /// What has been decrypted, as much as `buffer` holds.
    fn decrypted(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.session.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            read => read,
        }
    }
}

/// A handshake that has failed.
pub(crate) struct Failed {
    pub(crate) error: io::Error,
    socket: BoxStream,
}

impl Failed {
    /// Reads on to the other end's end: a socket that is closed with something unread takes back what it has sent, and
    /// nobody would learn what was wrong.
    pub(crate) async fn linger(mut self) {
        poll_fn(|cx| {
            let mut buffer = [0; 1024];
            for _ in 0..64 {
                if !matches!(ready!(self.socket.poll_read(cx, &mut buffer)), Ok(1..)) {
                    return Poll::Ready(());
                }
            }
            // Who sends so much will not be told.
            Poll::Ready(())
        })
        .await;
    }
}

impl ByteStream for TlsStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut filled = 0;
        loop {
            let room = buffer.get_mut(filled..).unwrap_or_default();
            if room.is_empty() {
                return Poll::Ready(Ok(filled));
            }
            let read = self.decrypted(room)?;
            filled += read;
            if read > 0 {
                continue;
            }
            if self.fault.is_none() && !self.unread.is_empty() {
                self.fault = self.take_unread().err();
            } else if filled > 0 || (self.ended && self.fault.is_none()) {
                // HTTP/2 tells by its own frames whether what came is whole: an end without a goodbye is an end.
                return Poll::Ready(Ok(filled));
            } else if let Some(fault) = self.fault.take() {
                return Poll::Ready(Err(fault));
            } else {
                ready!(self.poll_fill(cx))?;
            }
        }
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // What was taken before goes first: no more than one buffer of it waits here.
        ready!(self.poll_flush(cx))?;
        let taken = self.session.writer().write_vectored(slices)?;
        match self.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            let mut socket = Socket { stream: &mut self.socket, cx };
            match self.session.write_tls(&mut socket) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.socket.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !core::mem::replace(&mut self.said_goodbye, true) {
            self.session.send_close_notify();
        }
        ready!(self.poll_flush(cx))?;
        self.socket.poll_shutdown(cx)
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// A byte stream as the session writes to it.
struct Socket<'a, 'b> {
    stream: &'a mut BoxStream,
    cx: &'a mut Context<'b>,
}

impl Write for Socket<'_, '_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buffer)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.stream.poll_write_vectored(self.cx, slices) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
