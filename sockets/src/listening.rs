use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use unwired::transport::Address;

#[cfg(unix)]
use crate::SocketFile;
use crate::unsupported;

/// Connections that the system accepts before the program does.
const BACKLOG: i32 = 1024;

/// How long a handshake of TCP that has begun may take to end: beyond, few clients are as far away.
#[cfg(any(target_os = "linux", target_os = "android"))]
const HANDSHAKES: Duration = Duration::from_millis(500);

/// How to listen.
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// let address = "[::]:50051".parse::<std::net::SocketAddr>().map_err(std::io::Error::other)?;
/// let listener = unwired_sockets::Bind::new().reuse_port(true).listen(&address.into())?;
/// # drop(listener);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Bind {
    reuse_port: bool,
    backlog: i32,
}

impl Bind {
    /// Alone at its address, with a backlog of 1024.
    pub const fn new() -> Self {
        Self { reuse_port: false, backlog: BACKLOG }
    }

    /// Listens where another process of the same user may listen too, if that one said so as well: `SO_REUSEPORT`. The new
    /// process of a restart listens first, and then the old one stops. A socket in the file system is taken over instead:
    /// from then on clients find the new one, and whoever listened there before keeps what it has.
    ///
    /// On Linux the system shares new connections out among the processes, and none is lost when one of them stops: see
    /// [`Place::turn_away`]. Elsewhere those that wait for the old process may be reset. Windows has no such thing.
    #[must_use]
    pub const fn reuse_port(mut self, reuse_port: bool) -> Self {
        self.reuse_port = reuse_port;
        self
    }

    /// How many connections the system completes before the program accepts them; it has a limit of its own
    /// (`net.core.somaxconn`).
    #[must_use]
    pub const fn backlog(mut self, backlog: i32) -> Self {
        self.backlog = backlog;
        self
    }

    /// Listens at `address`, without blocking.
    ///
    /// `[::]` takes IPv4 too, and stands for `0.0.0.0` where the system has no IPv6. A socket in the file system that nobody
    /// listens at any more, left there by a program that was killed, is replaced.
    ///
    /// # Errors
    ///
    /// Those of the system, with the address: [`ErrorKind::AddrInUse`] when somebody listens there. [`ErrorKind::AlreadyExists`] when the path
    /// is that of something else than a socket. [`ErrorKind::Unsupported`] for an address that is none of the system's.
    pub fn listen(&self, address: &Address) -> io::Result<Listener> {
        match address {
            Address::Tcp(address) => match self.tcp(*address) {
                Err(error) if address.ip().is_unspecified() && has_no_ipv6(address, &error) => {
                    self.tcp((Ipv4Addr::UNSPECIFIED, address.port()).into())
                }
                bound => bound,
            }
            .map_err(|error| cannot_listen(*address, &error)),
            #[cfg(unix)]
            Address::Unix(path) => self.unix(path),
            other => Err(unsupported(other)),
        }
    }

    fn tcp(&self, address: SocketAddr) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            // Not what every system starts with, and one that never does it (OpenBSD) still listens.
            let _ = socket.set_only_v6(false);
        }
        // Elsewhere the option means that two programs may listen at one port.
        #[cfg(unix)]
        {
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(self.reuse_port)?;
        }
        socket.bind(&address.into())?;
        socket.listen(self.backlog)?;
        let mut listener = Listener::new(socket)?;
        listener.place.is_shared = self.reuse_port;
        Ok(listener)
    }

    #[cfg(unix)]
    fn unix(&self, path: &Path) -> io::Result<Listener> {
        let (file, socket) = SocketFile::bind(path, self.backlog, self.reuse_port)?;
        let mut listener = Listener::new(socket)?;
        listener.place.file = Some(file);
        // Its own name may be the one that it had before it took this one.
        listener.place.address = Address::Unix(path.to_owned());
        Ok(listener)
    }
}

impl Default for Bind {
    fn default() -> Self {
        Self::new()
    }
}

/// An open listener that does not block: one of [`Bind`], one that was [`inherited`](crate::inherited()), or any socket that
/// listens.
#[derive(Debug)]
pub struct Listener {
    // Dropped first: the file goes before its listener is closed, so that nobody finds it without one.
    place: Place,
    socket: Socket,
}

impl Listener {
    /// A socket that listens already: a `TcpListener` or a `UnixListener` of the standard library, or a file descriptor that
    /// the program was given.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a socket that is no stream or does not listen, [`ErrorKind::Unsupported`] for one of
    /// another family than TCP and unix sockets; those of the system.
    pub fn new(socket: impl Into<Socket>) -> io::Result<Self> {
        let socket = socket.into();
        if !listens(&socket)? {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "the socket does not accept connections: it has to be a stream that listens (systemd: ListenStream=, Accept=no)",
            ));
        }
        socket.set_nonblocking(true)?;
        let place = Place {
            address: address_of(&socket)?,
            #[cfg(unix)]
            file: None,
            is_shared: false,
        };
        Ok(Self { place, socket })
    }

    /// Where it listens.
    pub const fn address(&self) -> &Address {
        self.place.address()
    }

    /// The socket, and where it is. The place goes first when both are dropped.
    pub fn into_parts(self) -> (Place, Socket) {
        (self.place, self.socket)
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn listens(socket: &Socket) -> io::Result<bool> {
    Ok(socket.r#type()? == Type::STREAM && socket.is_listener()?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn listens(socket: &Socket) -> io::Result<bool> {
    Ok(socket.r#type()? == Type::STREAM)
}

fn address_of(socket: &Socket) -> io::Result<Address> {
    let address = socket.local_addr()?;
    if let Some(address) = address.as_socket() {
        return Ok(Address::Tcp(address));
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = address.as_abstract_namespace() {
        use std::os::unix::ffi::OsStringExt;

        let name = [&[0], name].concat();
        return Ok(Address::Unix(std::ffi::OsString::from_vec(name).into()));
    }
    #[cfg(unix)]
    if address.is_unix() {
        return Ok(Address::Unix(address.as_pathname().map_or_else(PathBuf::new, Path::to_owned)));
    }
    Err(io::Error::new(ErrorKind::Unsupported, "the socket is neither one of TCP nor a unix socket"))
}

/// Where a listener is, and what has to be done about that before it is closed.
#[derive(Debug)]
pub struct Place {
    address: Address,
    #[cfg(unix)]
    file: Option<SocketFile>,
    /// Others may listen here too, and get what this one does not take.
    is_shared: bool,
}

impl Place {
    /// The address, with the port that the system chose.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Who is at the ends of `stream`, which was accepted here.
    pub fn peer_of<'s>(&self, stream: impl Into<SockRef<'s>>) -> unwired::transport::Peer {
        match &self.address {
            #[cfg(unix)]
            Address::Unix(path) => crate::unix(stream, path),
            _ => crate::tcp(stream),
        }
    }

    /// Has `socket`, which listens here and is to be closed, get no new connections, and says how long to go on accepting:
    /// so long those may take that have begun.
    ///
    /// The connections that wait for a listener are reset when it is closed. Where others listen at the same port, the system
    /// goes on sending some of them here until then. On Linux the packets that begin a connection are dropped from now on: a
    /// client that sends one does so again after a second, and finds another listener. Nothing is done, and the time is
    /// zero, where the system gives such connections to another listener by itself (`net.ipv4.tcp_migrate_req`), where this
    /// listener is alone, where the same socket is in other processes too, and elsewhere than on Linux.
    pub fn turn_away<'s>(&self, socket: impl Into<SockRef<'s>>) -> Duration {
        if self.is_shared { drop_requests(&socket.into()) } else { Duration::ZERO }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn drop_requests(socket: &Socket) -> Duration {
    use socket2::SockFilter;

    const LOAD_OCTET: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;

    // With it the system gives what waits for a listener that is closed to another one.
    let migrates = std::fs::read("/proc/sys/net/ipv4/tcp_migrate_req");
    if migrates.is_ok_and(|setting| setting.starts_with(b"1")) {
        return Duration::ZERO;
    }
    // SYN without ACK is dropped; what ends a handshake passes.
    let filter = [
        SockFilter::new(LOAD_OCTET, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    // Where the system refuses, connections may be reset, as anywhere else.
    if socket.attach_filter(&filter).is_ok() { HANDSHAKES } else { Duration::ZERO }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn drop_requests(_: &Socket) -> Duration {
    Duration::ZERO
}

/// What the system says does not name the address.
fn cannot_listen(address: SocketAddr, error: &io::Error) -> io::Error {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => ": stop the program that listens there, or take another port",
        ErrorKind::PermissionDenied => ": a port below 1024 may need more rights than another one",
        _ => "",
    };
    io::Error::new(error.kind(), format!("cannot listen at {address}: {error}{hint}"))
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
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    fn loopback() -> Address {
        Address::Tcp("127.0.0.1:0".parse().unwrap())
    }

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
        let (place, first) = Bind::new().listen(&loopback()).unwrap().into_parts();
        let taken = Bind::new().listen(place.address()).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        let where_it_is = format!("cannot listen at {}: ", place.address());
        assert!(taken.to_string().starts_with(&where_it_is), "{taken}");
        assert_eq!(first.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn memory_is_no_place_for_a_socket() {
        assert_eq!(Bind::new().listen(&Address::Memory).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn what_listens_is_taken_as_it_is_and_nothing_else() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        assert_eq!(*Listener::new(socket).unwrap().address(), Address::Tcp(address));
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let error = Listener::new(datagrams).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("ListenStream="), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_port_is_shared_by_those_who_all_want_it() {
        let shared = Bind::new().reuse_port(true);
        let first = shared.listen(&loopback()).unwrap();
        let _second = shared.listen(first.address()).unwrap();
        assert_eq!(Bind::new().listen(first.address()).unwrap_err().kind(), ErrorKind::AddrInUse);
    }

    /// Without the filter about half of the connections come to the one that stops, and are reset with it.
    #[cfg(target_os = "linux")]
    #[test]
    fn who_stops_gets_no_new_connections_and_loses_none() {
        use std::io::{Read, Write};
        use std::net::TcpStream;

        let shared = Bind::new().reuse_port(true);
        let (old, stops) = shared.listen(&loopback()).unwrap().into_parts();
        let Address::Tcp(address) = *old.address() else { panic!("not TCP") };
        let stays = shared.listen(old.address()).unwrap().into_parts().1;

        // Those who connect while it turns them away: none comes there, and all come to the other one in the end.
        let turned_away = old.turn_away(&stops);
        let clients: Vec<_> = (0..32)
            .map(|_| {
                std::thread::spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.write_all(b"x").unwrap();
                    stream.read_to_end(&mut Vec::new()).unwrap();
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        if turned_away == HANDSHAKES {
            assert_eq!(stops.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        }
        drop(stops);
        stays.set_nonblocking(false).unwrap();
        for _ in &clients {
            let (mut stream, _) = stays.accept().unwrap();
            let mut octet = [0];
            stream.read_exact(&mut octet).unwrap();
        }
        for client in clients {
            client.join().unwrap();
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_without_a_file_is_listened_at() {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::{SocketAddr, UnixStream};

        let name = format!("unwired-{}-{:x}", std::process::id(), crate::seed());
        let address = Address::Unix(format!("\0{name}").into());
        let listener = Bind::new().listen(&address).unwrap();
        assert_eq!(*listener.address(), address);
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let error = Bind::new().listen(&address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let (_, socket) = listener.into_parts();
        assert_eq!(*Listener::new(socket).unwrap().address(), address);
    }
}
