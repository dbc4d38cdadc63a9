//! The greeter on async-std: `cargo run -p unwired-async-std --example greeter_server`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Server;
use unwired_examples::greeter::PoliteGreeter;
use unwired_examples::options::GREETER_SERVER;
use unwired_proto::helloworld::greeter_server::GreeterServer;

fn main() -> ExitCode {
    GREETER_SERVER.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = GREETER_SERVER.from_command_line();
    let stop = unwired_examples::stop()?;
    let server = options.secure_server(Server::builder())?.add_service(GreeterServer::new(PoliteGreeter));
    let bound = options.listening(unwired_async_std::bind(options.listen).await)?;
    bound.serve_with_shutdown(server, stop).await?;
    Ok(())
}
