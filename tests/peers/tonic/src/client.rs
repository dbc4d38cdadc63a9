use std::fmt::Debug;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};

use crate::stubs::test_service_client::TestServiceClient;
use crate::stubs::unimplemented_service_client::UnimplementedServiceClient;
use crate::stubs::*;
use crate::{ECHO_INITIAL, ECHO_TRAILING, Failure, Flags, payload};

const INITIAL: &str = "test_initial_metadata_value";
const TRAILING: &[u8] = &[0xab, 0xab, 0xab];
const LARGE_REQUEST: usize = 271_828;
const LARGE_RESPONSE: usize = 314_159;
const REQUESTS: [usize; 4] = [27_182, 8, 1_828, 45_904];
const RESPONSES: [usize; 4] = [31_415, 9, 2_653, 58_979];
const MESSAGE: &str = "test status message";
const SPECIAL: &str = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
/// Calls of `concurrent_large_unary`.
const CONCURRENT: usize = 1000;
/// Calls of `pick_first_unary`.
const PICKS: usize = 100;

type Client = TestServiceClient<Channel>;
type Outcome = Result<(), Failure>;

/// Runs one case.
pub(crate) async fn run(flags: &Flags) -> Outcome {
    let channel = connect(flags).await?;
    let client = TestServiceClient::new(channel.clone());
    match flags.need("test_case")? {
        "empty_unary" => empty_unary(client).await,
        "large_unary" => large_unary(client).await,
        "concurrent_large_unary" => concurrent_large_unary(client).await,
        "pick_first_unary" => pick_first_unary(client).await,
        "client_compressed_unary" => client_compressed_unary(client).await,
        "client_streaming" => client_streaming(client).await,
        "server_streaming" => server_streaming(client).await,
        "ping_pong" => ping_pong(client).await,
        "empty_stream" => empty_stream(client).await,
        "custom_metadata" => custom_metadata(client).await,
        "status_code_and_message" => status_code_and_message(client).await,
        "special_status_message" => unary_ending(client, SPECIAL).await,
        "unimplemented_method" => {
            fails_with(Code::Unimplemented, client.clone().unimplemented_call(Empty {}).await).map(drop)
        }
        "unimplemented_service" => {
            let answer = UnimplementedServiceClient::new(channel).unimplemented_call(Empty {}).await;
            fails_with(Code::Unimplemented, answer).map(drop)
        }
        "rpc_soak" | "long_lived_channel" => {
            for _ in 0..iterations(flags)? {
                large_unary(client.clone()).await?;
            }
            Ok(())
        }
        "channel_soak" => {
            for _ in 0..iterations(flags)? {
                large_unary(TestServiceClient::new(connect(flags).await?)).await?;
            }
            Ok(())
        }
        case => Err(format!("there is no case {case}").into()),
    }
}

async fn connect(flags: &Flags) -> Result<Channel, Failure> {
    let host = flags.get("server_host").unwrap_or("localhost");
    let port = flags.need("server_port")?;
    if !flags.is_true("use_tls") {
        return Ok(Endpoint::from_shared(format!("http://{host}:{port}"))?.connect().await?);
    }
    let mut tls = ClientTlsConfig::new();
    if flags.is_true("use_test_ca") {
        tls = tls.ca_certificate(Certificate::from_pem(flags.file("ca_file")?));
    }
    if let Some(name) = flags.get("server_host_override") {
        tls = tls.domain_name(name);
    }
    Ok(Endpoint::from_shared(format!("https://{host}:{port}"))?.tls_config(tls)?.connect().await?)
}

fn iterations(flags: &Flags) -> Result<usize, Failure> {
    Ok(flags.get("soak_iterations").unwrap_or("10").parse()?)
}

fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected:?}").into()) }
}

fn fails_with<T>(code: Code, answer: Result<T, Status>) -> Result<Status, Failure> {
    match answer {
        Err(status) if status.code() == code => Ok(status),
        Err(status) => Err(format!("ended with {status}, not with {code:?}").into()),
        Ok(_) => Err(format!("succeeded, and should end with {code:?}").into()),
    }
}

fn size_of(payload: Option<Payload>) -> usize {
    payload.map_or(0, |payload| payload.body.len())
}

/// A size as the messages have it.
fn wanted(size: usize) -> i32 {
    i32::try_from(size).expect("the sizes of the suite are small")
}

fn large() -> SimpleRequest {
    SimpleRequest {
        payload: payload(LARGE_REQUEST),
        response_size: wanted(LARGE_RESPONSE),
        ..SimpleRequest::default()
    }
}

/// Asks for a response of each of these sizes.
fn output(sizes: &[usize], size: usize) -> StreamingOutputCallRequest {
    let parameters =
        |size: &usize| ResponseParameters { size: wanted(*size), ..ResponseParameters::default() };
    StreamingOutputCallRequest {
        response_parameters: sizes.iter().map(parameters).collect(),
        payload: payload(size),
        ..StreamingOutputCallRequest::default()
    }
}

fn unknown(message: &str) -> Option<EchoStatus> {
    Some(EchoStatus { code: Code::Unknown.into(), message: message.to_owned() })
}

/// The sizes of all responses, to their end.
async fn sizes(mut responses: Streaming<StreamingOutputCallResponse>) -> Result<Vec<usize>, Status> {
    let mut sizes = Vec::new();
    while let Some(response) = responses.message().await? {
        sizes.push(size_of(response.payload));
    }
    Ok(sizes)
}

async fn empty_unary(mut client: Client) -> Outcome {
    equal("the response", client.empty_call(Empty {}).await?.into_inner(), Empty {})
}

async fn large_unary(mut client: Client) -> Outcome {
    let response = client.unary_call(large()).await?.into_inner();
    equal("the response's payload", size_of(response.payload), LARGE_RESPONSE)
}

async fn concurrent_large_unary(client: Client) -> Outcome {
    let mut calls: JoinSet<_> = (0..CONCURRENT).map(|_| large_unary(client.clone())).collect();
    while let Some(call) = calls.join_next().await {
        call??;
    }
    Ok(())
}

async fn pick_first_unary(mut client: Client) -> Outcome {
    let mut first = None;
    for _ in 0..PICKS {
        let request = SimpleRequest {
            payload: payload(1),
            response_size: 1,
            fill_server_id: true,
            ..SimpleRequest::default()
        };
        let id = client.unary_call(request).await?.into_inner().server_id;
        equal("whether the server has an id", !id.is_empty(), true)?;
        equal("the id of the server", &id, first.get_or_insert_with(|| id.clone()))?;
    }
    Ok(())
}

async fn client_compressed_unary(mut plain: Client) -> Outcome {
    let expecting = |value| SimpleRequest { expect_compressed: Some(BoolValue { value }), ..large() };
    fails_with(Code::InvalidArgument, plain.unary_call(expecting(true)).await)?;
    let mut compressing = plain.clone().send_compressed(CompressionEncoding::Gzip);
    for (client, compressed) in [(&mut compressing, true), (&mut plain, false)] {
        let response = client.unary_call(expecting(compressed)).await?.into_inner();
        equal("the response's payload", size_of(response.payload), LARGE_RESPONSE)?;
    }
    Ok(())
}

async fn client_streaming(mut client: Client) -> Outcome {
    let request =
        |size| StreamingInputCallRequest { payload: payload(size), ..StreamingInputCallRequest::default() };
    let response = client.streaming_input_call(tokio_stream::iter(REQUESTS.map(request))).await?;
    equal("the sum of the payloads", response.into_inner().aggregated_payload_size, 74_922)
}

async fn server_streaming(mut client: Client) -> Outcome {
    let responses = client.streaming_output_call(output(&RESPONSES, 0)).await?.into_inner();
    equal("the responses' payloads", sizes(responses).await?, RESPONSES.to_vec())
}

async fn ping_pong(mut client: Client) -> Outcome {
    let (requests, fed) = mpsc::channel(1);
    let mut turns =
        REQUESTS.into_iter().zip(RESPONSES).map(|(request, response)| output(&[response], request));
    // A server need not say anything before it has the first.
    requests.send(turns.next().ok_or("there is no first turn")?).await?;
    let mut responses = client.full_duplex_call(ReceiverStream::new(fed)).await?.into_inner();
    for expected in RESPONSES {
        let answer = responses.message().await?.ok_or("the responses ended early")?;
        equal("a response's payload", size_of(answer.payload), expected)?;
        if let Some(request) = turns.next() {
            requests.send(request).await?;
        }
    }
    drop(requests);
    equal("the rest", sizes(responses).await?, vec![])
}

async fn empty_stream(mut client: Client) -> Outcome {
    let responses = client.full_duplex_call(tokio_stream::empty()).await?.into_inner();
    equal("the responses", sizes(responses).await?, vec![])
}

async fn custom_metadata(mut client: Client) -> Outcome {
    fn with_metadata<T>(message: T) -> Result<Request<T>, Failure> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(ECHO_INITIAL, INITIAL.parse()?);
        request.metadata_mut().insert_bin(ECHO_TRAILING, MetadataValue::from_bytes(TRAILING));
        Ok(request)
    }
    fn came_back(initial: &MetadataMap, trailing: &MetadataMap) -> Outcome {
        let value = initial.get(ECHO_INITIAL).ok_or("there is no initial metadata")?;
        equal("initial metadata", value.to_str()?, INITIAL)?;
        let value = trailing.get_bin(ECHO_TRAILING).ok_or("there is no trailing metadata")?;
        equal("trailing metadata", value.to_bytes()?.as_ref(), TRAILING)
    }
    let response = client.unary_call(with_metadata(large())?).await?;
    // tonic puts both into one map.
    came_back(response.metadata(), response.metadata())?;
    let request = tokio_stream::once(output(&[LARGE_RESPONSE], LARGE_REQUEST));
    let (initial, mut responses, _) = client.full_duplex_call(with_metadata(request)?).await?.into_parts();
    let answer = responses.message().await?.ok_or("there is no response")?;
    equal("the response's payload", size_of(answer.payload), LARGE_RESPONSE)?;
    let trailing = responses.trailers().await?.ok_or("there are no trailers")?;
    came_back(&initial, &trailing)
}

async fn status_code_and_message(mut client: Client) -> Outcome {
    unary_ending(client.clone(), MESSAGE).await?;
    let request = StreamingOutputCallRequest { response_status: unknown(MESSAGE), ..output(&[], 0) };
    let ended = match client.full_duplex_call(tokio_stream::once(request)).await {
        Ok(responses) => sizes(responses.into_inner()).await,
        Err(status) => Err(status),
    };
    equal("the status message", fails_with(Code::Unknown, ended)?.message(), MESSAGE)
}

async fn unary_ending(mut client: Client, message: &str) -> Outcome {
    let request = SimpleRequest { response_status: unknown(message), ..SimpleRequest::default() };
    let status = fails_with(Code::Unknown, client.unary_call(request).await)?;
    equal("the status message", status.message(), message)
}
