use core::fmt;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::service_config::ServiceConfig;
use super::target::Target;
use crate::transport::{Address, BoxFuture, RuntimeHandle};

/// A server that a channel may connect to.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Endpoint {
    /// Where it is.
    pub address: Address,
    /// How many calls it takes beside the others, under [`LoadBalancing::Weighted`](super::LoadBalancing::Weighted). 1 by
    /// default; one of 0 gets no call while there are others.
    pub weight: u32,
}

impl Endpoint {
    /// The server at `address`.
    pub const fn new(address: Address) -> Self {
        Self { address, weight: 1 }
    }

    /// The same with another [`weight`](field@Self::weight), from 0.
    #[must_use]
    pub const fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

impl From<Address> for Endpoint {
    fn from(address: Address) -> Self {
        Self::new(address)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.into())
    }
}

/// What a resolver found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Resolution {
    /// The servers, best first. The same address twice counts once. None at all is a failure.
    pub endpoints: Vec<Endpoint>,
    /// How long that holds. Afterwards the channel asks again, unless it is idle; `None`: it asks when connections fail.
    pub valid_for: Option<Duration>,
    /// What holds for calls from now on, or why that cannot be read: then what this resolver said before holds; while there
    /// was nothing, calls fail. `None`: what [`Builder::service_config`](super::Builder::service_config) says.
    pub service_config: Option<Result<ServiceConfig, String>>,
}

impl Resolution {
    /// Those servers, until connections to them fail.
    pub fn new<E: Into<Endpoint>>(endpoints: impl IntoIterator<Item = E>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            valid_for: None,
            service_config: None,
        }
    }

    /// The same with a service config, built or what came of reading one from JSON. Calls wait for the first answer of a
    /// resolver, to be made as it says. Where it changes how calls are spread between one server and several, or what is asked
    /// about health, connections are made anew; calls on those of before go on.
    #[must_use]
    pub fn service_config<E: fmt::Display>(mut self, config: Result<ServiceConfig, E>) -> Self {
        self.service_config = Some(config.map_err(|error| error.to_string()));
        self
    }

    /// The same, to be asked for again after `duration`.
    #[must_use]
    pub const fn valid_for(mut self, duration: Duration) -> Self {
        self.valid_for = Some(duration);
        self
    }
}

/// Finds the servers of a channel. The channel asks when it has something to do, and again when connections fail: not
/// more often than every 30 s, and after failures with the pauses that it makes between tries to connect.
pub trait Resolve: Send + Sync + 'static {
    /// The servers as they are now; `runtime` is that of the channel.
    ///
    /// # Errors
    ///
    /// Why there are none. The servers that were found before, if any, stay.
    fn resolve<'a>(&'a self, runtime: &'a RuntimeHandle) -> BoxFuture<'a, io::Result<Resolution>>;

    /// Whether every answer is the same, so that asking once will do.
    fn is_fixed(&self) -> bool {
        false
    }
}

/// The addresses of a host, from the system or whatever else the runtime asks.
struct Dns {
    host: String,
    port: u16,
}

impl Resolve for Dns {
    fn resolve<'a>(&'a self, runtime: &'a RuntimeHandle) -> BoxFuture<'a, io::Result<Resolution>> {
        Box::pin(async move { Ok(Resolution::new(runtime.resolve(self.host.clone(), self.port).await?)) })
    }
}

/// Servers that are known from the start.
struct Fixed(Vec<Endpoint>);

impl Resolve for Fixed {
    fn resolve<'a>(&'a self, _: &'a RuntimeHandle) -> BoxFuture<'a, io::Result<Resolution>> {
        Box::pin(async { Ok(Resolution::new(self.0.iter().cloned())) })
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

/// Where the servers of a channel come from.
#[derive(Clone)]
pub(crate) struct Resolver {
    pub(crate) resolve: Arc<dyn Resolve>,
    /// It may say what holds for calls.
    pub(crate) has_configs: bool,
}

impl Resolver {
    /// The usual one for `target`.
    pub(crate) fn of(target: &Target) -> Self {
        let host = |host: &str, port| match host.parse() {
            Ok(address) => Self::fixed([Endpoint::from(SocketAddr::new(address, port))]),
            Err(_) => Self { resolve: Arc::new(Dns { host: host.to_owned(), port }), has_configs: false },
        };
        match target {
            Target::Host(name, port) => host(name, *port),
            #[cfg(feature = "tls")]
            Target::Tls(name, port) => host(name, *port),
            Target::Address(address) => Self::fixed([Endpoint::new(address.clone())]),
            Target::Addresses(addresses) => Self::fixed(addresses.iter().copied().map(Endpoint::from)),
            Target::Memory(_) => Self::fixed([Endpoint::new(Address::Memory)]),
        }
    }

    fn fixed(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        Self { resolve: Arc::new(Fixed(endpoints.into_iter().collect())), has_configs: false }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}
