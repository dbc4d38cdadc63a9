//! Health: a server tells balancers, probes and clients whether calls are welcome (`grpc.health.v1`).
//!
//! ```
//! use unwired::Server;
//! use unwired_services::health::{HealthReporter, ServingStatus};
//!
//! let reporter = HealthReporter::new();
//! reporter.set("helloworld.Greeter", ServingStatus::Serving);
//! // When the server drains, all of it is `NotServing`.
//! let server = Server::builder().add_service(reporter.server());
//! ```

use std::sync::Arc;

use unwired::server::{Handler, Incoming, Method, Service, ServiceSettings};
use unwired::{Request, Response, Status, Stream};

use crate::pb::grpc::health::v1::health_check_response::ServingStatus as WireStatus;
use crate::pb::grpc::health::v1::health_server::{Health, HealthServer};
use crate::pb::grpc::health::v1::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};

use self::board::Board;
pub use self::watch::Watch;

mod board;
mod watch;

/// More services than these are not listed (`grpc.health.v1.Health.List`).
const MOST_LISTED: usize = 100;

/// A watch for a service that is not known has to remember its name, so names are not endless.
const LONGEST_NAME: usize = 1024;

/// Whether a service is ready for calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ServingStatus {
    /// Not known yet.
    Unknown,
    /// Ready.
    Serving,
    /// Not ready.
    NotServing,
}

impl From<ServingStatus> for WireStatus {
    fn from(status: ServingStatus) -> Self {
        match status {
            ServingStatus::Unknown => Self::Unknown,
            ServingStatus::Serving => Self::Serving,
            ServingStatus::NotServing => Self::NotServing,
        }
    }
}

/// Says how it stands with the services of a server. Cheap to clone; all clones speak of the same server.
#[derive(Clone, Debug)]
pub struct HealthReporter {
    board: Arc<Board>,
}

impl Default for HealthReporter {
    fn default() -> Self {
        Self::new()
    }
}

impl HealthReporter {
    /// A server, which goes by the empty name, that is ready, and no services.
    pub fn new() -> Self {
        let reporter = Self { board: Arc::default() };
        reporter.set("", ServingStatus::Serving);
        reporter
    }

    /// Says how it stands with a service, by its full name, or with the server as a whole, by the empty name. Those who
    /// watch it are told. Without effect after [`shut_down`](Self::shut_down).
    pub fn set(&self, service: impl Into<String>, status: ServingStatus) {
        self.board.set(service.into(), status);
    }

    /// Forgets a service: it is unknown from now on.
    pub fn remove(&self, service: &str) {
        self.board.remove(service);
    }

    /// Says of all services and of the server that they are not ready, for good. Each watch is told and then ends, since it
    /// would hold up a server that waits for its calls to end.
    pub fn shut_down(&self) {
        self.board.shut_down();
    }

    /// The service that tells others.
    pub fn service(&self) -> HealthService {
        HealthService { board: Arc::clone(&self.board) }
    }

    /// That service, ready to be added to a server. When that server is to stop, the reporter [shuts
    /// down](Self::shut_down), before clients are told to go elsewhere. A program that says so itself, earlier or never, adds
    /// a [`HealthServer`] of [`service`](Self::service) instead.
    pub fn server(&self) -> ServerHealth {
        ServerHealth { reporter: self.clone(), server: HealthServer::new(self.service()) }
    }
}

/// The health service of a server, which ends with it; see [`HealthReporter::server`].
#[derive(Clone, Debug)]
pub struct ServerHealth {
    reporter: HealthReporter,
    server: HealthServer<HealthService>,
}

impl Service for ServerHealth {
    fn name(&self) -> &'static str {
        self.server.name()
    }

    fn methods(&self) -> &'static [Method] {
        self.server.methods()
    }

    fn settings(&self) -> &ServiceSettings {
        self.server.settings()
    }

    fn call(&self, method: usize, call: Incoming) -> Handler {
        self.server.call(method, call)
    }

    fn on_drain(&self) {
        self.reporter.shut_down();
    }
}

/// The service `grpc.health.v1.Health`, which tells what a [`HealthReporter`] says.
#[derive(Clone, Debug)]
pub struct HealthService {
    board: Arc<Board>,
}

impl HealthService {
    fn answer_check(&self, request: &HealthCheckRequest) -> Result<HealthCheckResponse, Status> {
        match self.board.get(&request.service) {
            Some(status) => Ok(response(status.into())),
            None => Err(Status::not_found(
                "nobody here says how that service is: an empty name asks for the server as a whole",
            )),
        }
    }

    fn answer_list(&self) -> Result<HealthListResponse, Status> {
        let statuses = self.board.all();
        if statuses.len() > MOST_LISTED {
            return Err(Status::resource_exhausted(
                "there are more than 100 services here: ask for them one by one, with Check",
            ));
        }
        let statuses = statuses.into_iter().map(|(name, status)| (name, response(status.into())));
        Ok(HealthListResponse { statuses: statuses.collect() })
    }

    fn answer_watch(&self, request: HealthCheckRequest) -> Result<Watch, Status> {
        if request.service.len() > LONGEST_NAME {
            return Err(Status::invalid_argument(format!(
                "the name of the service has {} bytes, of {LONGEST_NAME} that it may have",
                request.service.len()
            )));
        }
        Ok(Watch::new(Arc::clone(&self.board), request.service))
    }
}

impl Health for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.answer_check(request.get_ref()).map(Response::new)
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        self.answer_list().map(Response::new)
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<impl Stream<Item = Result<HealthCheckResponse, Status>> + Send>, Status> {
        self.answer_watch(request.into_inner()).map(Response::new)
    }
}

fn response(status: WireStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[cfg(test)]
mod tests;
