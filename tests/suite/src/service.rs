//! A service that does what requests ask for.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use unwired::transport::RuntimeHandle;
use unwired::{Metadata, Request, Response, Status, Stream, Streaming, empty, stream_with};
use unwired_proto::grpc::testing::test_service_server::TestService;
use unwired_proto::grpc::testing::{
    Empty, Payload, SimpleRequest, SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse,
};

use crate::messages::payload;

/// What handlers of a server have seen.
#[derive(Debug)]
pub struct Seen {
    rt: RuntimeHandle,
    begun: AtomicUsize,
    dropped: AtomicUsize,
}

impl Seen {
    /// Nothing so far; waits on `rt`.
    pub fn new(rt: &RuntimeHandle) -> Self {
        Self { rt: rt.clone(), begun: AtomicUsize::new(0), dropped: AtomicUsize::new(0) }
    }

    /// Handlers that have begun.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Waits until `calls` handlers have begun.
    pub async fn all_begun(&self, calls: usize) {
        while self.begun() < calls {
            self.rt.sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until as many handlers are gone as have begun, `calls` of them at least.
    pub async fn all_gone(&self, calls: usize) {
        while self.begun() < calls || self.dropped.load(Ordering::SeqCst) < self.begun() {
            self.rt.sleep(Duration::from_millis(1)).await;
        }
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

/// The service. The metadata `x-do` of a request says what its handler does besides: `panic`, `hang` for ever, `wait` for
/// 20 ms, `tell` the milliseconds that are left as `x-left`, say `who` calls (its certificate, as `x-who-bin`), or `fail`
/// with NOT_FOUND. `x-echo` and `x-echo-bin` come back at once as initial metadata, `x-trail` and `x-trail-bin` with the
/// status.
#[derive(Debug)]
pub struct Tester(pub Arc<Seen>);

fn zeros(size: i32) -> Option<Payload> {
    payload(vec![0; usize::try_from(size).unwrap_or_default()])
}

/// Copies what `from` has of these names.
fn copied(from: &Metadata, text: &str, binary: &str) -> Result<Metadata, Status> {
    let mut metadata = Metadata::new();
    for value in from.get_all(text) {
        metadata.append(text, value).map_err(Status::from_error)?;
    }
    for octets in from.get_all_bin(binary).flatten() {
        metadata.append_bin(binary, octets).map_err(Status::from_error)?;
    }
    Ok(metadata)
}

/// Does what is asked of the handler beside its messages, and gives what is to come with the status.
async fn act<T>(request: &Request<T>) -> Result<Metadata, Status> {
    let echo = copied(request.metadata(), "x-echo", "x-echo-bin")?;
    if !echo.is_empty() {
        request.send_metadata(&echo)?;
    }
    let mut trailers = copied(request.metadata(), "x-trail", "x-trail-bin")?;
    match request.metadata().get("x-do") {
        Some("panic") => panic!("asked to"),
        Some("hang") => pending().await,
        Some("wait") => {
            let runtime = request.runtime().ok_or_else(|| Status::internal("no runtime"))?;
            runtime.sleep(Duration::from_millis(20)).await;
        }
        Some("who") => {
            let tls = request.peer().and_then(|peer| peer.tls.clone());
            let tls = tls.ok_or_else(|| Status::unauthenticated("no TLS"))?;
            let mut metadata = Metadata::new();
            if let Some(certificate) = tls.certificates.first() {
                metadata.insert_bin("x-who-bin", certificate).map_err(Status::from_error)?;
            }
            request.send_metadata(&metadata)?;
        }
        Some("tell") => {
            if let Some(left) = request.time_left() {
                trailers.insert("x-left", left.as_millis().to_string()).map_err(Status::from_error)?;
            }
        }
        Some("fail") => {
            let mut status = Status::not_found("as asked");
            status.metadata_mut().insert("x-why", "asked").map_err(Status::from_error)?;
            status.metadata_mut().merge(&trailers);
            return Err(status);
        }
        _ => {}
    }
    Ok(trailers)
}

impl TestService for Tester {
    async fn empty_call(&self, request: Request<Empty>) -> Result<Response<Empty>, Status> {
        let _gone = self.0.begin();
        let trailers = act(&request).await?;
        let mut response = Response::new(Empty {});
        *response.trailers_mut() = trailers;
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
