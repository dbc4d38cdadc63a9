//! Has distances measured from smol: `cargo run -p unwired-smol --example displacement_client`.

use std::process::ExitCode;

use unwired::Status;
use unwired_examples::displacement::measure;
use unwired_examples::options::DISPLACEMENT_CLIENT;

fn main() -> ExitCode {
    DISPLACEMENT_CLIENT.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Status> {
    let options = DISPLACEMENT_CLIENT.from_command_line();
    let channel = unwired_smol::connect(&options.target).await?;
    measure(channel).await
}
