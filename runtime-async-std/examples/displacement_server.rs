//! Distances on async-std: `cargo run -p unwired-async-std --example displacement_server`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Server;
use unwired_examples::displacement::Plane;
use unwired_examples::options::DISPLACEMENT_SERVER;
use unwired_proto::my_package::displacement_service_server::DisplacementServiceServer;

fn main() -> ExitCode {
    DISPLACEMENT_SERVER.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = DISPLACEMENT_SERVER.from_command_line();
    let stop = unwired_examples::stop()?;
    let server = options.secure_server(Server::builder())?.add_service(DisplacementServiceServer::new(Plane));
    let bound = options.listening(unwired_async_std::bind(options.listen).await)?;
    bound.serve_with_shutdown(server, stop).await?;
    Ok(())
}
