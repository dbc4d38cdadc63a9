//! The server: its answers tell whose they are.

use core::future::pending;
use core::hash::Hasher;
use core::time::Duration;
use std::collections::VecDeque;
use std::hash::DefaultHasher;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use unwired::server::Bound;
use unwired::transport::{Address, BoxListener, RuntimeHandle};
use unwired::{Encoding, Request, Response, Server, Status, Stream, Streaming, stream_with};
use unwired_proto::hello_service::hello_service_server::{HelloService, HelloServiceServer};
use unwired_proto::hello_service::{HelloRequest, HelloResponse};

use super::{PATIENCE, be_patient};

/// A request with this metadata is never answered to its end.
pub(super) const HANG: &str = "x-hang";
/// How many replies a request is to get.
pub(super) const REPLIES: &str = "x-replies";

/// Between two restarts.
const GENERATION: Duration = Duration::from_secs(20);
/// A connection of this age is drained: some in each generation.
const MAX_AGE: Duration = Duration::from_secs(7);
/// How often the server looks whether it is over.
const TICK: Duration = Duration::from_millis(200);
/// A port that was just left may be somebody else's for a moment.
const TRIES_TO_LISTEN: u32 = 1000;

struct Host;

impl HelloService for Host {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloResponse>, Status> {
        if hangs(&request) {
            pending::<()>().await;
        }
        Ok(Response::new(HelloResponse { reply: request.into_inner().greeting }))
    }

    async fn lots_of_replies(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<impl Stream<Item = Result<HelloResponse, Status>> + Send>, Status> {
        let hangs = hangs(&request);
        let replies = request.metadata().get(REPLIES).and_then(|replies| replies.parse().ok());
        let replies: u64 = replies.ok_or_else(|| Status::invalid_argument("how many replies?"))?;
        let greeting = request.into_inner().greeting;
        Ok(Response::new(stream_with(async move |mut sink| {
            for n in 0..replies {
                sink.send(HelloResponse { reply: format!("{n} {greeting}") }).await?;
            }
            if hangs {
                pending::<()>().await;
            }
            Ok(())
        })))
    }

    async fn lots_of_greetings(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloResponse>, Status> {
        let hangs = hangs(&request);
        let mut greetings = request.into_inner();
        let mut digest = Digest::default();
        while let Some(HelloRequest { greeting }) = greetings.message().await? {
            digest.add(&greeting);
        }
        if hangs {
            pending::<()>().await;
        }
        Ok(Response::new(HelloResponse { reply: digest.told() }))
    }

    async fn bidi_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<HelloResponse, Status>> + Send>, Status> {
        let hangs = hangs(&request);
        let mut greetings = request.into_inner();
        Ok(Response::new(stream_with(async move |mut sink| {
            while let Some(HelloRequest { greeting }) = greetings.message().await? {
                sink.send(HelloResponse { reply: greeting }).await?;
            }
            if hangs {
                pending::<()>().await;
            }
            Ok(())
        })))
    }
}

fn hangs<T>(request: &Request<T>) -> bool {
    request.metadata().get(HANG).is_some()
}

/// What is told of greetings that came: how many, and which.
#[derive(Default)]
pub(super) struct Digest {
    greetings: u64,
    hasher: DefaultHasher,
}

impl Digest {
    /// One more.
    pub(super) fn add(&mut self, greeting: &str) {
        self.greetings += 1;
        self.hasher.write(greeting.as_bytes());
    }

    /// As a reply.
    pub(super) fn told(&self) -> String {
        format!("{} {:x}", self.greetings, self.hasher.finish())
    }
}

/// Serves at `listener`, which listens at `address`, until it is `over`, by one server after the other. Answers how many there
/// were, and how many of their handlers still run.
///
/// # Errors
///
/// Those of the system when it cannot listen there again.
pub(super) async fn serve(
    runtime: RuntimeHandle,
    listener: BoxListener,
    address: Address,
    over: Arc<AtomicBool>,
) -> io::Result<(u64, usize)> {
    let mut generations = 0;
    let mut next = Some(listener);
    // The last ones are asked again at the end.
    let mut past = VecDeque::new();
    while !over.load(Ordering::Relaxed) {
        generations += 1;
        let listener = match next.take() {
            Some(listener) => listener,
            None => listen(&runtime, &address).await?,
        };
        let service = HelloServiceServer::new(Host).send_compressed(Encoding::Gzip);
        let server = Server::builder()
            .add_service(service)
            .max_connection_age(MAX_AGE)
            .drain_timeout(PATIENCE)
            .configure(|config| be_patient(&mut config.http2.limits))
            .build();
        let end = runtime.now() + GENERATION;
        let signal = async {
            while !over.load(Ordering::Relaxed) && runtime.now() < end {
                runtime.sleep(TICK).await;
            }
        };
        Bound::new(runtime.clone(), listener).serve_with_shutdown(server.clone(), signal).await?;
        past.push_back(server);
        past.truncate(10);
    }
    let running = past.iter().map(|server| server.stats().handlers_running).sum();
    Ok((generations - 1, running))
}

async fn listen(runtime: &RuntimeHandle, address: &Address) -> io::Result<BoxListener> {
    let mut tries = 0;
    loop {
        match runtime.listen(address.clone()).await {
            Ok(listener) => return Ok(listener),
            Err(error) if tries == TRIES_TO_LISTEN => return Err(error),
            Err(_) => runtime.sleep(TICK).await,
        }
        tries += 1;
    }
}
