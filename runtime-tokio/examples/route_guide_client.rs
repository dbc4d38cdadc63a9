//! Calls a route guide from tokio: `cargo run -p unwired-tokio --example route_guide_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::options::ROUTE_GUIDE_CLIENT;
use unwired_examples::route_guide::travel;

#[tokio::main]
async fn main() -> ExitCode {
    ROUTE_GUIDE_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = ROUTE_GUIDE_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_tokio::channel(&options.target)?)?.connect().await?;
    travel(channel).await?;
    Ok(())
}
