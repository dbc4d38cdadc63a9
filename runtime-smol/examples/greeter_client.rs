//! Calls a greeter from smol: `cargo run -p unwired-smol --example greeter_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::greeter::greet;
use unwired_examples::options::GREETER_CLIENT;

fn main() -> ExitCode {
    GREETER_CLIENT.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = GREETER_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_smol::channel(&options.target)?)?.connect().await?;
    greet(channel, &options.name).await?;
    Ok(())
}
