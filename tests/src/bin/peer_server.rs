//! A server of `tests/peers/peer.proto` on a free port of the loopback: does to its callers what they ask for.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use unwired::transport::RuntimeHandle;
use unwired::{
    Code, Encoding, Instant, Metadata, MetadataError, Request, Response, Server, Status, Stream, Streaming,
    stream_with,
};
use unwired_services::health::HealthReporter;
use unwired_tests::peer::peer_server::{Peer, PeerServer};
use unwired_tests::peer::{Answer, Ask, Seen, WitnessRequest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let stop = unwired_examples::stop()?;
    let server: Server = Server::builder()
        .on_connection_error(|error| eprintln!("{error}"))
        // Proxies ask for it.
        .add_service(HealthReporter::new().server())
        .add_service(PeerServer::new(Service::default()).send_compressed(Encoding::Gzip))
        .into();
    let bound = unwired_tokio::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    println!("listening on {}", bound.local_addr()?);
    bound.serve_with_shutdown(server.clone(), stop).await?;
    let kills = server.stats().calls.http2.kills.total();
    if kills > 0 {
        eprintln!("connections ended for abuse: {kills}");
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Service {
    counters: Arc<Counters>,
}

/// What was seen of all calls.
#[derive(Debug, Default)]
struct Counters {
    begun: AtomicU64,
    cut_short: AtomicU64,
}

impl Service {
    /// Does what every call begins with.
    fn begin<T>(&self, request: &Request<T>) -> Result<Call, Status> {
        self.counters.begun.fetch_add(1, Ordering::Relaxed);
        let call = Call {
            counters: Arc::clone(&self.counters),
            trailing: with_prefix(request.metadata(), "trailing-").map_err(Status::from_error)?,
            compressed: request.metadata().get("answer-encoding") == Some("gzip"),
            deadline: request.deadline(),
            runtime: request
                .runtime()
                .cloned()
                .ok_or_else(|| Status::internal("a handler without a runtime"))?,
            asks: 0,
            ended: false,
        };
        request.send_metadata(&with_prefix(request.metadata(), "initial-").map_err(Status::from_error)?)?;
        Ok(call)
    }
}

/// The entries whose names begin with `prefix`.
fn with_prefix(metadata: &Metadata, prefix: &str) -> Result<Metadata, MetadataError> {
    let mut found = Metadata::new();
    let mut names: Vec<&str> =
        metadata.iter().map(|(name, _)| name).filter(|name| name.starts_with(prefix)).collect();
    names.dedup();
    for name in names {
        if name.ends_with("-bin") {
            for value in metadata.get_all_bin(name).flatten() {
                found.append_bin(name, value)?;
            }
        } else {
            for value in metadata.get_all(name) {
                found.append(name, value)?;
            }
        }
    }
    Ok(found)
}

/// One call, as long as its handler runs. Dropped before its end, it was cut short.
struct Call {
    counters: Arc<Counters>,
    trailing: Metadata,
    compressed: bool,
    deadline: Option<Instant>,
    runtime: RuntimeHandle,
    asks: u32,
    ended: bool,
}

impl Call {
    async fn wait(&self, ask: &Ask) {
        if ask.delay_ms > 0 {
            self.runtime.sleep(Duration::from_millis(ask.delay_ms.into())).await;
        }
    }

    fn answer(&self, ask: &Ask) -> Answer {
        let payload = match usize::try_from(ask.answer_size) {
            Ok(size) if size > 0 => vec![0; size],
            _ => ask.payload.clone(),
        };
        let left = self.deadline.map_or(Duration::ZERO, |deadline| deadline - self.runtime.now());
        Answer { payload, asks: self.asks, time_left_ms: left.as_millis().try_into().unwrap_or(u64::MAX) }
    }

    /// The error that `ask` wants the call to end with, if it wants one.
    fn ending(&mut self, ask: &Ask) -> Result<(), Status> {
        let Some(outcome) = &ask.outcome else { return Ok(()) };
        self.ended = true;
        let code = Code::from_i32(outcome.code);
        let mut status = Status::with_details(code, outcome.message.clone(), outcome.details.clone());
        *status.metadata_mut() = self.trailing.clone();
        Err(status)
    }

    /// The handler has come to its end.
    fn end(mut self) {
        self.ended = true;
    }

    /// A response with what comes behind its messages.
    fn response<T>(&self, message: T) -> Response<T> {
        let mut response = Response::new(message);
        *response.trailers_mut() = self.trailing.clone();
        if !self.compressed {
            response.disable_compression();
        }
        response
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.counters.cut_short.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Peer for Service {
    async fn unary(&self, request: Request<Ask>) -> Result<Response<Answer>, Status> {
        let mut call = self.begin(&request)?;
        let ask = request.into_inner();
        call.asks += 1;
        call.wait(&ask).await;
        call.ending(&ask)?;
        let response = call.response(call.answer(&ask));
        call.end();
        Ok(response)
    }

    async fn download(
        &self,
        request: Request<Ask>,
    ) -> Result<Response<impl Stream<Item = Result<Answer, Status>> + Send>, Status> {
        let mut call = self.begin(&request)?;
        let ask = request.into_inner();
        call.asks += 1;
        let response = call.response(());
        Ok(response.map(|()| {
            stream_with(async move |mut answers| {
                for _ in 0..ask.answers {
                    call.wait(&ask).await;
                    answers.send(call.answer(&ask)).await?;
                }
                call.ending(&ask)?;
                call.end();
                Ok(())
            })
        }))
    }

    async fn upload(&self, request: Request<Streaming<Ask>>) -> Result<Response<Answer>, Status> {
        let mut call = self.begin(&request)?;
        let mut asks = request.into_inner();
        let (mut last, mut payload) = (Ask::default(), Vec::new());
        while let Some(ask) = asks.message().await? {
            call.asks += 1;
            call.ending(&ask)?;
            payload.extend_from_slice(&ask.payload);
            last = ask;
        }
        call.wait(&last).await;
        let response = call.response(Answer { payload, ..call.answer(&last) });
        call.end();
        Ok(response)
    }

    async fn chat(
        &self,
        request: Request<Streaming<Ask>>,
    ) -> Result<Response<impl Stream<Item = Result<Answer, Status>> + Send>, Status> {
        let mut call = self.begin(&request)?;
        let mut asks = request.into_inner();
        let response = call.response(());
        Ok(response.map(|()| {
            stream_with(async move |mut answers| {
                while let Some(ask) = asks.message().await? {
                    call.asks += 1;
                    call.wait(&ask).await;
                    answers.send(call.answer(&ask)).await?;
                    call.ending(&ask)?;
                }
                call.end();
                Ok(())
            })
        }))
    }

    async fn witness(&self, _: Request<WitnessRequest>) -> Result<Response<Seen>, Status> {
        Ok(Response::new(Seen {
            begun: self.counters.begun.load(Ordering::Relaxed),
            cut_short: self.counters.cut_short.load(Ordering::Relaxed),
            ..Seen::default()
        }))
    }
}
