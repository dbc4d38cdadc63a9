//! The interop service on ours.

use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use unwired::mount::Mount;
use unwired::{Code, Encoding, Metadata, Request, Response, Server, Status, Stream, Streaming, stream_with};
use unwired_proto::grpc::testing::test_service_server::{TestService, TestServiceServer};
use unwired_proto::grpc::testing::{
    EchoStatus, Empty, Payload, ResponseParameters, SimpleRequest, SimpleResponse, StreamingInputCallRequest,
    StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use unwired_tokio::Tokio;

use crate::{ECHO_INITIAL, ECHO_TRAILING, MESSAGE_LIMIT};

/// A running server, and the calls whose handlers are over. It drains when it is dropped.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) over: UnboundedReceiver<&'static str>,
    _stop: oneshot::Sender<()>,
}

pub(crate) async fn start() -> Running {
    let bound = unwired_tokio::bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}", bound.local_addr().unwrap());
    let (tell, over) = unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = server(tell);
    tokio::spawn(async move {
        let until = async { drop(stopped.await) };
        bound.serve_with_shutdown(server, until).await.unwrap();
    });
    Running { url, over, _stop: stop }
}

/// The same inside of hyper.
pub(crate) async fn start_mounted() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, over) = unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let mount = Mount::new(server(tell), Tokio::handle());
    let (draining, drain) = watch::channel(());
    let serving = async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(mount.clone());
            let http = http2::Builder::new(TokioExecutor::new());
            let mut drain = drain.clone();
            tokio::spawn(async move {
                let mut connection = pin!(http.serve_connection(TokioIo::new(socket), service));
                tokio::select! {
                    _ = connection.as_mut() => {}
                    _ = drain.changed() => {
                        connection.as_mut().graceful_shutdown();
                        let _ = connection.await;
                    }
                }
            });
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = serving => {}
            _ = stopped => {}
        }
        drop(draining);
    });
    Running { url, over, _stop: stop }
}

fn server(over: UnboundedSender<&'static str>) -> Server {
    let service = TestServiceServer::new(Service { over })
        .send_compressed(Encoding::Gzip)
        .max_decoding_message_size(MESSAGE_LIMIT);
    Server::builder().add_service(service).build()
}

struct Service {
    over: UnboundedSender<&'static str>,
}

/// Tells that a handler is over: it has returned, or was dropped.
struct Over<'a>(&'a UnboundedSender<&'static str>, &'static str);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

impl TestService for Service {
    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        // Held until the caller gives up.
        let _over = Over(&self.over, "empty_call");
        std::future::pending().await
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let trailers = trailing(request.metadata());
        let metadata = initial(request.metadata());
        let request = request.into_inner();
        end(request.response_status, trailers.clone())?;
        let payload = request.payload.unwrap_or_else(|| payload(request.response_size));
        let mut response =
            Response::new(SimpleResponse { payload: Some(payload), ..SimpleResponse::default() });
        *response.metadata_mut() = metadata;
        *response.trailers_mut() = trailers;
        Ok(response)
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        let trailers = trailing(request.metadata());
        let metadata = initial(request.metadata());
        let request = request.into_inner();
        let mut response = Response::new(stream_with(async move |mut sink| {
            let _over = Over(&self.over, "streaming_output_call");
            for parameters in &request.response_parameters {
                sink.send(output(parameters).await).await?;
            }
            end(request.response_status, trailers)
        }));
        *response.metadata_mut() = metadata;
        Ok(response)
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let _over = Over(&self.over, "streaming_input_call");
        let mut requests = request.into_inner();
        let mut aggregated_payload_size = 0;
        while let Some(request) = requests.message().await? {
            aggregated_payload_size += request.payload.map_or(0, |payload| payload.body.len() as i32);
        }
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size }))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        let trailers = trailing(request.metadata());
        let metadata = initial(request.metadata());
        let mut requests = request.into_inner();
        let mut response = Response::new(stream_with(async move |mut sink| {
            let _over = Over(&self.over, "full_duplex_call");
            while let Some(request) = requests.message().await? {
                for parameters in &request.response_parameters {
                    sink.send(output(parameters).await).await?;
                }
                end(request.response_status, trailers.clone())?;
            }
            Ok(())
        }));
        *response.metadata_mut() = metadata;
        Ok(response)
    }

    async fn cacheable_unary_call(
        &self,
        _: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn half_duplex_call(
        &self,
        _: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        Err::<Response<unwired::Empty<_>>, _>(Status::unimplemented(""))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn payload(length: i32) -> Payload {
    Payload { body: vec![0; length as usize], ..Payload::default() }
}

async fn output(parameters: &ResponseParameters) -> StreamingOutputCallResponse {
    if parameters.interval_us > 0 {
        tokio::time::sleep(Duration::from_micros(parameters.interval_us as u64)).await;
    }
    StreamingOutputCallResponse { payload: Some(payload(parameters.size)) }
}

fn initial(metadata: &Metadata) -> Metadata {
    let mut initial = Metadata::new();
    for value in metadata.get_all(ECHO_INITIAL) {
        initial.append(ECHO_INITIAL, value).unwrap();
    }
    initial
}

fn trailing(metadata: &Metadata) -> Metadata {
    let mut trailing = Metadata::new();
    for value in metadata.get_all_bin(ECHO_TRAILING) {
        trailing.append_bin(ECHO_TRAILING, value.unwrap()).unwrap();
    }
    trailing
}

/// The status that was asked for, with its message for details as well.
fn end(status: Option<EchoStatus>, trailing: Metadata) -> Result<(), Status> {
    let Some(EchoStatus { code, message }) = status.filter(|status| status.code != 0) else { return Ok(()) };
    let mut status = Status::with_details(Code::from_i32(code), message.clone(), message.into_bytes());
    *status.metadata_mut() = trailing;
    Err(status)
}
