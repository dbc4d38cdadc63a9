//! The crates that ship generated code ship what this generator makes of their .proto files.
//!
//! `UNWIRED_REGENERATE=1 cargo test -p unwired-build --test checked_in` writes it anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use tempfile::TempDir;
use unwired_build::Builder;

#[test]
fn proto() {
    let files = [
        "displacement.proto",
        "feed.proto",
        "hello_service.proto",
        "helloworld.proto",
        "inventory.proto",
        "route_guide.proto",
        "grpc/testing/test.proto",
    ];
    let build = unwired_build::configure()
        .build_blocking(true)
        .blocking_mod_attribute(".", "#[cfg(feature = \"blocking\")]");
    same_as_checked_in("proto", &files, build);
}

#[test]
fn services() {
    let files = [
        "google/rpc/error_details.proto",
        "google/rpc/status.proto",
        "grpc/health/v1/health.proto",
        "grpc/reflection/v1/reflection.proto",
        "grpc/reflection/v1alpha/reflection.proto",
    ];
    same_as_checked_in("services", &files, unwired_build::configure().bytes(".grpc.reflection"));
}

/// The names and services that .proto files can have and Rust would rather not.
#[test]
fn odd_names() {
    let files = ["odd.proto", "odd/nested.proto", "no_package.proto"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let build = unwired_build::configure().client_attribute("odd.Plain", "#[doc(alias = \"simple\")]");
    compare(build, &files, &folder.join("fixtures"), &folder.join("generated"));
}

/// The flavour for one thread; `runtime-tokio` tests what it does.
#[test]
fn local() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let build = unwired_build::configure().local(true);
    compare(build, &["local.proto"], &folder.join("fixtures"), &folder.join("generated/local"));
}

fn same_as_checked_in(package: &str, files: &[&str], build: Builder) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package);
    compare(build, files, &folder.join("proto"), &folder.join("src/generated"));
}

fn compare(build: Builder, files: &[&str], include: &Path, checked_in: &Path) {
    let out = TempDir::new().unwrap();
    let files: Vec<PathBuf> = files.iter().map(|file| include.join(file)).collect();
    build
        .out_dir(out.path())
        .file_descriptor_set_path(out.path().join("descriptors.bin"))
        .compile_protos(&files, &[include])
        .unwrap();
    let generated = contents(out.path());
    if env::var_os("UNWIRED_REGENERATE").is_some() {
        fs::create_dir_all(checked_in).unwrap();
        for name in contents(checked_in).keys() {
            fs::remove_file(checked_in.join(name)).unwrap();
        }
        for (name, content) in generated {
            fs::write(checked_in.join(name), content).unwrap();
        }
        return;
    }
    let shipped = contents(checked_in);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&shipped), names(&generated), "in {}", checked_in.display());
    for (name, content) in generated {
        // A checkout may have its own idea of line ends.
        let same = shipped[&name] == content
            || String::from_utf8_lossy(&shipped[&name]).replace("\r\n", "\n").as_bytes() == content;
        assert!(
            same,
            "{} is stale: UNWIRED_REGENERATE=1 cargo test -p unwired-build --test checked_in",
            checked_in.join(&name).display()
        );
    }
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect()
}
