//! Has distances measured from smol: `cargo run -p unwired-smol --example displacement_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::displacement::measure;
use unwired_examples::options::DISPLACEMENT_CLIENT;

fn main() -> ExitCode {
    DISPLACEMENT_CLIENT.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = DISPLACEMENT_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_smol::channel(&options.target)?)?.connect().await?;
    measure(channel).await?;
    Ok(())
}
