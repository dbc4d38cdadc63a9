//! A package whose build script compiles .proto files is built again when one of them changes, and only then.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const MANIFEST: &str = r#"
[package]
name = "rebuilt"
version = "0.0.0"
edition = "2024"

[workspace]
"#;

/// The generator runs as a program of its own, so that the test does not build it once more.
const BUILD: &str = r#"
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    let status = std::process::Command::new(env!("GENERATOR"))
        .args([&out, "-Iproto", "-Imore", "proto/greeter.proto"])
        .status();
    std::process::exit(if status.unwrap().success() { 0 } else { 1 });
}
"#;

const MAIN: &str = r#"
fn main() {
    print!("{}", include_str!(concat!(env!("OUT_DIR"), "/greeter.rs")));
}
"#;

const GREETER: &str = r#"
syntax = "proto3";
package greeter;
import "sub/words.proto";
service Greeter {
  rpc SayHello(words.Word) returns (words.Word);
}
"#;

struct Package(TempDir);

impl Package {
    fn new() -> Self {
        let package = Self(TempDir::new().unwrap());
        package.write("Cargo.toml", MANIFEST);
        package.write("build.rs", BUILD);
        package.write("src/main.rs", MAIN);
        package.write("proto/greeter.proto", GREETER);
        package.write("more/sub/words.proto", "syntax = \"proto3\";\npackage words;\nmessage Word {}\n");
        package.write("proto/unrelated.proto", "syntax = \"proto3\";\n");
        package
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Runs the program: what it prints, and what cargo says.
    fn run(&self) -> (String, String) {
        let generator = Path::new(env!("CARGO_BIN_EXE_protoc-gen-unwired"));
        let output = Command::new(env!("CARGO"))
            .args(["run", "--offline", "--color=never", "--target-dir", "target"])
            .current_dir(&self.0)
            .env("GENERATOR", generator)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    }
}

#[test]
fn what_changes_in_a_proto_is_generated_on_the_next_build() {
    let package = Package::new();
    let (code, _) = package.run();
    assert!(code.contains("fn say_hello") && !code.contains("fn say_more"), "{code}");

    let (_, said) = package.run();
    assert!(!said.contains("Compiling"), "nothing changed: {said}");

    package.write("proto/unrelated.proto", "syntax = \"proto3\";\npackage unrelated;\n");
    let (_, said) = package.run();
    assert!(!said.contains("Compiling"), "nothing changed that was read: {said}");

    let longer = GREETER
        .replace("service Greeter {", "service Greeter {\n  rpc SayMore(words.Word) returns (words.Word);");
    package.write("proto/greeter.proto", &longer);
    let (code, _) = package.run();
    assert!(code.contains("fn say_more"), "{code}");

    package.write("more/sub/words.proto", "syntax = \"proto3\";\npackage words;\nmessage Words {}\n");
    let (_, said) = package.run();
    assert!(said.contains("proto/greeter.proto:7:16: ") && said.contains("'words.Word'"), "{said}");

    package.write(
        "more/sub/words.proto",
        "syntax = \"proto3\";\npackage words;\nmessage Word { int32 size = 1; }\n",
    );
    let (code, _) = package.run();
    assert!(code.contains("fn say_more"), "{code}");
}
