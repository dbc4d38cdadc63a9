//! Calls a route guide from smol: `cargo run -p unwired-smol --example route_guide_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::options::ROUTE_GUIDE_CLIENT;
use unwired_examples::route_guide::travel;

fn main() -> ExitCode {
    ROUTE_GUIDE_CLIENT.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Status> {
    let options = ROUTE_GUIDE_CLIENT.from_command_line();
    let channel = unwired_smol::connect(&options.target).await?;
    travel(channel).await
}
