//! Stubs of the peers, from the same .proto as ours and without protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = "../proto/proto/helloworld.proto";
    println!("cargo::rerun-if-changed={proto}");
    let files = protox::compile([proto], ["../proto/proto"])?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
