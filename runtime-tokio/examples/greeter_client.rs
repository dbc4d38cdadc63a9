//! Calls a greeter from tokio: `cargo run -p unwired-tokio --example greeter_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::greeter::greet;
use unwired_examples::options::GREETER_CLIENT;

#[tokio::main]
async fn main() -> ExitCode {
    GREETER_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = GREETER_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_tokio::channel(&options.target)?)?.connect().await?;
    greet(channel, &options.name).await?;
    Ok(())
}
