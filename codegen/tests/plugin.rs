//! `protoc-gen-unwired` as `protoc` runs it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use prost::Message;
use prost_types::compiler::{CodeGeneratorRequest, CodeGeneratorResponse};

fn plugin(request: &[u8]) -> std::process::Output {
    let mut plugin = Command::new(env!("CARGO_BIN_EXE_protoc-gen-unwired"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    plugin.stdin.take().unwrap().write_all(request).unwrap();
    plugin.wait_with_output().unwrap()
}

#[test]
fn the_answer_is_what_a_build_script_gets() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = ["odd.proto", "odd/nested.proto", "no_package.proto"];
    let request = CodeGeneratorRequest {
        file_to_generate: files.map(str::to_owned).to_vec(),
        parameter: Some("client_attribute=odd.Plain=#[doc(alias = \"simple\")]".to_owned()),
        proto_file: protox::compile(files, [&fixtures]).unwrap().file,
        compiler_version: None,
    };
    let output = plugin(&request.encode_to_vec());
    assert!(output.status.success());
    let response = CodeGeneratorResponse::decode(&*output.stdout).unwrap();
    assert_eq!(response.error, None);
    // Editions are not among what it supports; optional fields of proto3 are.
    assert_eq!(response.supported_features, Some(1));
    let names: Vec<&str> = response.file.iter().map(|file| file.name()).collect();
    assert_eq!(names, ["_.rs", "odd.nested.deeper.rs", "odd.rs"]);
    for file in &response.file {
        let built = std::fs::read_to_string(fixtures.join("../generated").join(file.name())).unwrap();
        assert_eq!(file.content(), built.replace("\r\n", "\n"), "{}", file.name());
    }
}

#[test]
fn what_is_no_request_fails_in_words() {
    let output = plugin(b"\xff\xff");
    assert!(!output.status.success() && output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("this is no request of protoc: "), "{said}");
}
