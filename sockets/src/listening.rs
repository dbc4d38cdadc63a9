use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;

use socket2::{Domain, Protocol, Socket, Type};
use unwired::transport::Address;

#[cfg(unix)]
use crate::SocketFile;
use crate::unsupported;

/// Connections that the system accepts before the program does.
pub(crate) const BACKLOG: i32 = 1024;

/// An open listener that does not block.
#[derive(Debug)]
pub enum Listener {
    /// Of TCP.
    Tcp(TcpListener),
    /// In the file system. The file comes first, to be removed before its listener is closed: so nobody finds it without
    /// one.
    #[cfg(unix)]
    Unix(SocketFile, UnixListener),
}

/// Listens at `address`, without blocking.
///
/// `[::]` takes IPv4 too, and stands for `0.0.0.0` where the system has no IPv6. A socket in the file system that nobody
/// listens at any more, left there by a program that was killed, is replaced.
///
/// # Errors
///
/// Those of the system: [`ErrorKind::AddrInUse`] when somebody listens there. [`ErrorKind::AlreadyExists`] when the path
/// is that of something else than a socket. [`ErrorKind::Unsupported`] for an address that is none of the system's.
pub fn bind(address: &Address) -> io::Result<Listener> {
    match address {
        Address::Tcp(address) => match bind_tcp(*address) {
            Err(error) if address.ip().is_unspecified() && has_no_ipv6(address, &error) => {
                bind_tcp((Ipv4Addr::UNSPECIFIED, address.port()).into())
            }
            bound => bound,
        }
        .map(Listener::Tcp),
        #[cfg(unix)]
        Address::Unix(path) => SocketFile::bind(path).map(|(file, listener)| Listener::Unix(file, listener)),
        other => Err(unsupported(other)),
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Not what every system starts with, and one that never does it (OpenBSD) still listens.
        let _ = socket.set_only_v6(false);
    }
    // Elsewhere the option means that two programs may listen at one port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Whether the system has no IPv6 to bind to.
fn has_no_ipv6(address: &SocketAddr, error: &io::Error) -> bool {
    // EAFNOSUPPORT has no kind of its own.
    const EAFNOSUPPORT: [i32; 3] = [97, 47, 10047];
    address.is_ipv6()
        && (matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported)
            || error.raw_os_error().is_some_and(|code| EAFNOSUPPORT.contains(&code)))
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

    #[test]
    fn a_port_is_taken_once() {
        let Listener::Tcp(first) = bind(&Address::Tcp("127.0.0.1:0".parse().unwrap())).unwrap() else {
            panic!("no TCP");
        };
        let taken = Address::Tcp(first.local_addr().unwrap());
        assert_eq!(bind(&taken).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(first.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn memory_is_no_place_for_a_socket() {
        assert_eq!(bind(&Address::Memory).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
