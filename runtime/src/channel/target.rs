use core::fmt;
use core::str::FromStr;
use std::net::SocketAddr;

use http::Uri;

use crate::Status;
use crate::transport::{Address, memory::MemoryConnector};

/// What a server is called that has no name: one in memory, or at a path.
const NAMELESS: &str = "localhost";

/// Where a channel connects to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Target {
    /// A host, by name or address, and a port. A name may have several addresses.
    Host(String, u16),
    /// The same, and TLS; see [`Builder::tls`](super::Builder::tls).
    #[cfg(feature = "tls")]
    Tls(String, u16),
    /// An address that needs no resolving.
    Address(Address),
    /// Servers that are each as good as the other. They are called as the first one is, unless
    /// [`Builder::authority`](super::Builder::authority) says otherwise.
    Addresses(Vec<SocketAddr>),
    /// A server in this process.
    Memory(MemoryConnector),
}

impl Target {
    /// What requests say that they are for.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Memory(_) => NAMELESS.to_owned(),
            #[cfg(unix)]
            Self::Address(Address::Unix(_)) => NAMELESS.to_owned(),
            Self::Addresses(addresses) => addresses.first().map(ToString::to_string).unwrap_or_default(),
            _ => self.to_string(),
        }
    }
}

/// A text that names no target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetError(String);

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for TargetError {}

impl From<TargetError> for Status {
    fn from(error: TargetError) -> Self {
        Self::invalid_argument(error.0.clone()).caused_by(error)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            #[cfg(feature = "tls")]
            Self::Tls(host, port) => Self::Host(host.clone(), *port).fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Addresses(addresses) => {
                for (index, address) in addresses.iter().enumerate() {
                    write!(f, "{}{address}", if index == 0 { "" } else { "," })?;
                }
                Ok(())
            }
            Self::Memory(_) => f.write_str("memory"),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    /// Reads `http://HOST:PORT`, `https://HOST:PORT`, `HOST:PORT`, `unix:PATH` or `unix:///PATH`, on Linux
    /// `unix-abstract:NAME`; and as gRPC writes names, `dns:HOST:PORT`, `dns:///HOST:PORT`, `ipv4:ADDRESS:PORT,ADDRESS:PORT` and `ipv6:[ADDRESS]:PORT,[ADDRESS]:PORT`.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let error =
            |why: &str| TargetError(format!("{text:?} is no target: {why} (as in http://localhost:50051)"));
        #[cfg(unix)]
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::Address(Address::Unix(path.into())));
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(name) = text.strip_prefix("unix-abstract:") {
            return Ok(Self::Address(Address::Unix(format!("\0{name}").into())));
        }
        if let Some(list) = text.strip_prefix("ipv4:").or_else(|| text.strip_prefix("ipv6:")) {
            return list_of(list, text.starts_with("ipv4")).map_err(|why| error(&why));
        }
        let name = match text.strip_prefix("dns:") {
            // A host of that name, and its port.
            Some(port) if port.parse::<u16>().is_ok() => text,
            Some(name) if name.starts_with("//") => match name.strip_prefix("///") {
                Some(name) => name,
                None => {
                    return Err(error("the system alone is asked for names, so none is between // and /"));
                }
            },
            Some(name) => name,
            None => text,
        };
        let uri: Uri = name.parse().map_err(|reason| error(&format!("{reason}")))?;
        match uri.scheme_str() {
            None | Some("http") => {}
            Some("https") if cfg!(feature = "tls") => {}
            Some("https") => {
                return Err(error(
                    "TLS is not built into this program, which the feature `tls` of unwired does",
                ));
            }
            Some(scheme) => return Err(error(&format!("the scheme {scheme} is not known"))),
        }
        let authority = uri.authority().ok_or_else(|| error("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(error("it has user information, which HTTP/2 does not allow"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = authority.port_u16();
        #[cfg(feature = "tls")]
        if uri.scheme_str() == Some("https") {
            return Ok(Self::Tls(host.to_owned(), port.unwrap_or(443)));
        }
        Ok(Self::Host(host.to_owned(), port.unwrap_or(80)))
    }
}

/// Addresses with ports, between commas.
fn list_of(list: &str, is_v4: bool) -> Result<Target, String> {
    let one = |text: &str| match text.parse::<SocketAddr>() {
        Ok(address) if address.is_ipv4() == is_v4 => Ok(address),
        Ok(_) => Err(format!("{text} is of the other family of addresses")),
        Err(_) => Err(format!("{text:?} is no address with a port, as 127.0.0.1:50051 or [::1]:50051")),
    };
    Ok(Target::Addresses(list.split(',').map(one).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_grpc_are_known() {
        for (text, shown) in [
            ("http://server:50051", "server:50051"),
            ("server", "server:80"),
            ("dns:server:50051", "server:50051"),
            ("dns:///server:50051", "server:50051"),
            ("dns:50051", "dns:50051"),
            ("http://[::1]:50051", "[::1]:50051"),
            ("ipv4:10.0.0.1:50051,10.0.0.2:50052", "10.0.0.1:50051,10.0.0.2:50052"),
            ("ipv6:[::1]:50051", "[::1]:50051"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), shown, "{text}");
        }
        #[cfg(target_os = "linux")]
        {
            let name: Target = "unix-abstract:a/name".parse().unwrap();
            assert_eq!(name.to_string(), "unix-abstract:a/name");
            let Target::Address(Address::Unix(path)) = name else { panic!("no unix socket") };
            assert_eq!(path.as_os_str(), "\0a/name");
        }
        let list: Target = "ipv4:10.0.0.1:50051,10.0.0.2:50052".parse().unwrap();
        assert_eq!(list.authority(), "10.0.0.1:50051");
    }

    #[test]
    fn what_names_nothing_says_why() {
        for (text, why) in [
            ("ftp://server", "ftp"),
            ("http://user@server", "user information"),
            ("ipv4:10.0.0.1", "no address with a port"),
            ("ipv4:[::1]:50051", "family"),
            ("ipv6:", "no address"),
            ("dns://8.8.8.8/server", "system"),
            ("", "empty"),
        ] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
