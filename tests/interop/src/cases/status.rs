use futures_util::stream;
use unwired::{Code, Status};
use unwired_proto::grpc::testing::unimplemented_service_client::UnimplementedServiceClient;
use unwired_proto::grpc::testing::{Empty, SimpleRequest, StreamingOutputCallRequest};

use super::checks::{equal, fails_with};
use super::messages::ending;
use super::{Caller, Outcome};

/// A message of a status.
const MESSAGE: &str = "test status message";
/// One that has to be encoded on its way.
const SPECIAL: &str = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";

fn unary_ending(message: &str) -> SimpleRequest {
    SimpleRequest { response_status: ending(Code::Unknown.into(), message), ..SimpleRequest::default() }
}

fn is_unknown_with<T>(what: &str, result: Result<T, Status>, message: &str) -> Outcome {
    let status = fails_with(what, result, Code::Unknown)?;
    equal("the message of the status", status.message(), message)
}

/// A server's own status and its message come, with and without a stream.
pub(super) async fn status_code_and_message(caller: &Caller) -> Outcome {
    let client = caller.client();
    is_unknown_with("a unary call", client.unary_call(unary_ending(MESSAGE)).await, MESSAGE)?;

    let response_status = ending(Code::Unknown.into(), MESSAGE);
    let request = StreamingOutputCallRequest { response_status, ..StreamingOutputCallRequest::default() };
    let mut responses = client.full_duplex_call(stream::iter([request])).await?.into_inner();
    is_unknown_with("a stream", responses.message().await, MESSAGE)
}

/// White space and characters of all planes survive in a message.
pub(super) async fn special_status_message(caller: &Caller) -> Outcome {
    is_unknown_with("a unary call", caller.client().unary_call(unary_ending(SPECIAL)).await, SPECIAL)
}

/// A method that the service names and nobody has.
pub(super) async fn unimplemented_method(caller: &Caller) -> Outcome {
    let result = caller.client().unimplemented_call(Empty {}).await;
    fails_with("a method that is not there", result, Code::Unimplemented).map(drop)
}

/// A service that nobody has.
pub(super) async fn unimplemented_service(caller: &Caller) -> Outcome {
    let client = UnimplementedServiceClient::new(caller.channel());
    let result = client.unimplemented_call(Empty {}).await;
    fails_with("a service that is not there", result, Code::Unimplemented).map(drop)
}
