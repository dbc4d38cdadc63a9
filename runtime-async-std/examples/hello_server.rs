//! Greetings in four kinds of method on async-std: `cargo run -p unwired-async-std --example hello_server`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Server;
use unwired_examples::hello_service::Host;
use unwired_examples::options::HELLO_SERVER;
use unwired_proto::hello_service::hello_service_server::HelloServiceServer;

fn main() -> ExitCode {
    HELLO_SERVER.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = HELLO_SERVER.from_command_line();
    let stop = unwired_examples::stop()?;
    let server = options.secure_server(Server::builder())?.add_service(HelloServiceServer::new(Host));
    let bound = options.listening(unwired_async_std::bind(options.listen).await)?;
    bound.serve_with_shutdown(server, stop).await?;
    Ok(())
}
