//! Distances on plain threads: `cargo run -p unwired-blocking --example displacement_server`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use unwired::Server;
use unwired_examples::displacement::Plane;
use unwired_examples::options::DISPLACEMENT_SERVER;
use unwired_proto::my_package::displacement_service_server::DisplacementServiceServer;

/// How long calls that are under way may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    DISPLACEMENT_SERVER.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = DISPLACEMENT_SERVER.from_command_line();
    let server = options.secure_server(Server::builder())?.add_service(DisplacementServiceServer::new(Plane));
    let bound = unwired_blocking::bind(options.listen)?;
    let running = bound.start(server)?;
    let stopper = running.stopper();
    unwired_examples::on_stop(move || stopper.stop(GRACE))?;
    println!("listening on {}", running.local_addr()?);
    running.wait()?;
    Ok(())
}
