//! Calls a greeter from async-std: `cargo run -p unwired-async-std --example greeter_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::greeter::greet;
use unwired_examples::options::GREETER_CLIENT;

fn main() -> ExitCode {
    GREETER_CLIENT.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = GREETER_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_async_std::channel(&options.target)?)?.connect().await?;
    greet(channel, &options.name).await?;
    Ok(())
}
