//! The greeter behind interceptors, on plain threads: `cargo run -p unwired-blocking --example token_server`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use unwired::Server;
use unwired_examples::options::TOKEN_SERVER;
use unwired_examples::token::{Log, guarded};

/// How long calls that are under way may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    TOKEN_SERVER.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = TOKEN_SERVER.from_command_line();
    let log = Log::to(|line| println!("{line}"));
    let server = guarded(options.secure_server(Server::builder())?, log);
    let bound = unwired_blocking::bind(options.listen)?;
    let running = bound.start(server)?;
    let stopper = running.stopper();
    unwired_examples::on_stop(move || stopper.stop(GRACE))?;
    println!("listening on {}", running.local_addr()?);
    running.wait()?;
    Ok(())
}
