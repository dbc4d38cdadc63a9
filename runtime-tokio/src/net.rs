//! Sockets of tokio as byte streams.

use std::io::{self, ErrorKind, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use unwired::transport::{Address, ByteStream, Listen, Peer};

/// Connections that the system accepts before the program does.
const BACKLOG: u32 = 1024;

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
            Address::Unix(path) => Ok(Self::unix(UnixStream::connect(path).await?, address)),
            other => Err(unsupported(other)),
        }
    }

    fn tcp(stream: TcpStream) -> Self {
        // Whole bursts are written at once; waiting for more would only delay them. It fails where the peer is gone
        // already (macOS): reading tells that, and a listener must not take it for an error of its own.
        let _ = stream.set_nodelay(true);
        let peer = Peer {
            local: stream.local_addr().ok().map(Address::Tcp),
            remote: stream.peer_addr().ok().map(Address::Tcp),
        };
        Self { kind: Kind::Tcp(stream), peer }
    }

    #[cfg(unix)]
    fn unix(stream: UnixStream, at: &Address) -> Self {
        let peer = Peer { local: Some(at.clone()), remote: Some(at.clone()) };
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
pub enum Listener {
    /// Of TCP.
    Tcp(TcpListener),
    /// In the file system.
    #[cfg(unix)]
    Unix(UnixListener, Address),
}

impl Listener {
    pub(crate) fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => match bind_tcp(*address) {
                Err(error) if address.ip().is_unspecified() && has_no_ipv6(address, &error) => {
                    bind_tcp((Ipv4Addr::UNSPECIFIED, address.port()).into())
                }
                bound => bound,
            }
            .map(Self::Tcp),
            #[cfg(unix)]
            Address::Unix(path) => Ok(Self::Unix(UnixListener::bind(path)?, address.clone())),
            other => Err(unsupported(other)),
        }
    }
}

/// `[::]` takes IPv4 too where the system does not say otherwise.
fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    // Elsewhere the option means that two programs may listen at one port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Whether the system has no IPv6 to bind to.
fn has_no_ipv6(address: &SocketAddr, error: &io::Error) -> bool {
    // EAFNOSUPPORT has no kind of its own.
    const EAFNOSUPPORT: [i32; 3] = [97, 47, 10047];
    address.is_ipv6()
        && (matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported)
            || error.raw_os_error().is_some_and(|code| EAFNOSUPPORT.contains(&code)))
}

impl Listen for Listener {
    type Stream = Socket;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        match self {
            Self::Tcp(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| Socket::tcp(stream)),
            #[cfg(unix)]
            Self::Unix(listener, at) => {
                listener.poll_accept(cx).map_ok(|(stream, _)| Socket::unix(stream, at))
            }
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            #[cfg(unix)]
            Self::Unix(_, at) => Ok(at.clone()),
        }
    }
}

fn unsupported(address: &Address) -> io::Error {
    io::Error::new(ErrorKind::Unsupported, format!("tokio has no sockets for {address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ipv6_address_falls_back_and_not_from_a_port_that_is_taken() {
        let v6 = &"[::]:1".parse().unwrap();
        assert!(has_no_ipv6(v6, &ErrorKind::AddrNotAvailable.into()));
        assert!(has_no_ipv6(v6, &io::Error::from_raw_os_error(97)));
        assert!(!has_no_ipv6(v6, &ErrorKind::AddrInUse.into()));
        assert!(!has_no_ipv6(&"0.0.0.0:1".parse().unwrap(), &ErrorKind::AddrNotAvailable.into()));
    }
}
