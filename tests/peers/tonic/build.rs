//! Stubs of tonic, from the same .proto as ours and without protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = "../../../proto/proto";
    println!("cargo::rerun-if-changed={root}/grpc/testing");
    let files = protox::compile(["grpc/testing/test.proto"], [root])?;
    tonic_prost_build::configure().bytes(".").compile_fds(files)?;
    Ok(())
}
