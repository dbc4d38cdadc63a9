fn main() -> Result<(), Box<dyn std::error::Error>> {
    unwired_build::compile_protos(&["proto/helloworld.proto"], &["proto"])?;
    Ok(())
}
