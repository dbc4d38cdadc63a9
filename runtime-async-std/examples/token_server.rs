//! The greeter behind interceptors, on async-std: `cargo run -p unwired-async-std --example token_server`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Server;
use unwired_examples::options::TOKEN_SERVER;
use unwired_examples::token::{Log, guarded};

fn main() -> ExitCode {
    TOKEN_SERVER.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = TOKEN_SERVER.from_command_line();
    let stop = unwired_examples::stop()?;
    let log = Log::to(|line| println!("{line}"));
    let server = guarded(options.secure_server(Server::builder())?, log);
    let bound = options.listening(unwired_async_std::bind(options.listen).await)?;
    bound.serve_with_shutdown(server, stop).await?;
    Ok(())
}
