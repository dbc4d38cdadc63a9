//! Calls a store of items from a plain thread: `cargo run -p unwired-blocking --example inventory_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Channel;
use unwired_blocking::Blocking;
use unwired_examples::inventory::trade;
use unwired_examples::options::INVENTORY_CLIENT;

fn main() -> ExitCode {
    INVENTORY_CLIENT.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = INVENTORY_CLIENT.from_command_line();
    let runtime = Blocking::global()?;
    let channel = options.secure_channel(Channel::builder(runtime.handle(), options.target.parse()?))?;
    let channel = runtime.block_on(channel.connect())?;
    runtime.block_on(trade(channel, &options.name))?;
    Ok(())
}
