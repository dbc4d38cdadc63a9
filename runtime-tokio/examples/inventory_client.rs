//! Calls a store of items from tokio: `cargo run -p unwired-tokio --example inventory_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::inventory::trade;
use unwired_examples::options::INVENTORY_CLIENT;

#[tokio::main]
async fn main() -> ExitCode {
    INVENTORY_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = INVENTORY_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_tokio::channel(&options.target)?)?.connect().await?;
    trade(channel, &options.name).await?;
    Ok(())
}
