//! Calls a store of items from async-std: `cargo run -p unwired-async-std --example inventory_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::inventory::trade;
use unwired_examples::options::INVENTORY_CLIENT;

fn main() -> ExitCode {
    INVENTORY_CLIENT.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Status> {
    let options = INVENTORY_CLIENT.from_command_line();
    let channel = unwired_async_std::connect(&options.target).await?;
    trade(channel, &options.name).await
}
