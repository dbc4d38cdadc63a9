use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};
use unwired_core::Instant;

use super::{Interceptor, Messages, Next, Side};
use crate::transport::{Peer, RuntimeHandle};
use crate::{Code, Request, Response, Status};

/// Makes a span of each call, for the crate `tracing`: `grpc.client` or `grpc.server`, at the level INFO, with the target
/// `unwired`. Handlers and interceptors behind this one run in it.
///
/// Its fields have the names of OpenTelemetry: `rpc.system`, `rpc.service`, `rpc.method`, `network.peer.address` at a server;
/// and when the call is over `rpc.grpc.status_code`, and `rpc.duration_ms`, milliseconds by the clock of the runtime. A call
/// that nobody waits for any more is over with CANCELLED, 1. `otel.name` and `otel.kind` are for exporters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traced;

impl Interceptor for Traced {
    async fn intercept(
        &self,
        request: Request<Messages>,
        next: Next<'_>,
    ) -> Result<Response<Messages>, Status> {
        let call = next.call();
        let name = call.path().trim_start_matches('/');
        macro_rules! span {
            ($what:literal, $kind:literal) => {
                info_span!(
                    target: "unwired",
                    $what,
                    otel.name = name,
                    otel.kind = $kind,
                    rpc.system = "grpc",
                    rpc.service = call.service(),
                    rpc.method = call.method(),
                    network.peer.address = Empty,
                    rpc.grpc.status_code = Empty,
                    rpc.duration_ms = Empty,
                )
            };
        }
        let span = match call.side() {
            Side::Client => span!("grpc.client", "client"),
            Side::Server => span!("grpc.server", "server"),
        };
        if span.is_disabled() {
            return next.run(request).await;
        }
        if let Some(Peer { remote: Some(address), .. }) = request.peer() {
            span.record("network.peer.address", tracing::field::display(address));
        }
        let runtime = call.runtime().clone();
        let mut ending = Ending { begun: runtime.now(), runtime, span: Some(span.clone()) };
        match next.run(request).instrument(span).await {
            Ok(response) => Ok(response.map(|messages| {
                messages.map_end(move |status| {
                    ending.record(status.code());
                    status
                })
            })),
            Err(status) => {
                ending.record(status.code());
                Err(status)
            }
        }
    }
}

/// The end of a call that is still to come.
struct Ending {
    begun: Instant,
    runtime: RuntimeHandle,
    span: Option<Span>,
}

impl Ending {
    fn record(&mut self, code: Code) {
        let Some(span) = self.span.take() else { return };
        span.record("rpc.grpc.status_code", i32::from(code));
        let duration = self.runtime.now() - self.begun;
        span.record("rpc.duration_ms", duration.as_secs_f64() * 1e3);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.record(Code::Cancelled);
    }
}
