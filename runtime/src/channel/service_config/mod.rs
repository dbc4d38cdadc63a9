//! What a channel does for which method: deadlines, limits, retries, hedging (gRFC A2, A6).

#[cfg(feature = "service-config")]
mod json;
mod method;
mod retrying;

use std::sync::Arc;

#[cfg(feature = "service-config")]
pub use json::ServiceConfigError;
pub use method::{Attempts, MethodConfig};
pub use retrying::{HedgingPolicy, RetryPolicy, RetryThrottling};

use super::balancing::LoadBalancing;

/// Settings of the methods of services, as gRPC knows them. With the feature `service-config` it is read from JSON
/// (`str::parse`), as other gRPC libraries take it.
///
/// ```
/// use core::time::Duration;
/// use unwired::Code;
/// use unwired::channel::{MethodConfig, RetryPolicy, ServiceConfig};
///
/// let retries = RetryPolicy::new(4, [Code::Unavailable]).backoff(Duration::from_millis(100), Duration::from_secs(1), 2.0);
/// let config = ServiceConfig::new()
///     .service("helloworld.Greeter", MethodConfig::new().timeout(Duration::from_secs(5)).retry(retries));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServiceConfig {
    /// In the order of the names: `/service/method`, `/service/` and, for all others, the empty one.
    methods: Vec<(String, Arc<MethodConfig>)>,
    pub(crate) throttling: Option<RetryThrottling>,
    pub(crate) load_balancing: Option<LoadBalancing>,
    pub(crate) health_check: Option<Arc<str>>,
}

impl ServiceConfig {
    /// One that says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What holds for one method of a service (`package.Service`, `Method`).
    #[must_use]
    pub fn method(self, service: &str, method: &str, config: MethodConfig) -> Self {
        self.with(format!("/{service}/{method}"), config)
    }

    /// What holds for the methods of a service for which nothing else is said.
    #[must_use]
    pub fn service(self, service: &str, config: MethodConfig) -> Self {
        self.with(format!("/{service}/"), config)
    }

    /// What holds for all methods for which nothing else is said.
    #[must_use]
    pub fn default_method(self, config: MethodConfig) -> Self {
        self.with(String::new(), config)
    }

    fn with(mut self, name: String, config: MethodConfig) -> Self {
        let found = self.find(&name);
        let (Ok(place) | Err(place)) = found;
        if found.is_ok() {
            self.methods.remove(place);
        }
        self.methods.insert(place, (name, Arc::new(config)));
        self
    }

    /// Suspends retries and hedging while too many calls to a server fail.
    #[must_use]
    pub const fn retry_throttling(mut self, throttling: RetryThrottling) -> Self {
        self.throttling = Some(throttling);
        self
    }

    /// How calls are spread, unless [`Builder::load_balancing`](super::Builder::load_balancing) says so.
    #[must_use]
    pub fn load_balancing(mut self, load_balancing: LoadBalancing) -> Self {
        self.load_balancing = Some(load_balancing);
        self
    }

    /// Asks each server how it is with `service` (its full name; empty for the server as a whole), by a watch of
    /// `grpc.health.v1.Health` that goes on for as long as the connection does. A server that says anything else than SERVING
    /// gets no calls until it does; one that has no health service gets calls as without this. While no server is well, calls
    /// fail with UNAVAILABLE and say why, and those that wait for ready wait.
    ///
    /// The watch is one of the calls that a server allows at a time on each connection: one that allows a single call gets none
    /// but that.
    ///
    /// Where all calls go to the first server that can be reached ([`LoadBalancing::PickFirst`]), none is asked, as in other
    /// gRPC libraries: there is no other one to go to.
    #[must_use]
    pub fn health_check(mut self, service: &str) -> Self {
        self.health_check = Some(service.into());
        self
    }

    /// Whether something is said for that very name.
    #[cfg(feature = "service-config")]
    fn at_exactly(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.methods.binary_search_by(|(there, _)| there.as_str().cmp(name))
    }

    fn get(&self, name: &str) -> Option<&Arc<MethodConfig>> {
        let (_, config) = self.methods.get(self.find(name).ok()?)?;
        Some(config)
    }

    /// What holds for the method at `path` (`/service/method`).
    pub(crate) fn at(&self, path: &str) -> Option<&Arc<MethodConfig>> {
        let service = path.rfind('/').and_then(|slash| path.get(..=slash));
        let of_service = || self.get(service?);
        self.get(path).or_else(of_service).or_else(|| self.get(""))
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn the_closest_name_holds() {
        let config = |seconds| MethodConfig::new().timeout(Duration::from_secs(seconds));
        // What is said last holds.
        let all = ServiceConfig::new().service("a.B", config(4)).default_method(config(1));
        let all = all.service("a.B", config(2)).method("a.B", "C", config(3));
        for (path, seconds) in [("/a.B/C", 3), ("/a.B/D", 2), ("/a.C/C", 1), ("", 1)] {
            assert_eq!(all.at(path).unwrap().timeout, Some(Duration::from_secs(seconds)), "{path}");
        }
        assert!(ServiceConfig::new().method("a.B", "C", config(3)).at("/a.B/D").is_none());
    }
}
