//! Exchanges greetings from a plain thread: `cargo run -p unwired-blocking --example hello_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Channel;
use unwired_blocking::Blocking;
use unwired_examples::hello_service::exchange_greetings;
use unwired_examples::options::HELLO_CLIENT;

fn main() -> ExitCode {
    HELLO_CLIENT.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = HELLO_CLIENT.from_command_line();
    let runtime = Blocking::global()?;
    let channel = options.secure_channel(Channel::builder(runtime.handle(), options.target.parse()?))?;
    let channel = runtime.block_on(channel.connect())?;
    runtime.block_on(exchange_greetings(channel, &options.name))?;
    Ok(())
}
