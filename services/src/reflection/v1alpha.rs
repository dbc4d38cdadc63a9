//! The first version of the service. Its messages are those of v1 under another package, so that the one can be made of
//! the other field by field.

use unwired::{Request, Response, Status, Stream, Streaming};

use crate::pb::grpc::reflection::{v1, v1alpha};

pub(super) use self::v1alpha::server_reflection_server::ServerReflectionServer;

use super::{Answers, Conversation, Reflection};

use self::v1::server_reflection_request::MessageRequest as Question;
use self::v1::server_reflection_response::MessageResponse as Answer;
use self::v1alpha::server_reflection_request::MessageRequest as OldQuestion;
use self::v1alpha::server_reflection_response::MessageResponse as OldAnswer;

impl v1alpha::server_reflection_server::ServerReflection for Reflection {
    async fn server_reflection_info(
        &self,
        request: Request<Streaming<v1alpha::ServerReflectionRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<v1alpha::ServerReflectionResponse, Status>> + Send>, Status>
    {
        let mut conversation = Conversation::new(self);
        let answers = Answers {
            questions: request.into_inner(),
            answer: move |asked: v1alpha::ServerReflectionRequest| {
                answer(conversation.answer(question(asked.clone())), asked)
            },
        };
        Ok(Response::new(answers))
    }
}

pub(super) fn question(old: v1alpha::ServerReflectionRequest) -> v1::ServerReflectionRequest {
    let message_request = old.message_request.map(|question| match question {
        OldQuestion::FileByFilename(name) => Question::FileByFilename(name),
        OldQuestion::FileContainingSymbol(symbol) => Question::FileContainingSymbol(symbol),
        OldQuestion::FileContainingExtension(v1alpha::ExtensionRequest {
            containing_type,
            extension_number,
        }) => Question::FileContainingExtension(v1::ExtensionRequest { containing_type, extension_number }),
        OldQuestion::AllExtensionNumbersOfType(message) => Question::AllExtensionNumbersOfType(message),
        OldQuestion::ListServices(text) => Question::ListServices(text),
    });
    v1::ServerReflectionRequest { host: old.host, message_request }
}

/// The answer, with the question as it came.
pub(super) fn answer(
    new: v1::ServerReflectionResponse,
    asked: v1alpha::ServerReflectionRequest,
) -> v1alpha::ServerReflectionResponse {
    let message_response = new.message_response.map(|answer| match answer {
        Answer::FileDescriptorResponse(v1::FileDescriptorResponse { file_descriptor_proto }) => {
            OldAnswer::FileDescriptorResponse(v1alpha::FileDescriptorResponse { file_descriptor_proto })
        }
        Answer::AllExtensionNumbersResponse(v1::ExtensionNumberResponse {
            base_type_name,
            extension_number,
        }) => OldAnswer::AllExtensionNumbersResponse(v1alpha::ExtensionNumberResponse {
            base_type_name,
            extension_number,
        }),
        Answer::ListServicesResponse(v1::ListServiceResponse { service }) => {
            let service = service.into_iter().map(|service| v1alpha::ServiceResponse { name: service.name });
            OldAnswer::ListServicesResponse(v1alpha::ListServiceResponse { service: service.collect() })
        }
        Answer::ErrorResponse(v1::ErrorResponse { error_code, error_message }) => {
            OldAnswer::ErrorResponse(v1alpha::ErrorResponse { error_code, error_message })
        }
    });
    v1alpha::ServerReflectionResponse {
        valid_host: new.valid_host,
        original_request: Some(asked),
        message_response,
    }
}
