//! The interop service on tonic.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_stream::Stream;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::stubs::test_service_server::{TestService, TestServiceServer};
use crate::stubs::*;
use crate::{ECHO_INITIAL, ECHO_TRAILING, MESSAGE_LIMIT};

/// A running server, and the calls whose handlers are over. It drains when it is dropped.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) over: UnboundedReceiver<&'static str>,
    _stop: oneshot::Sender<()>,
}

pub(crate) fn start() -> Running {
    let incoming =
        TcpIncoming::bind((std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap().with_nodelay(Some(true));
    let url = format!("http://{}", incoming.local_addr().unwrap());
    let (tell, over) = unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let service = TestServiceServer::new(Service { over: tell })
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_LIMIT);
    tokio::spawn(async move {
        let until = async { drop(stopped.await) };
        Server::builder().add_service(service).serve_with_incoming_shutdown(incoming, until).await.unwrap();
    });
    Running { url, over, _stop: stop }
}

struct Service {
    over: UnboundedSender<&'static str>,
}

/// Tells that a handler is over: it has returned, or was dropped.
struct Over(UnboundedSender<&'static str>, &'static str);

impl Drop for Over {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

type Outputs = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

#[tonic::async_trait]
impl TestService for Service {
    type StreamingOutputCallStream = Outputs;
    type FullDuplexCallStream = Outputs;
    type HalfDuplexCallStream = Outputs;

    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        // Held until the caller gives up.
        let _over = Over(self.over.clone(), "empty_call");
        std::future::pending().await
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let trailing = trailing(&metadata);
        end(request.response_status, trailing)?;
        let payload = request.payload.unwrap_or_else(|| payload(request.response_size));
        let mut response =
            Response::new(SimpleResponse { payload: Some(payload), ..SimpleResponse::default() });
        *response.metadata_mut() = initial(&metadata);
        Ok(response)
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Outputs>, Status> {
        let (metadata, _, request) = request.into_parts();
        let trailing = trailing(&metadata);
        let over = Over(self.over.clone(), "streaming_output_call");
        let (tell, told) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let _over = over;
            for parameters in &request.response_parameters {
                if tell.send(Ok(output(parameters).await)).await.is_err() {
                    return;
                }
            }
            if let Err(status) = end(request.response_status, trailing) {
                let _ = tell.send(Err(status)).await;
            }
        });
        respond(&metadata, told)
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let _over = Over(self.over.clone(), "streaming_input_call");
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
    ) -> Result<Response<Outputs>, Status> {
        let (metadata, _, mut requests) = request.into_parts();
        let trailing = trailing(&metadata);
        let over = Over(self.over.clone(), "full_duplex_call");
        let (tell, told) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let _over = over;
            while let Ok(Some(request)) = requests.message().await {
                for parameters in &request.response_parameters {
                    if tell.send(Ok(output(parameters).await)).await.is_err() {
                        return;
                    }
                }
                if let Err(status) = end(request.response_status, trailing.clone()) {
                    let _ = tell.send(Err(status)).await;
                    return;
                }
            }
        });
        respond(&metadata, told)
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
    ) -> Result<Response<Outputs>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn respond(
    metadata: &MetadataMap,
    outputs: tokio::sync::mpsc::Receiver<Result<StreamingOutputCallResponse, Status>>,
) -> Result<Response<Outputs>, Status> {
    let outputs: Outputs = Box::pin(tokio_stream::wrappers::ReceiverStream::new(outputs));
    let mut response = Response::new(outputs);
    *response.metadata_mut() = initial(metadata);
    Ok(response)
}

fn payload(length: i32) -> Payload {
    Payload { body: Bytes::from(vec![0; length as usize]), ..Payload::default() }
}

async fn output(parameters: &ResponseParameters) -> StreamingOutputCallResponse {
    tokio::time::sleep(Duration::from_micros(parameters.interval_us as u64)).await;
    StreamingOutputCallResponse { payload: Some(payload(parameters.size)) }
}

fn initial(metadata: &MetadataMap) -> MetadataMap {
    let mut initial = MetadataMap::new();
    for value in metadata.get_all(ECHO_INITIAL) {
        initial.append(ECHO_INITIAL, value.clone());
    }
    initial
}

fn trailing(metadata: &MetadataMap) -> MetadataMap {
    let mut trailing = MetadataMap::new();
    for value in metadata.get_all_bin(ECHO_TRAILING) {
        trailing.append_bin(ECHO_TRAILING, value.clone());
    }
    trailing
}

/// The status that was asked for, with its message for details as well.
fn end(status: Option<EchoStatus>, trailing: MetadataMap) -> Result<(), Status> {
    let Some(EchoStatus { code, message }) = status.filter(|status| status.code != 0) else { return Ok(()) };
    let details = Bytes::from(message.clone());
    Err(Status::with_details_and_metadata(Code::from(code), message, details, trailing))
}
