//! Has distances measured from async-std: `cargo run -p unwired-async-std --example displacement_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::displacement::measure;
use unwired_examples::options::DISPLACEMENT_CLIENT;

fn main() -> ExitCode {
    DISPLACEMENT_CLIENT.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = DISPLACEMENT_CLIENT.from_command_line();
    let channel = options.secure_channel(unwired_async_std::channel(&options.target)?)?.connect().await?;
    measure(channel).await?;
    Ok(())
}
