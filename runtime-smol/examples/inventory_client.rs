//! Calls a store of items from smol: `cargo run -p unwired-smol --example inventory_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::inventory::trade;
use unwired_examples::options::INVENTORY_CLIENT;

fn main() -> ExitCode {
    INVENTORY_CLIENT.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = INVENTORY_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_smol::channel(&options.target)?)?.connect().await?;
    trade(channel, &options.name).await?;
    Ok(())
}
