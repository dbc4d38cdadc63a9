//! Exchanges greetings from tokio: `cargo run -p unwired-tokio --example hello_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::hello_service::exchange_greetings;
use unwired_examples::options::HELLO_CLIENT;

#[tokio::main]
async fn main() -> ExitCode {
    HELLO_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Status> {
    let options = HELLO_CLIENT.from_command_line();
    let channel = unwired_tokio::connect(&options.target).await?;
    exchange_greetings(channel, &options.name).await
}
