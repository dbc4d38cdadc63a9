//! Calls the greeter with a token, from async-std: `cargo run -p unwired-async-std --example token_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::options::TOKEN_CLIENT;
use unwired_examples::token::knock;

fn main() -> ExitCode {
    TOKEN_CLIENT.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = TOKEN_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_async_std::channel(&options.target)?)?.connect().await?;
    let (refused, greeting) = knock(channel, &options.name).await?;
    println!("without a token: {refused}");
    println!("with a token: {greeting}");
    Ok(())
}
