use unwired::{Code, Request};
use unwired_proto::grpc::testing::reconnect_service_client::ReconnectServiceClient;
use unwired_proto::grpc::testing::{Empty, ReconnectParams};

use super::checks::{fails_with, present, that};
use super::{Caller, Outcome};

/// A client that cannot connect waits between its tries as it should: the server has watched it.
pub(super) async fn connection_backoff(caller: &Caller) -> Outcome {
    let watched = present("a server that watches (`--server_retry_port`)", caller.reconnecting.as_ref())?;
    let control = ReconnectServiceClient::new(caller.channel());
    let max_reconnect_backoff_ms = i32::try_from(watched.max_backoff.as_millis()).unwrap_or(i32::MAX);
    control.start(ReconnectParams { max_reconnect_backoff_ms }).await?;

    let retry = ReconnectServiceClient::new(caller.builder(watched.retry.clone()).connect_lazy());
    let mut request = Request::new(ReconnectParams { max_reconnect_backoff_ms });
    request.set_wait_for_ready(true);
    request.set_timeout(watched.time);
    fails_with("a call that no server can be found for", retry.start(request).await, Code::DeadlineExceeded)?;

    let seen = control.stop(Empty {}).await?.into_inner();
    that(seen.passed, || format!("the server saw waits that are not those of gRPC: {:?} ms", seen.backoff_ms))
}
