use core::time::Duration;
use std::sync::Arc;

use unwired_core::grpc::MethodPath;

use super::Incoming;
use super::admission::{Entry, Gate};
use super::intercepted::Intercepted;
use super::service::{Handler, Pace, Service, SpawnPolicy};
use crate::intercept::Interceptors;

/// Where a call goes.
pub(crate) struct Route {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) method: usize,
    pub(crate) pace: Pace,
    pub(crate) spawn: SpawnPolicy,
    /// No call takes longer, beside what holds for all of the server.
    pub(crate) max_timeout: Option<Duration>,
    /// Where its calls are let in, unless all of them are.
    pub(crate) gate: Option<Arc<Gate>>,
}

impl Route {
    /// Handles a call once there is room for it.
    pub(crate) fn call(&self, incoming: Incoming) -> Handler {
        let Some(gate) = &self.gate else { return self.service.call(self.method, incoming) };
        match gate.enter() {
            Entry::Refused(status) => incoming.refuse(&status),
            Entry::In(permit) => {
                let handler = self.service.call(self.method, incoming);
                Box::pin(async move {
                    let _permit = permit;
                    handler.await;
                })
            }
            Entry::Queued(ticket) => {
                let (service, method) = (Arc::clone(&self.service), self.method);
                Box::pin(async move {
                    let _permit = ticket.await;
                    service.call(method, incoming).await;
                })
            }
        }
    }
}

/// The methods of one service, in order of their names.
type Methods = Vec<(&'static str, Arc<Route>)>;

/// The methods of all services by their names.
#[derive(Default)]
pub(crate) struct Routes {
    /// In order of their names: a handful of comparisons finds one, and nobody can make them many.
    services: Vec<(&'static str, Methods)>,
}

impl Routes {
    /// Adds a service; one of the same name that was there is served no more.
    pub(crate) fn add(&mut self, service: Arc<dyn Service>) {
        let mut methods: Vec<_> = service
            .methods()
            .iter()
            .enumerate()
            .map(|(number, method)| {
                let route = Route {
                    service: Arc::clone(&service),
                    method: number,
                    pace: Pace::default(),
                    spawn: service.settings().spawn,
                    max_timeout: None,
                    gate: None,
                };
                (method.name, Arc::new(route))
            })
            .collect();
        methods.sort_by_key(|(name, _)| *name);
        let name = service.name();
        let at = self.services.partition_point(|(there, _)| *there < name);
        self.services.insert(at, (name, methods));
        // The one that it replaces is right behind it.
        self.services.dedup_by_key(|(name, _)| *name);
    }

    /// Tells each service that the server is to stop.
    pub(crate) fn drain(&self) {
        // A service without methods serves nothing that could matter.
        for (_, route) in self.services.iter().filter_map(|(_, methods)| methods.first()) {
            route.service.on_drain();
        }
    }

    /// Has all calls go through `gate`, but for those of gRPC's own services: what asks for a server's health or descriptors
    /// is no work, and a watch goes on forever.
    pub(crate) fn set_gate(&mut self, gate: &Arc<Gate>) {
        for (name, methods) in &mut self.services {
            if name.starts_with("grpc.health.") || name.starts_with("grpc.reflection.") {
                continue;
            }
            for route in methods.iter_mut().filter_map(|(_, route)| Arc::get_mut(route)) {
                route.gate = Some(Arc::clone(gate));
            }
        }
    }

    /// Puts all services behind `interceptors`.
    pub(crate) fn intercept(&mut self, interceptors: &Interceptors) {
        for (_, methods) in &mut self.services {
            let service = methods.first().map(|(_, route)| Arc::clone(&route.service));
            let Some(service) = service else { continue };
            let service = Arc::new(Intercepted::of(service, interceptors.clone()));
            // Nobody has the routes yet: they are being made.
            for route in methods.iter_mut().filter_map(|(_, route)| Arc::get_mut(route)) {
                route.service = Arc::clone(&service) as Arc<dyn Service>;
            }
        }
    }

    /// The route of one method, while it is being made.
    pub(crate) fn find_mut(&mut self, path: MethodPath<'_>) -> Option<&mut Route> {
        let service = self.services.iter_mut().find(|(name, _)| *name == path.service);
        let method =
            service.and_then(|(_, methods)| methods.iter_mut().find(|(name, _)| *name == path.method));
        // Nobody has the routes yet: they are being made.
        method.and_then(|(_, route)| Arc::get_mut(route))
    }

    /// The names of the services, in their order.
    #[cfg(feature = "mount")]
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.services.iter().map(|(name, _)| *name)
    }

    /// The method of those names of a service and of one of its methods.
    ///
    /// # Errors
    ///
    /// What is missing, in words.
    pub(crate) fn find(&self, (service, method): (&[u8], &[u8])) -> Result<&Arc<Route>, String> {
        let found = self.services.binary_search_by_key(&service, |(name, _)| name.as_bytes());
        let Some((_, methods)) = found.ok().and_then(|at| self.services.get(at)) else {
            return Err(format!("the service {} is not served here", service.escape_ascii()));
        };
        let found = methods.binary_search_by_key(&method, |(name, _)| name.as_bytes());
        match found.ok().and_then(|at| methods.get(at)) {
            Some((_, route)) => Ok(route),
            None => {
                let (service, method) = (service.escape_ascii(), method.escape_ascii());
                Err(format!("the service {service} has no method {method}"))
            }
        }
    }
}
