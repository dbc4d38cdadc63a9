//! Exchanges greetings from tokio: `cargo run -p unwired-tokio --example hello_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::hello_service::exchange_greetings;
use unwired_examples::options::HELLO_CLIENT;

#[tokio::main]
async fn main() -> ExitCode {
    HELLO_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = HELLO_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_tokio::channel(&options.target)?)?.connect().await?;
    exchange_greetings(channel, &options.name).await?;
    Ok(())
}
