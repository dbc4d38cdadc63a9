//! Calls a greeter from tokio: `cargo run -p unwired-tokio --example greeter_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::greeter::greet;
use unwired_examples::options::GREETER_CLIENT;

#[tokio::main]
async fn main() -> ExitCode {
    GREETER_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Status> {
    let options = GREETER_CLIENT.from_command_line();
    let channel = unwired_tokio::connect(&options.target).await?;
    greet(channel, &options.name).await
}
