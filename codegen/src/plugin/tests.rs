use prost_types::compiler::CodeGeneratorRequest;
use prost_types::{FileDescriptorProto, MethodDescriptorProto, ServiceDescriptorProto};

use super::*;

fn file(name: &str, package: &str) -> FileDescriptorProto {
    let method = MethodDescriptorProto {
        name: Some("Ask".to_owned()),
        input_type: Some(format!(".{package}.Question")),
        output_type: Some(format!(".{package}.Answer")),
        ..Default::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("Oracle".to_owned()),
        method: vec![method],
        ..Default::default()
    };
    FileDescriptorProto {
        name: Some(name.to_owned()),
        package: Some(package.to_owned()),
        syntax: Some("proto3".to_owned()),
        service: vec![service],
        ..Default::default()
    }
}

fn answer(parameter: &str) -> CodeGeneratorResponse {
    let request = CodeGeneratorRequest {
        file_to_generate: vec!["a.proto".to_owned()],
        parameter: Some(parameter.to_owned()),
        proto_file: vec![file("imported.proto", "imported"), file("a.proto", "a.b")],
        ..Default::default()
    };
    CodeGeneratorResponse::decode(&*run(&request.encode_to_vec()).unwrap()).unwrap()
}

#[test]
fn only_what_was_asked_for_is_generated() {
    let answer = answer("");
    assert_eq!(answer.error, None);
    let names: Vec<&str> = answer.file.iter().map(File::name).collect();
    assert_eq!(names, ["a.b.rs"]);
    let content = answer.file[0].content();
    assert!(
        content.contains("pub mod oracle_client") && content.contains("pub mod oracle_server"),
        "{content}"
    );
}

#[test]
fn parameters_are_options() {
    let answer =
        answer("no_server,client_attribute=.=#[derive(A\\,B)],extern_path=.a.b.Question=::q::Question");
    assert_eq!(answer.error, None);
    let content = answer.file[0].content();
    assert!(!content.contains("pub mod oracle_server"), "{content}");
    assert!(content.contains("#[derive(A, B)]") && content.contains("::q::Question"), "{content}");
}

#[test]
fn what_is_wrong_is_told_in_the_answer() {
    assert!(answer("no_such_thing").error().starts_with("there is no parameter no_such_thing"));
    assert_eq!(
        answer("type_attribute=.a").error(),
        "the parameter type_attribute needs a path and a value: type_attribute=PATH=VALUE"
    );
    let error = answer("codec_path=3").error().to_owned();
    assert!(error.starts_with("`3` is no path of a codec: "), "{error}");
}

#[test]
fn what_is_no_request_is_an_error() {
    let error = run(b"\xff\xff").unwrap_err().to_string();
    assert!(error.starts_with("this is no request of protoc: "), "{error}");
}

#[test]
fn commas_can_be_part_of_a_value() {
    assert_eq!(split("a,b=c\\,d,,e\\f"), ["a", "b=c,d", "e\\f"]);
}
