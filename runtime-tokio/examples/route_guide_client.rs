//! Calls a route guide from tokio: `cargo run -p unwired-tokio --example route_guide_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::options::ROUTE_GUIDE_CLIENT;
use unwired_examples::route_guide::travel;

#[tokio::main]
async fn main() -> ExitCode {
    ROUTE_GUIDE_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Status> {
    let options = ROUTE_GUIDE_CLIENT.from_command_line();
    let channel = unwired_tokio::connect(&options.target).await?;
    travel(channel).await
}
