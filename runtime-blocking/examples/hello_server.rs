//! Greetings in four kinds of method on plain threads: `cargo run -p unwired-blocking --example hello_server`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use unwired::Server;
use unwired_examples::hello_service::Host;
use unwired_examples::options::HELLO_SERVER;
use unwired_proto::hello_service::hello_service_server::HelloServiceServer;

/// How long calls that are under way may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    HELLO_SERVER.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = HELLO_SERVER.from_command_line();
    let server = options.secure_server(Server::builder())?.add_service(HelloServiceServer::new(Host));
    let bound = unwired_blocking::bind(options.listen)?;
    let running = bound.start(server)?;
    let stopper = running.stopper();
    unwired_examples::on_stop(move || stopper.stop(GRACE))?;
    println!("listening on {}", running.local_addr()?);
    running.wait()?;
    Ok(())
}
