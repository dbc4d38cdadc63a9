//! What a build says of a .proto that is wrong.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Compiles files of these names and contents, the first of them by name, and gives the error with the folder cut out.
fn error(files: &[(&str, &str)]) -> String {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let proto = folder.path().join(files[0].0);
    let error = unwired_build::configure()
        .out_dir(folder.path())
        .compile_protos(&[&proto], &[folder.path()])
        .expect_err("the file is wrong");
    assert_eq!(format!("{error:?}"), error.to_string());
    cut(&error.to_string(), folder.path())
}

fn cut(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn a_fault_in_the_grammar_has_its_place() {
    let text =
        error(&[("bad.proto", "syntax = \"proto3\";\npackage p;\nmessage M {\n\tstring name == 1;\n}\n")]);
    assert_eq!(
        text,
        "bad.proto:4:15: expected an integer, but found '='\n  |\n4 | \tstring name == 1;\n  | \t             ^"
    );
}

#[test]
fn an_unknown_type_has_its_place() {
    let text = error(&[(
        "bad.proto",
        "syntax = \"proto3\";\nservice Greeter {\n  rpc SayHello(HelloRequest) returns (HelloRequest);\n}\n",
    )]);
    assert!(text.starts_with("bad.proto:3:16: name 'HelloRequest' is not defined\n"), "{text}");
    assert!(
        text.contains(
            "\n3 |   rpc SayHello(HelloRequest) returns (HelloRequest);\n  |                ^^^^^^^^^^^^"
        ),
        "{text}"
    );
}

#[test]
fn each_fault_is_told() {
    let text = error(&[("bad.proto", "syntax = \"proto3\";\nmessage M {\n  A a = 1;\n  B b = 2;\n}\n")]);
    assert!(text.contains("bad.proto:3:3: name 'A' is not defined"), "{text}");
    assert!(text.contains("bad.proto:4:3: name 'B' is not defined"), "{text}");
}

#[test]
fn a_fault_in_an_imported_file_is_placed_there() {
    let text = error(&[
        ("good.proto", "syntax = \"proto3\";\nimport \"bad.proto\";\n"),
        ("bad.proto", "syntax = \"proto3\";\n\nmessage {}\n"),
    ]);
    assert!(text.starts_with("bad.proto:3:9: "), "{text}");
}

#[test]
fn an_import_that_is_not_there_has_its_place() {
    let text = error(&[("bad.proto", "syntax = \"proto3\";\nimport \"nowhere.proto\";\n")]);
    assert!(text.starts_with("bad.proto:2:1: import 'nowhere.proto' not found\n"), "{text}");
}

#[test]
fn a_number_used_twice_has_its_place() {
    let text =
        error(&[("bad.proto", "syntax = \"proto3\";\nmessage M {\n  string a = 1;\n  string b = 1;\n}\n")]);
    assert!(text.contains("bad.proto:3:14: ") || text.contains("bad.proto:4:14: "), "{text}");
    assert!(text.contains("field number '1'"), "{text}");
}

#[test]
fn a_file_or_include_that_is_not_there_is_named() {
    let folder = TempDir::new().unwrap();
    let build = || unwired_build::configure().out_dir(folder.path());
    let missing = folder.path().join("missing.proto");
    let text = build().compile_protos(&[&missing], &[folder.path()]).unwrap_err().to_string();
    assert!(text.starts_with(&format!("there is no {}", missing.display())), "{text}");
    let missing = folder.path().join("missing");
    let text = build().compile_protos(&["a.proto"], &[&missing]).unwrap_err().to_string();
    assert!(text.starts_with(&format!("the include {} is no folder", missing.display())), "{text}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = TempDir::new().unwrap();
    let proto = folder.path().join("a.proto");
    fs::write(&proto, "syntax = \"proto3\";\npackage a;\nmessage M {}\n").unwrap();
    let build = unwired_build::configure().out_dir(folder.path().join("missing"));
    let error = build.compile_protos(&[&proto], &[folder.path()]).unwrap_err();
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}

#[test]
fn an_option_that_cannot_be_used_stops_the_build() {
    let folder = TempDir::new().unwrap();
    let proto = folder.path().join("a.proto");
    fs::write(&proto, "syntax = \"proto3\";\npackage a;\n").unwrap();
    let build = unwired_build::configure().out_dir(folder.path()).server_attribute(".", "derive(Debug)");
    let text = build.compile_protos(&[&proto], &[folder.path()]).unwrap_err().to_string();
    assert!(text.starts_with("`derive(Debug)` for . is no attribute: "), "{text}");
}
