//! Calls a store of items from tokio: `cargo run -p unwired-tokio --example inventory_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::inventory::trade;
use unwired_examples::options::INVENTORY_CLIENT;

#[tokio::main]
async fn main() -> ExitCode {
    INVENTORY_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Status> {
    let options = INVENTORY_CLIENT.from_command_line();
    let channel = unwired_tokio::connect(&options.target).await?;
    trade(channel, &options.name).await
}
