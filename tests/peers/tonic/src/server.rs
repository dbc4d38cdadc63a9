use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::process;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::echo::EchoLayer;
use crate::stubs::test_service_server::{TestService, TestServiceServer};
use crate::stubs::*;
use crate::{Failure, Flags, payload};

/// Serves until the process ends.
pub(crate) async fn serve(flags: &Flags) -> Result<(), Failure> {
    let mut server = Server::builder();
    if flags.is_true("use_tls") {
        let identity = Identity::from_pem(flags.file("tls_cert_file")?, flags.file("tls_key_file")?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let service = TestServiceServer::new(Interop).send_compressed(CompressionEncoding::Gzip);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, flags.need("port")?.parse()?));
    Ok(server.layer(EchoLayer).add_service(service).serve(address).await?)
}

/// Does what requests ask for.
struct Interop;

type Outputs = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

/// Nobody listens to the responses any more.
struct Unheard;

/// Zeros, as many as are asked for.
fn zeros(size: i32) -> Result<Option<Payload>, Status> {
    let size = usize::try_from(size)
        .map_err(|_| Status::invalid_argument(format!("a payload cannot have {size} bytes")))?;
    Ok(payload(size))
}

/// The status that the call is to end with, unless that is OK.
fn ended(status: Option<&EchoStatus>) -> Result<(), Status> {
    match status {
        Some(EchoStatus { code, message }) if *code != 0 => Err(Status::new(Code::from(*code), message)),
        _ => Ok(()),
    }
}

/// The responses to one of the requests of a stream, each when it is its turn, and the status if it asks for one.
async fn respond(
    asked: &StreamingOutputCallRequest,
    sink: &Sender<Result<StreamingOutputCallResponse, Status>>,
) -> Result<(), Unheard> {
    for parameters in &asked.response_parameters {
        if let Ok(interval @ 1..) = u64::try_from(parameters.interval_us) {
            tokio::time::sleep(Duration::from_micros(interval)).await;
        }
        let response = zeros(parameters.size).map(|payload| StreamingOutputCallResponse { payload });
        sink.send(response).await.map_err(|_| Unheard)?;
    }
    match ended(asked.response_status.as_ref()) {
        Ok(()) => Ok(()),
        Err(status) => {
            // Nothing follows a status.
            let _ = sink.send(Err(status)).await;
            Err(Unheard)
        }
    }
}

#[tonic::async_trait]
impl TestService for Interop {
    type StreamingOutputCallStream = Outputs;
    type FullDuplexCallStream = Outputs;
    type HalfDuplexCallStream = Outputs;

    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let asked = request.into_inner();
        ended(asked.response_status.as_ref())?;
        let server_id =
            if asked.fill_server_id { format!("process {}", process::id()) } else { String::new() };
        let payload = zeros(asked.response_size)?;
        let mut response = Response::new(SimpleResponse { payload, server_id, ..SimpleResponse::default() });
        if !asked.response_compressed.is_some_and(|compressed| compressed.value) {
            response.disable_compression();
        }
        Ok(response)
    }

    async fn cacheable_unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        self.unary_call(request).await
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Outputs>, Status> {
        let (sink, responses) = mpsc::channel(1);
        tokio::spawn(async move { respond(request.get_ref(), &sink).await });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let mut requests = request.into_inner();
        let mut size = 0;
        while let Some(request) = requests.message().await? {
            size += request.payload.map_or(0, |payload| payload.body.len());
        }
        let aggregated_payload_size =
            i32::try_from(size).map_err(|_| Status::out_of_range("the payloads are over 2 GiB together"))?;
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size }))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Outputs>, Status> {
        let mut requests = request.into_inner();
        let (sink, responses) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Ok(Some(asked)) = requests.message().await {
                respond(&asked, &sink).await?;
            }
            Ok::<_, Unheard>(())
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn half_duplex_call(
        &self,
        _: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Outputs>, Status> {
        Err(Status::unimplemented("no case calls this"))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("no server has this method"))
    }
}
