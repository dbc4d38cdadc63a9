//! Has distances measured from tokio: `cargo run -p unwired-tokio --example displacement_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::displacement::measure;
use unwired_examples::options::DISPLACEMENT_CLIENT;

#[tokio::main]
async fn main() -> ExitCode {
    DISPLACEMENT_CLIENT.ended(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = DISPLACEMENT_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_tokio::channel(&options.target)?)?.connect().await?;
    measure(channel).await?;
    Ok(())
}
