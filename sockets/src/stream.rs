use std::io;
#[cfg(unix)]
use std::path::Path;

use socket2::SockRef;
#[cfg(unix)]
use unwired::transport::Credentials;
use unwired::transport::{Address, Peer};

/// Makes a connected socket of TCP ready, and says who is at its ends.
pub fn tcp<'s>(stream: impl Into<SockRef<'s>>) -> Peer {
    let stream = stream.into();
    // Whole bursts are written at once; waiting for more would only delay them. It fails where the peer is gone
    // already (macOS): reading tells that, and a listener must not take it for an error of its own.
    let _ = stream.set_tcp_nodelay(true);
    let address = |end: io::Result<socket2::SockAddr>| Some(Address::Tcp(end.ok()?.as_socket()?));
    Peer { local: address(stream.local_addr()), remote: address(stream.peer_addr()), ..Peer::default() }
}

/// Who is at the ends of a connected socket that lies at `path`.
///
/// As whom the peer connected or listens is known on Linux with the feature `peer-credentials`.
#[cfg(unix)]
pub fn unix<'s>(stream: impl Into<SockRef<'s>>, path: &Path) -> Peer {
    let at = Some(Address::Unix(path.to_owned()));
    Peer { local: at.clone(), remote: at, credentials: credentials(&stream.into()), ..Peer::default() }
}

/// As whom the peer connected, or listens.
#[cfg(all(target_os = "linux", feature = "peer-credentials"))]
fn credentials(stream: &SockRef<'_>) -> Option<Credentials> {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

    let peer = getsockopt(&**stream, PeerCredentials).ok()?;
    // A process that this one cannot see, in a container's namespace, has the number 0.
    let pid = u32::try_from(peer.pid()).ok().filter(|&pid| pid != 0);
    Some(Credentials { uid: peer.uid(), gid: peer.gid(), pid })
}

#[cfg(all(unix, not(all(target_os = "linux", feature = "peer-credentials"))))]
fn credentials(_: &SockRef<'_>) -> Option<Credentials> {
    None
}

/// What to say of an address that a runtime has no sockets for.
pub fn unsupported(address: &Address) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("there are no sockets for the address {address}"))
}
