//! Calls a route guide from async-std: `cargo run -p unwired-async-std --example route_guide_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::options::ROUTE_GUIDE_CLIENT;
use unwired_examples::route_guide::travel;

fn main() -> ExitCode {
    ROUTE_GUIDE_CLIENT.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Status> {
    let options = ROUTE_GUIDE_CLIENT.from_command_line();
    let channel = unwired_async_std::connect(&options.target).await?;
    travel(channel).await
}
