//! Has distances measured from a plain thread: `cargo run -p unwired-blocking --example displacement_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Channel;
use unwired_blocking::Blocking;
use unwired_examples::displacement::measure;
use unwired_examples::options::DISPLACEMENT_CLIENT;

fn main() -> ExitCode {
    DISPLACEMENT_CLIENT.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = DISPLACEMENT_CLIENT.from_command_line();
    let runtime = Blocking::global()?;
    let channel = options.secure_channel(Channel::builder(runtime.handle(), options.target.parse()?))?;
    let channel = runtime.block_on(channel.connect())?;
    runtime.block_on(measure(channel))?;
    Ok(())
}
