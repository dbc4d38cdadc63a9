//! Calls a greeter from smol: `cargo run -p unwired-smol --example greeter_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::greeter::greet;
use unwired_examples::options::GREETER_CLIENT;

fn main() -> ExitCode {
    GREETER_CLIENT.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Status> {
    let options = GREETER_CLIENT.from_command_line();
    let channel = unwired_smol::connect(&options.target).await?;
    greet(channel, &options.name).await
}
