//! Stubs of ours and of the peers from the same .proto files, without protoc. Messages are the same types in all of them.

use std::error::Error;

const GREETER: &str = "../proto/proto/helloworld.proto";
const WORK: &str = "proto/work.proto";

fn main() -> Result<(), Box<dyn Error>> {
    for proto in [GREETER, WORK] {
        println!("cargo::rerun-if-changed={proto}");
    }
    unwired_build::configure().bytes(".work").compile_protos(&[WORK], &["proto"])?;

    let files = protox::compile([GREETER, WORK], ["../proto/proto", "proto"])?;
    let peers = std::path::Path::new(&std::env::var("OUT_DIR")?).join("tonic");
    // With messages of its own: for a program that has nothing of ours.
    let alone = peers.join("alone");
    std::fs::create_dir_all(&alone)?;
    let greeter = protox::compile([GREETER], ["../proto/proto"])?;
    tonic_prost_build::configure().out_dir(alone).compile_fds(greeter)?;

    tonic_prost_build::configure()
        .extern_path(".helloworld", "::unwired_proto::helloworld")
        .extern_path(".work", "crate::stubs::work")
        .out_dir(peers)
        .compile_fds(files)?;
    Ok(())
}
