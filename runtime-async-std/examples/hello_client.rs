//! Exchanges greetings from async-std: `cargo run -p unwired-async-std --example hello_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::hello_service::exchange_greetings;
use unwired_examples::options::HELLO_CLIENT;

fn main() -> ExitCode {
    HELLO_CLIENT.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = HELLO_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_async_std::channel(&options.target)?)?.connect().await?;
    exchange_greetings(channel, &options.name).await?;
    Ok(())
}
