//! Stubs of tonic, from the same .proto as ours and without protoc; and ours of the service that foreign peers are called with.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = "../proto/proto";
    println!("cargo::rerun-if-changed={root}/grpc/testing");
    let files = protox::compile(["grpc/testing/test.proto"], [root])?;
    tonic_prost_build::configure().bytes(".").compile_fds(files)?;
    unwired_build::compile_protos(&["peers/peer.proto"], &["peers"])?;
    Ok(())
}
