//! Sockets of tokio as byte streams.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
#[cfg(unix)]
use unwired::transport::Credentials;
use unwired::transport::{Address, ByteStream, Listen, Peer};
use unwired_sockets::Place;

/// A socket of tokio.
#[derive(Debug)]
pub struct Socket {
    kind: Kind,
    peer: Peer,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    pub(crate) async fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                let peer = unwired_sockets::tcp(&stream);
                Ok(Self { kind: Kind::Tcp(stream), peer })
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).await?;
                let peer = Peer { credentials: credentials(&stream), ..unwired_sockets::unix(&stream, path) };
                Ok(Self { kind: Kind::Unix(stream), peer })
            }
            other => Err(unwired_sockets::unsupported(other)),
        }
    }

    fn io(&mut self) -> Pin<&mut dyn AsyncReadWrite> {
        match &mut self.kind {
            Kind::Tcp(stream) => Pin::new(stream as &mut dyn AsyncReadWrite),
            #[cfg(unix)]
            Kind::Unix(stream) => Pin::new(stream),
        }
    }
}

/// As whom the peer connected, or listens.
#[cfg(unix)]
fn credentials(stream: &UnixStream) -> Option<Credentials> {
    let peer = stream.peer_cred().ok()?;
    // A process that this one cannot see, in a container's namespace, has the number 0.
    let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid != 0);
    Some(Credentials { uid: peer.uid(), gid: peer.gid(), pid })
}

trait AsyncReadWrite: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncReadWrite for T {}

impl ByteStream for Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        self.io().poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write_vectored(cx, slices)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// A listener of tokio.
#[derive(Debug)]
pub struct Listener {
    // Dropped first, as in the listener that this was.
    place: Place,
    kind: Listening,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    pub(crate) fn new(listener: unwired_sockets::Listener) -> io::Result<Self> {
        let (place, socket) = listener.into_parts();
        let kind = match place.address() {
            #[cfg(unix)]
            Address::Unix(_) => Listening::Unix(UnixListener::from_std(socket.into())?),
            _ => Listening::Tcp(TcpListener::from_std(socket.into())?),
        };
        Ok(Self { place, kind })
    }
}

impl Listen for Listener {
    type Stream = Socket;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        match &self.kind {
            Listening::Tcp(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| {
                let peer = self.place.peer_of(&stream);
                Socket { kind: Kind::Tcp(stream), peer }
            }),
            #[cfg(unix)]
            Listening::Unix(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| {
                let peer = Peer { credentials: credentials(&stream), ..self.place.peer_of(&stream) };
                Socket { kind: Kind::Unix(stream), peer }
            }),
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(self.place.address().clone())
    }

    fn turn_away(&mut self) -> Duration {
        match &self.kind {
            Listening::Tcp(listener) => self.place.turn_away(listener),
            #[cfg(unix)]
            Listening::Unix(listener) => self.place.turn_away(listener),
        }
    }
}
