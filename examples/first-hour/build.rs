fn main() -> Result<(), unwired_build::Error> {
    unwired_build::compile_protos(&["proto/weather.proto"], &["proto"])
}
