use core::time::Duration;

use unwired::transport::RuntimeHandle;
use unwired::{
    Code, Compression, Encoding, MessageSink, Metadata, Request, Response, Status, Stream, Streaming,
    stream_with,
};
use unwired_proto::grpc::testing::test_service_server::{TestService, TestServiceServer};
use unwired_proto::grpc::testing::{
    BoolValue, EchoStatus, Empty, Payload, PayloadType, SimpleRequest, SimpleResponse,
    StreamingInputCallRequest, StreamingInputCallResponse, StreamingOutputCallRequest,
    StreamingOutputCallResponse,
};

/// Comes back as initial metadata.
const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
/// Comes back as trailing metadata.
const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

/// The test service: it does what requests ask for.
#[derive(Clone, Debug)]
pub struct Interop {
    id: String,
}

impl Interop {
    /// One that calls itself `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }

    /// What is added to a server.
    pub fn service(self) -> TestServiceServer<Self> {
        TestServiceServer::new(self).send_compressed(Encoding::Gzip)
    }

    fn simple_response(&self, request: &SimpleRequest) -> Result<SimpleResponse, Status> {
        ended(request.response_status.as_ref())?;
        Ok(SimpleResponse {
            payload: payload(request.response_type, request.response_size)?,
            server_id: if request.fill_server_id { self.id.clone() } else { String::new() },
            ..SimpleResponse::default()
        })
    }
}

/// What of a call's request outlives it.
struct Call {
    runtime: RuntimeHandle,
    compression: Compression,
    trailers: Metadata,
}

impl Call {
    /// Sends initial metadata back, and keeps what is for later.
    fn begin<T>(request: &Request<T>) -> Result<Self, Status> {
        let mut initial = Metadata::new();
        for value in request.metadata().get_all(ECHO_INITIAL) {
            initial.append(ECHO_INITIAL, value).map_err(Status::from_error)?;
        }
        if !initial.is_empty() {
            request.send_metadata(&initial)?;
        }
        let mut trailers = Metadata::new();
        for octets in request.metadata().get_all_bin(ECHO_TRAILING).flatten() {
            trailers.append_bin(ECHO_TRAILING, octets).map_err(Status::from_error)?;
        }
        let outside = || Status::internal("this is no call");
        Ok(Self {
            runtime: request.runtime().ok_or_else(outside)?.clone(),
            compression: request.compression().ok_or_else(outside)?,
            trailers,
        })
    }

    /// Compresses what follows if that is asked for.
    fn compress(&self, asked: Option<BoolValue>) {
        self.compression.set(asked.is_some_and(|compressed| compressed.value));
    }

    /// The response, or the status, with its trailing metadata.
    fn answer<T>(self, result: Result<T, Status>) -> Result<Response<T>, Status> {
        match result {
            Ok(message) => {
                let mut response = Response::new(message);
                *response.trailers_mut() = self.trailers;
                Ok(response)
            }
            Err(status) => Err(self.failing(status)),
        }
    }

    fn failing(&self, mut status: Status) -> Status {
        status.metadata_mut().merge(&self.trailers);
        status
    }

    /// The responses to one of the requests of a stream, each when it is its turn, and the status if it asks for one.
    async fn respond(
        &self,
        asked: StreamingOutputCallRequest,
        sink: &mut MessageSink<StreamingOutputCallResponse>,
    ) -> Result<(), Status> {
        for parameters in asked.response_parameters {
            if let Ok(interval @ 1..) = u64::try_from(parameters.interval_us) {
                self.runtime.sleep(Duration::from_micros(interval)).await;
            }
            self.compress(parameters.compressed);
            let payload = payload(asked.response_type, parameters.size)?;
            sink.send(StreamingOutputCallResponse { payload }).await?;
        }
        ended(asked.response_status.as_ref()).map_err(|status| self.failing(status))
    }
}

/// Responses, and what comes behind them.
fn streamed<S>(trailers: Metadata, responses: S) -> Response<S> {
    let mut response = Response::new(responses);
    *response.trailers_mut() = trailers;
    response
}

/// The sizes of all payloads.
async fn added_up(
    messages: &mut Streaming<StreamingInputCallRequest>,
) -> Result<StreamingInputCallResponse, Status> {
    let mut size = 0;
    while let Some(message) = messages.message().await? {
        came_as_expected(message.expect_compressed, messages.was_compressed())?;
        size += message.payload.map_or(0, |payload| payload.body.len());
    }
    let aggregated_payload_size =
        i32::try_from(size).map_err(|_| Status::out_of_range("the payloads are over 2 GiB together"))?;
    Ok(StreamingInputCallResponse { aggregated_payload_size })
}

/// Zeros, if they are asked for: what an integer that is no size or no type asks for is refused.
fn payload(response_type: i32, size: i32) -> Result<Option<Payload>, Status> {
    if response_type != i32::from(PayloadType::Compressable) {
        return Err(Status::invalid_argument(format!("there is no payload of type {response_type}")));
    }
    let size = usize::try_from(size)
        .map_err(|_| Status::invalid_argument(format!("a payload cannot have {size} bytes")))?;
    Ok((size > 0).then(|| Payload { r#type: response_type, body: vec![0; size] }))
}

/// The status that the call is to end with, unless that is OK.
fn ended(status: Option<&EchoStatus>) -> Result<(), Status> {
    match status {
        Some(EchoStatus { code, message }) if Code::from(*code) != Code::Ok => {
            Err(Status::new((*code).into(), message.clone()))
        }
        _ => Ok(()),
    }
}

/// Refuses a request that was not compressed as it says.
fn came_as_expected(expected: Option<BoolValue>, was_compressed: bool) -> Result<(), Status> {
    match expected {
        Some(BoolValue { value }) if value != was_compressed => {
            let found = if was_compressed { "is, and should not be" } else { "is not, and should be" };
            Err(Status::invalid_argument(format!("the request {found} compressed")))
        }
        _ => Ok(()),
    }
}

impl TestService for Interop {
    async fn empty_call(&self, request: Request<Empty>) -> Result<Response<Empty>, Status> {
        Call::begin(&request)?.answer(Ok(Empty {}))
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let call = Call::begin(&request)?;
        let asked = request.get_ref();
        call.compress(asked.response_compressed);
        let came = came_as_expected(asked.expect_compressed, request.was_compressed());
        call.answer(came.and_then(|()| self.simple_response(asked)))
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
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        let call = Call::begin(&request)?;
        let trailers = call.trailers.clone();
        let asked = request.into_inner();
        Ok(streamed(trailers, stream_with(async move |mut sink| call.respond(asked, &mut sink).await)))
    }

    async fn streaming_input_call(
        &self,
        mut request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let call = Call::begin(&request)?;
        call.answer(added_up(request.get_mut()).await)
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        let call = Call::begin(&request)?;
        let trailers = call.trailers.clone();
        let mut messages = request.into_inner();
        let responses = stream_with(async move |mut sink| {
            while let Some(asked) = messages.message().await? {
                call.respond(asked, &mut sink).await?;
            }
            Ok(())
        });
        Ok(streamed(trailers, responses))
    }

    async fn half_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>, Status>
    {
        let call = Call::begin(&request)?;
        let trailers = call.trailers.clone();
        let mut messages = request.into_inner();
        let responses = stream_with(async move |mut sink| {
            let mut all = Vec::new();
            while let Some(asked) = messages.message().await? {
                all.push(asked);
            }
            for asked in all {
                call.respond(asked, &mut sink).await?;
            }
            Ok(())
        });
        Ok(streamed(trailers, responses))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("no server has this method"))
    }
}
