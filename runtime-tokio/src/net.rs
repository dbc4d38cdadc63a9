//! Sockets of tokio as byte streams.

use std::io::{self, IoSlice};
#[cfg(unix)]
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use unwired::transport::{Address, ByteStream, Listen, Peer};
#[cfg(unix)]
use unwired_sockets::SocketFile;

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
            Address::Tcp(address) => Ok(Self::tcp(TcpStream::connect(address).await?)),
            #[cfg(unix)]
            Address::Unix(path) => Ok(Self::unix(UnixStream::connect(path).await?, path)),
            other => Err(unwired_sockets::unsupported(other)),
        }
    }

    fn tcp(stream: TcpStream) -> Self {
        let peer = unwired_sockets::tcp(&stream);
        Self { kind: Kind::Tcp(stream), peer }
    }

    #[cfg(unix)]
    fn unix(stream: UnixStream, path: &Path) -> Self {
        let peer = unwired_sockets::unix(&stream, path);
        Self { kind: Kind::Unix(stream), peer }
    }

    fn io(&mut self) -> Pin<&mut dyn AsyncReadWrite> {
        match &mut self.kind {
            Kind::Tcp(stream) => Pin::new(stream as &mut dyn AsyncReadWrite),
            #[cfg(unix)]
            Kind::Unix(stream) => Pin::new(stream),
        }
    }
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
pub struct Listener(Listening);

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    // The file is removed before its listener is closed: nobody finds it without one.
    #[cfg(unix)]
    Unix(SocketFile, UnixListener),
}

impl Listener {
    pub(crate) fn bind(address: &Address) -> io::Result<Self> {
        Ok(Self(match unwired_sockets::bind(address)? {
            unwired_sockets::Listener::Tcp(listener) => Listening::Tcp(TcpListener::from_std(listener)?),
            #[cfg(unix)]
            unwired_sockets::Listener::Unix(file, listener) => {
                Listening::Unix(file, UnixListener::from_std(listener)?)
            }
        }))
    }
}

impl Listen for Listener {
    type Stream = Socket;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        match &self.0 {
            Listening::Tcp(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| Socket::tcp(stream)),
            #[cfg(unix)]
            Listening::Unix(file, listener) => {
                listener.poll_accept(cx).map_ok(|(stream, _)| Socket::unix(stream, file.path()))
            }
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        match &self.0 {
            Listening::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            #[cfg(unix)]
            Listening::Unix(file, _) => Ok(Address::Unix(file.path().to_owned())),
        }
    }
}
