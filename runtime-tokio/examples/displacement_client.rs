//! Has distances measured from tokio: `cargo run -p unwired-tokio --example displacement_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::displacement::measure;
use unwired_examples::options::DISPLACEMENT_CLIENT;

#[tokio::main]
async fn main() -> ExitCode {
    DISPLACEMENT_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Status> {
    let options = DISPLACEMENT_CLIENT.from_command_line();
    let channel = unwired_tokio::connect(&options.target).await?;
    measure(channel).await
}
