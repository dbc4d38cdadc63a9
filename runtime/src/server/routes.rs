use std::sync::Arc;

use unwired_core::grpc::MethodPath;

use super::service::{Pace, Service, SpawnPolicy};

/// Where a call goes.
pub(crate) struct Route {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) method: usize,
    pub(crate) pace: Pace,
    pub(crate) spawn: SpawnPolicy,
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

    /// Says where the handlers of one method run. Answers whether there is such a method.
    pub(crate) fn set_spawn(&mut self, path: MethodPath<'_>, policy: SpawnPolicy) -> bool {
        let service = self.services.iter_mut().find(|(name, _)| *name == path.service);
        let method =
            service.and_then(|(_, methods)| methods.iter_mut().find(|(name, _)| *name == path.method));
        // Nobody has the routes yet: they are being made.
        let Some(route) = method.and_then(|(_, route)| Arc::get_mut(route)) else { return false };
        route.spawn = policy;
        true
    }

    /// The names of the services, in their order.
    #[cfg(feature = "mount")]
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.services.iter().map(|(name, _)| *name)
    }

    /// The method of that path.
    ///
    /// # Errors
    ///
    /// What is missing, in words.
    pub(crate) fn find(&self, path: MethodPath<'_>) -> Result<&Arc<Route>, String> {
        let service = self.services.binary_search_by_key(&path.service, |(name, _)| name);
        let Some((_, methods)) = service.ok().and_then(|at| self.services.get(at)) else {
            return Err(format!("the service {} is not served here", path.service));
        };
        let method = methods.binary_search_by_key(&path.method, |(name, _)| name);
        match method.ok().and_then(|at| methods.get(at)) {
            Some((_, route)) => Ok(route),
            None => Err(format!("the service {} has no method {}", path.service, path.method)),
        }
    }
}
