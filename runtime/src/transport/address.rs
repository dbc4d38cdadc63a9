use core::fmt;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

/// Where a peer is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Address {
    /// An address and a port of TCP.
    Tcp(SocketAddr),
    /// A socket in the file system. On Linux a path that begins with a NUL octet is a name without a file (`unix-abstract:`).
    #[cfg(unix)]
    Unix(PathBuf),
    /// In this process; see [`memory`](super::memory).
    Memory,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            #[cfg(unix)]
            Self::Unix(path) => match path.to_string_lossy().strip_prefix('\0') {
                Some(name) => write!(f, "unix-abstract:{name}"),
                None => write!(f, "unix:{}", path.display()),
            },
            Self::Memory => f.write_str("memory"),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// Who is at both ends of a byte stream, as far as the system tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Peer {
    /// This end.
    pub local: Option<Address>,
    /// The other end.
    pub remote: Option<Address>,
    /// Whose process the other end is, at a socket in the file system. Linux tells; elsewhere there is none.
    pub credentials: Option<Credentials>,
    /// What TLS knows of it; `None` where there is no TLS.
    pub tls: Option<Arc<TlsPeer>>,
}

/// Whose process has connected, or listens, as the system knew it at that moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// The process's number; `None` when this process cannot see that one, because it is in another container. It says
    /// less than it seems to: once a process has ended, its number may be another's.
    pub pid: Option<u32>,
}

/// Who is at the other end of a connection with TLS.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct TlsPeer {
    /// The certificates that it showed and that were verified, DER (RFC 5280), the leaf first. Empty for a client that
    /// showed none.
    pub certificates: Vec<Bytes>,
    /// The name that a client asked for (SNI), where it did.
    pub server_name: Option<String>,
}
