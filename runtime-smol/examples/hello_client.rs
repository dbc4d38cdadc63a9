//! Exchanges greetings from smol: `cargo run -p unwired-smol --example hello_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::hello_service::exchange_greetings;
use unwired_examples::options::HELLO_CLIENT;

fn main() -> ExitCode {
    HELLO_CLIENT.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = HELLO_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_smol::channel(&options.target)?)?.connect().await?;
    exchange_greetings(channel, &options.name).await?;
    Ok(())
}
