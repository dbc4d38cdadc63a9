//! A service that does what requests ask for, and a server of it.

use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use unwired::channel::Builder as ChannelBuilder;
use unwired::server::Builder;
use unwired::transport::{Listen, memory};
use unwired::{
    Channel, Encoding, Metadata, Request, Response, Server, Status, Stream, Streaming, Target, empty,
    stream_with,
};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::test_service_server::{TestService, TestServiceServer};
use unwired_proto::grpc::testing::{
    Empty, Payload, SimpleRequest, SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use unwired_tokio::Tokio;

/// No test waits longer than this for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What handlers of a server have seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) begun: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
}

impl Seen {
    /// Waits until as many handlers are gone as have begun, `calls` of them.
    pub(crate) async fn all_gone(&self, calls: usize) {
        within(async {
            while self.begun.load(Ordering::SeqCst) < calls
                || self.dropped.load(Ordering::SeqCst) < self.begun.load(Ordering::SeqCst)
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    fn begin(self: &Arc<Self>) -> impl Drop + use<> {
        struct Gone(Arc<Seen>);
        impl Drop for Gone {
            fn drop(&mut self) {
                self.0.dropped.fetch_add(1, Ordering::SeqCst);
            }
        }
        self.begun.fetch_add(1, Ordering::SeqCst);
        Gone(Arc::clone(self))
    }
}

pub(crate) struct Tester(pub(crate) Arc<Seen>);

pub(crate) fn payload(octets: impl Into<Vec<u8>>) -> Option<Payload> {
    Some(Payload { body: octets.into(), ..Payload::default() })
}

fn zeros(size: i32) -> Option<Payload> {
    payload(vec![0; usize::try_from(size).unwrap_or_default()])
}

/// What is asked of the handler beside its messages.
async fn act<T>(request: &Request<T>) -> Result<(), Status> {
    if let Some(value) = request.metadata().get("x-echo") {
        let mut metadata = Metadata::new();
        metadata.insert("x-echo", value).map_err(Status::from_error)?;
        request.send_metadata(&metadata)?;
    }
    match request.metadata().get("x-do") {
        Some("panic") => panic!("asked to"),
        Some("hang") => pending().await,
        Some("wait") => {
            let runtime = request.runtime().ok_or_else(|| Status::internal("no runtime"))?;
            runtime.sleep(Duration::from_millis(20)).await;
        }
        Some("fail") => {
            let mut status = Status::not_found("as asked");
            status.metadata_mut().insert("x-why", "asked").map_err(Status::from_error)?;
            return Err(status);
        }
        _ => {}
    }
    Ok(())
}

impl TestService for Tester {
    async fn empty_call(&self, request: Request<Empty>) -> Result<Response<Empty>, Status> {
        let _gone = self.0.begin();
        act(&request).await?;
        let mut response = Response::new(Empty {});
        response.trailers_mut().insert("x-trailer", "t").map_err(Status::from_error)?;
        Ok(response)
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let _gone = self.0.begin();
        act(&request).await?;
        let request = request.into_inner();
        let body = request.payload.map(|payload| payload.body).unwrap_or_default();
        let answer = if request.response_size > 0 { zeros(request.response_size) } else { payload(body) };
        Ok(Response::new(SimpleResponse { payload: answer, ..SimpleResponse::default() }))
    }

    async fn cacheable_unary_call(
        &self,
        _: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        Err(Status::unimplemented("there is no cache"))
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        let gone = self.0.begin();
        act(&request).await?;
        let seen = &self.0;
        let compression = request.compression().ok_or_else(|| Status::internal("no call"))?;
        let request = request.into_inner();
        Ok(Response::new(stream_with(async move |mut sink| {
            let _gone = gone;
            for parameters in request.response_parameters {
                // The stream borrows its service.
                let _ = seen.begun.load(Ordering::SeqCst);
                compression.set(parameters.compressed.is_none_or(|compressed| compressed.value));
                let payload = zeros(parameters.size);
                sink.send(StreamingOutputCallResponse { payload }).await?;
            }
            match request.response_status {
                Some(status) => Err(Status::new(status.code.into(), status.message)),
                None => Ok(()),
            }
        })))
    }

    async fn streaming_input_call(
        &self,
        mut request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let _gone = self.0.begin();
        act(&request).await?;
        let mut size = 0;
        while let Some(message) = request.get_mut().message().await? {
            size += message.payload.map_or(0, |payload| payload.body.len());
        }
        let aggregated_payload_size = i32::try_from(size).map_err(Status::from_error)?;
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size }))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        let gone = self.0.begin();
        act(&request).await?;
        let mut messages = request.into_inner();
        Ok(Response::new(stream_with(async move |mut sink| {
            let _gone = gone;
            while let Some(message) = messages.message().await? {
                sink.send(StreamingOutputCallResponse { payload: message.payload }).await?;
            }
            Ok(())
        })))
    }

    #[allow(refining_impl_trait)]
    async fn half_duplex_call(
        &self,
        _: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<unwired::Empty<StreamingOutputCallResponse>>, Status> {
        Ok(Response::new(empty()))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("on purpose"))
    }
}

/// A server that runs until it is told to end.
pub(crate) struct Running {
    pub(crate) seen: Arc<Seen>,
    pub(crate) address: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    /// Tells the server to end, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        within(self.task).await.unwrap();
    }

    /// Tells the server to end.
    pub(crate) fn tell_to_stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) fn target(&self) -> String {
        format!("http://{}", self.address.expect("a server on TCP"))
    }

    pub(crate) fn channel(&self) -> ChannelBuilder {
        unwired_tokio::channel(self.target()).unwrap()
    }

    pub(crate) fn client(&self) -> TestServiceClient {
        TestServiceClient::new(self.channel().connect_lazy())
    }
}

async fn run(bound: unwired::server::Bound, server: Server, seen: Arc<Seen>) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let address = bound.local_addr().ok();
    let task = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        bound.serve_with_shutdown(server, stopped).await.unwrap();
    });
    Running { seen, address, stop: Some(stop), task }
}

/// Serves on a socket.
pub(crate) async fn serve() -> Running {
    serve_with(|server| server).await
}

/// Serves on a socket, with options.
pub(crate) async fn serve_with(options: impl FnOnce(Builder) -> Builder) -> Running {
    serve_at("127.0.0.1:0".parse().unwrap(), options).await
}

/// Serves at an address.
pub(crate) async fn serve_at(address: SocketAddr, options: impl FnOnce(Builder) -> Builder) -> Running {
    let seen = Arc::new(Seen::default());
    // Only to clients that take it.
    let service = TestServiceServer::new(Tester(Arc::clone(&seen))).send_compressed(Encoding::Gzip);
    let server = options(Server::builder().add_service(service));
    run(unwired_tokio::bind(address).await.unwrap(), server.into(), seen).await
}

/// Serves in memory, and calls there.
pub(crate) async fn serve_in_memory() -> (Running, Channel) {
    let seen = Arc::new(Seen::default());
    let server = Server::builder().add_service(TestServiceServer::new(Tester(Arc::clone(&seen))));
    let (connector, listener) = memory::endpoint();
    let bound = unwired::server::Bound::new(Tokio::handle(), listener.boxed());
    let channel = Channel::builder(Tokio::handle(), Target::Memory(connector)).connect_lazy();
    (run(bound, server.into(), seen).await, channel)
}

/// A request whose handler does what `what` says.
pub(crate) fn asking<T>(message: T, what: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-do", what).unwrap();
    request
}

/// Waits, but not for ever.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing came for too long")
}

/// Polls once.
pub(crate) async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        std::task::Poll::Ready(match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
