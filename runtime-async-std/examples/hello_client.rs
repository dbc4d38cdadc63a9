//! Exchanges greetings from async-std: `cargo run -p unwired-async-std --example hello_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::hello_service::exchange_greetings;
use unwired_examples::options::HELLO_CLIENT;

fn main() -> ExitCode {
    HELLO_CLIENT.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Status> {
    let options = HELLO_CLIENT.from_command_line();
    let channel = unwired_async_std::connect(&options.target).await?;
    exchange_greetings(channel, &options.name).await
}
