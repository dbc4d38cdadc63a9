use prost::Message;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};

use crate::pb;

use super::*;

/// The crate's own files, and two of which the second extends a message of the first.
fn conversation() -> Conversation {
    let message = |name: &str| DescriptorProto { name: Some(name.to_owned()), ..Default::default() };
    let base = FileDescriptorProto {
        name: Some("base.proto".to_owned()),
        package: Some("base".to_owned()),
        message_type: vec![message("Extended"), message("Plain")],
        ..Default::default()
    };
    let extension = FieldDescriptorProto {
        name: Some("more".to_owned()),
        number: Some(100),
        extendee: Some(".base.Extended".to_owned()),
        ..Default::default()
    };
    let extending = FileDescriptorProto {
        name: Some("extending.proto".to_owned()),
        dependency: vec!["base.proto".to_owned()],
        extension: vec![extension],
        ..Default::default()
    };
    let set = FileDescriptorSet { file: vec![base, extending] }.encode_to_vec();
    let reflection = builder().register(pb::FILE_DESCRIPTOR_SET).unwrap().register(&set).unwrap();
    // What is there already is not there twice.
    Conversation::new(&reflection.register(&set).unwrap().build())
}

fn names(answer: Answer) -> Vec<String> {
    let Answer::FileDescriptorResponse(files) = answer else { panic!("no files: {answer:?}") };
    let decoded =
        files.file_descriptor_proto.iter().map(|file| FileDescriptorProto::decode(file.clone()).unwrap());
    decoded.map(|file| file.name().to_owned()).collect()
}

fn code(answer: Answer) -> i32 {
    let Answer::ErrorResponse(error) = answer else { panic!("no error: {answer:?}") };
    error.error_code
}

#[test]
fn services_are_listed_once() {
    let Answer::ListServicesResponse(list) = conversation().to(&Question::ListServices(String::new())) else {
        panic!("no list");
    };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection"
        ]
    );
}

#[test]
fn a_file_comes_with_its_imports_and_those_only_once() {
    let mut conversation = conversation();
    let file = |name: &str| Question::FileByFilename(name.to_owned());
    let details = "google/rpc/error_details.proto";
    assert_eq!(names(conversation.to(&file(details))), [details, "google/protobuf/duration.proto"]);
    assert_eq!(names(conversation.to(&file(details))), [details]);
    assert_eq!(names(conversation.to(&file("extending.proto"))), ["extending.proto", "base.proto"]);
    assert_eq!(code(conversation.to(&file("other.proto"))), Code::NotFound as i32);
}

#[test]
fn a_symbol_is_found_whatever_it_is() {
    for symbol in [
        "grpc.health.v1.Health",
        "grpc.health.v1.Health.Check",
        "grpc.health.v1.HealthCheckRequest",
        "grpc.health.v1.HealthCheckRequest.service",
        "grpc.health.v1.HealthCheckResponse.ServingStatus",
        "grpc.health.v1.HealthCheckResponse.SERVING",
        ".grpc.health.v1.Health",
    ] {
        let answer = conversation().to(&Question::FileContainingSymbol(symbol.to_owned()));
        assert_eq!(names(answer), ["grpc/health/v1/health.proto"], "{symbol}");
    }
    let unknown = Question::FileContainingSymbol("grpc.health.v1".to_owned());
    assert_eq!(code(conversation().to(&unknown)), Code::NotFound as i32);
}

#[test]
fn extensions_are_found_by_number_and_listed() {
    let mut conversation = conversation();
    let extension = |extension_number| {
        let containing_type = "base.Extended".to_owned();
        Question::FileContainingExtension(pb::grpc::reflection::v1::ExtensionRequest {
            containing_type,
            extension_number,
        })
    };
    assert_eq!(names(conversation.to(&extension(100))), ["extending.proto", "base.proto"]);
    assert_eq!(code(conversation.to(&extension(101))), Code::NotFound as i32);

    let mut numbers =
        |message: &str| conversation.to(&Question::AllExtensionNumbersOfType(message.to_owned()));
    let list = |extension_number| {
        move |base_type_name: &str| {
            let base_type_name = base_type_name.to_owned();
            Answer::AllExtensionNumbersResponse(ExtensionNumberResponse { base_type_name, extension_number })
        }
    };
    assert_eq!(numbers("base.Extended"), list(vec![100])("base.Extended"));
    assert_eq!(numbers("base.Plain"), list(vec![])("base.Plain"));
    assert_eq!(code(numbers("base.Missing")), Code::NotFound as i32);
}

#[test]
fn the_question_comes_back_with_the_answer() {
    let request = ServerReflectionRequest { host: "h".to_owned(), message_request: None };
    let response = conversation().answer(request.clone());
    assert_eq!((response.valid_host.as_str(), response.original_request), ("h", Some(request)));
    assert_eq!(code(response.message_response.unwrap()), Code::InvalidArgument as i32);
}

#[test]
fn the_first_version_asks_and_answers_the_same() {
    use old::server_reflection_request::MessageRequest;
    use pb::grpc::reflection::v1alpha as old;
    for question in [
        MessageRequest::FileByFilename("base.proto".to_owned()),
        MessageRequest::FileContainingSymbol("base.Plain".to_owned()),
        MessageRequest::FileContainingExtension(old::ExtensionRequest {
            containing_type: "base.Extended".to_owned(),
            extension_number: 100,
        }),
        MessageRequest::AllExtensionNumbersOfType("base.Extended".to_owned()),
        MessageRequest::ListServices("*".to_owned()),
        MessageRequest::FileByFilename("missing.proto".to_owned()),
    ] {
        let asked = old::ServerReflectionRequest { host: "h".to_owned(), message_request: Some(question) };
        let new = conversation().answer(v1alpha::question(asked.clone()));
        // Field by field means byte by byte, but for nothing.
        assert_eq!(asked.encode_to_vec(), v1alpha::question(asked.clone()).encode_to_vec());
        assert_eq!(v1alpha::answer(new.clone(), asked).encode_to_vec(), new.encode_to_vec());
    }
}

#[test]
fn what_is_no_descriptor_set_is_refused() {
    let error = builder().register(b"\xff").unwrap_err().to_string();
    assert!(error.starts_with("this is no encoded google.protobuf.FileDescriptorSet: "), "{error}");
}
