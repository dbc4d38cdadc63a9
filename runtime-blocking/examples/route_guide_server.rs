//! The route guide, whose handlers are async, on plain threads:
//! `cargo run -p unwired-blocking --example route_guide_server`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use unwired::Server;
use unwired_examples::options::ROUTE_GUIDE_SERVER;
use unwired_examples::route_guide::{Database, Guide};
use unwired_proto::routeguide::route_guide_server::RouteGuideServer;

/// How long calls that are under way may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    ROUTE_GUIDE_SERVER.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = ROUTE_GUIDE_SERVER.from_command_line();
    let guide = RouteGuideServer::new(Guide::new(Database::open(options.db.as_deref())?));
    let server = options.secure_server(Server::builder())?.add_service(guide);
    let bound = unwired_blocking::bind(options.listen)?;
    let running = bound.start(server)?;
    let stopper = running.stopper();
    unwired_examples::on_stop(move || stopper.stop(GRACE))?;
    println!("listening on {}", running.local_addr()?);
    running.wait()?;
    Ok(())
}
