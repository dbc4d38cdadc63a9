//! Calls a route guide from async-std: `cargo run -p unwired-async-std --example route_guide_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::options::ROUTE_GUIDE_CLIENT;
use unwired_examples::route_guide::travel;

fn main() -> ExitCode {
    ROUTE_GUIDE_CLIENT.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = ROUTE_GUIDE_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_async_std::channel(&options.target)?)?.connect().await?;
    travel(channel).await?;
    Ok(())
}
