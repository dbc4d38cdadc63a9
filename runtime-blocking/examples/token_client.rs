//! Calls the greeter with a token, from a plain thread: `cargo run -p unwired-blocking --example token_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::options::TOKEN_CLIENT;
use unwired_examples::token::knock;

fn main() -> ExitCode {
    TOKEN_CLIENT.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = TOKEN_CLIENT.from_command_line();
    let channel = unwired_blocking::channel(&options.target)?;
    let channel = channel.try_with(|settings| options.secure_channel(settings))?.connect()?;
    let calls = knock(channel.as_async().clone(), &options.name);
    let (refused, greeting) = channel.runtime().block_on(calls)?;
    println!("without a token: {refused}");
    println!("with a token: {greeting}");
    Ok(())
}
